"""Every US clock change and every NYSE half day, 2005 to 2026, from a hand-made list."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.models.bars import from_us
from simutrador_core.sessions.exchange import get_calendar

NEW_YORK = ZoneInfo("America/New_York")
GOLDEN: dict[str, Any] = tomllib.loads(
    (files("simutrador_core.sessions") / "data" / "us_clock_changes_and_half_days.toml").read_text(
        encoding="utf-8"
    )
)
YEARS: list[dict[str, Any]] = GOLDEN["year"]
HALF_DAYS: list[date] = [day for year in YEARS for day in year["half_days"]]


def utc(day: date, hour: int, minute: int) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:00+00:00")


def test_golden_list_covers_22_years_and_names_its_sources() -> None:
    assert [year["year"] for year in YEARS] == list(range(2005, 2027))
    assert "Energy Policy Act of 2005" in GOLDEN["clock_source"]
    assert "nyse.com" in GOLDEN["half_day_source"]


@pytest.mark.parametrize("year", YEARS, ids=lambda year: str(year["year"]))
def test_sessions_around_clock_changes_open_at_the_right_utc_minute(year: dict[str, Any]) -> None:
    calendar = get_calendar("XNYS")
    found: list[tuple[str, bool]] = []
    for change, before, after in (
        (year["clocks_forward"], (14, 30), (13, 30)),
        (year["clocks_back"], (13, 30), (14, 30)),
    ):
        friday, monday = change - timedelta(days=2), change + timedelta(days=1)
        found += [
            ("before", calendar.hours(friday).open == utc(friday, *before)),
            ("after", calendar.hours(monday).open == utc(monday, *after)),
            ("before", len(calendar.minutes(friday)) == 390),
            ("after", len(calendar.minutes(monday)) == 390),
        ]
    assert [which for which, right in found if not right] == []


@pytest.mark.parametrize("year", YEARS, ids=lambda year: str(year["year"]))
def test_golden_clock_changes_are_those_of_the_time_zone_database(year: dict[str, Any]) -> None:
    noon = time(12)
    changed = [
        day
        for day in (date(year["year"], 1, 2) + timedelta(days=k) for k in range(363))
        if datetime.combine(day, noon, NEW_YORK).utcoffset()
        != datetime.combine(day - timedelta(days=1), noon, NEW_YORK).utcoffset()
    ]
    assert changed == [year["clocks_forward"], year["clocks_back"]]


@pytest.mark.parametrize("day", HALF_DAYS, ids=str)
def test_half_day_has_210_minutes_and_closes_at_13_new_york(day: date) -> None:
    calendar = get_calendar("XNYS")
    hours = calendar.hours(day)
    assert len(calendar.minutes(day)) == 210
    assert hours.close.astimezone(NEW_YORK).time() == time(13)
    # 3 July lies in summer time, the other two in winter time.
    assert hours.open == utc(day, *((13, 30) if day.month == 7 else (14, 30)))
    assert day in calendar.early_closes


@pytest.mark.parametrize("year", YEARS, ids=lambda year: str(year["year"]))
def test_no_other_session_of_the_year_is_short(year: dict[str, Any]) -> None:
    plan = get_calendar("XNYS").between(date(year["year"], 1, 1), date(year["year"] + 1, 1, 1))
    minutes = plan.minutes()
    assert plan.sessions[minutes != 390].tolist() == year["half_days"]
    assert set(np.unique(minutes).tolist()) == {210, 390}


def test_two_independent_lists_name_the_same_half_days(test_data: Path) -> None:
    lines = (test_data / "calendars/exchange_calendars/xnys.csv").read_text().splitlines()[1:]
    rows = [line.split(",")[1:3] for line in lines]
    spans = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in rows]
    recorded = {opens.date() for opens, closes in spans if closes - opens < timedelta(hours=6)}
    last = spans[-1][0].date()
    assert {d for d in recorded if d.year >= 2005} == {d for d in HALF_DAYS if d <= last}

    database = json.loads((test_data / "calendars/lean/market-hours-database.json").read_text())
    closes = database["entries"]["Equity-usa-[*]"]["earlyCloses"]
    lean = {datetime.strptime(f"{text} +0000", "%m/%d/%Y %z").date() for text in closes}
    weekdays = {day for day in lean if day.weekday() < 5}  # it also lists a Sunday, 2017-12-24
    assert {day for day in weekdays if 2005 <= day.year <= 2026} == set(HALF_DAYS)


def test_winter_and_summer_sessions_start_at_1430_and_1330_utc() -> None:
    calendar = get_calendar("XNYS")
    assert from_us(int(calendar.minutes(date(2024, 1, 17))[0])) == utc(date(2024, 1, 17), 14, 30)
    assert from_us(int(calendar.minutes(date(2024, 7, 17))[0])) == utc(date(2024, 7, 17), 13, 30)

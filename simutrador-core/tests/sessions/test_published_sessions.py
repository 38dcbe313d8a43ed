"""D1: our calendars against what the exchanges published, for 20 years and more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from simutrador_core.models.bars import to_us
from simutrador_core.sessions import exchange
from simutrador_core.sessions.exchange import get_calendar

from .golden import ZONES, published_lists, published_spans, spans_of

FIRST, UNTIL = date(2005, 1, 1), date(2027, 1, 1)


@contextmanager
def no_corrections() -> Iterator[None]:
    """Plant the fault D1 exists to catch: believe the library, without the published sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "shipped_overrides", lambda: "")
        yield


@contextmanager
def half_days_last_all_day() -> Iterator[None]:
    """Plant the other fault: half days that close with the full ones."""
    text = """
    [[hours]]
    calendar = "XNYS"
    from = 2024-01-01
    until = 2025-01-01
    half_day_close = 16:00:00
    source = "planted"
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "shipped_overrides", lambda: text)
        yield


@pytest.mark.acceptance("D1", package="core", breaks=no_corrections)
def test_sessions_equal_the_published_lists(test_data: Path, figure: Callable[[str], None]) -> None:
    differences: dict[str, list[date]] = {}
    sessions = 0
    for name in ZONES:
        ours = spans_of(get_calendar(name), FIRST, UNTIL)
        theirs = published_spans(name, test_data, FIRST, UNTIL)
        sessions += len(theirs)
        differences[name] = [
            day for day in sorted(ours | theirs) if ours.get(day) != theirs.get(day)
        ]
    differences["XTAE"], checked = tel_aviv_differences()
    differences["24/7"], days = round_the_clock_differences()
    figure(
        f"{sum(map(len, differences.values()))} differences in {sessions + checked + days} days "
        f"of {len(differences)} calendars, {FIRST.year}-{UNTIL.year - 1}"
    )
    assert differences == {name: [] for name in differences}


def tel_aviv_differences() -> tuple[list[date], int]:
    """Return the days of the published years on which we disagree, and how many were compared."""
    calendar, wrong, compared = get_calendar("XTAE"), list[date](), 0
    for one in published_lists("XTAE"):
        for k in range((one["until"] - one["from"]).days):
            day = one["from"] + timedelta(days=k)
            rest = {4, 5} if day < date(2026, 1, 4) else {5, 6}
            expected = day.weekday() not in rest and day not in one["closed"]
            compared += 1
            if calendar.is_session(day) != expected:
                wrong.append(day)
    return wrong, compared


def round_the_clock_differences() -> tuple[list[date], int]:
    """Return the dates that are not exactly one UTC day each."""
    ours = spans_of(get_calendar("24/7"), FIRST, UNTIL)
    days = [FIRST + timedelta(days=k) for k in range((UNTIL - FIRST).days)]
    midnights = [to_us(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in days]
    wanted = {
        day: ((start, start + 86_400_000_000),) for day, start in zip(days, midnights, strict=True)
    }
    return [day for day in sorted(ours | wanted) if ours.get(day) != wanted.get(day)], len(days)


@pytest.mark.acceptance("D1", package="core", breaks=half_days_last_all_day)
def test_nyse_of_2024_has_252_sessions_and_97740_minutes(figure: Callable[[str], None]) -> None:
    plan = get_calendar("XNYS").between(date(2024, 1, 1), date(2025, 1, 1))
    minutes = int(plan.minutes().sum())
    figure(f"{len(plan)} sessions, {minutes} minutes")
    assert (len(plan), minutes) == (252, 97_740)


def test_recorded_24_7_year_is_ours(test_data: Path) -> None:
    lines = (test_data / "calendars/exchange_calendars/24-7.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    recorded = {
        date.fromisoformat(row[0][:10]): tuple(
            to_us(datetime.fromisoformat(text)) for text in row[1:3]
        )
        for row in rows
    }
    ours = spans_of(get_calendar("24/7"), date(2016, 1, 1), date(2017, 1, 1))
    assert {day: spans[0] for day, spans in ours.items()} == recorded


def test_every_full_day_closing_since_1990_is_in_the_list_of_all_nyse_holidays(
    test_data: Path,
) -> None:
    path = test_data / "calendars/pandas_market_calendars/nyse_all_full_day_holidays_since_1928.csv"
    listed = {
        datetime.strptime(f"{line} +0000", "%m/%d/%Y %z").date()
        for line in path.read_text().split()
        if int(line[-4:]) >= 1990
    }
    last = max(listed)
    ours = {day for day in get_calendar("XNYS").closures if day <= last}
    assert ours == listed


@pytest.mark.parametrize(
    ("name", "entry"), [("XNYS", "Equity-usa-[*]"), ("XHKG", "Index-hkfe-[*]")]
)
def test_lists_written_from_knowledge_agree_with_a_second_recorded_list(
    test_data: Path, name: str, entry: str
) -> None:
    database = json.loads((test_data / "calendars/lean/market-hours-database.json").read_text())
    texts = database["entries"][entry]["holidays"]
    recorded = {datetime.strptime(f"{text} +0000", "%m/%d/%Y %z").date() for text in texts}
    for one in published_lists(name):
        theirs = {d for d in recorded if one["from"] <= d < one["until"] and d.weekday() < 5}
        assert set(one["closed"]) == theirs

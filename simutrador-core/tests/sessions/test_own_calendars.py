"""The calendars made by our own rules: the FX week, UTC days, and Tel Aviv by the Hebrew year."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.sessions.hebrew import independence_day, passover, rosh_hashanah

# Civil dates as printed in Jewish calendars: year, first day of Passover, Rosh Hashanah.
PRINTED = [
    (2005, "04-24", "10-04"),
    (2006, "04-13", "09-23"),
    (2007, "04-03", "09-13"),
    (2008, "04-20", "09-30"),
    (2009, "04-09", "09-19"),
    (2010, "03-30", "09-09"),
    (2011, "04-19", "09-29"),
    (2012, "04-07", "09-17"),
    (2013, "03-26", "09-05"),
    (2014, "04-15", "09-25"),
    (2015, "04-04", "09-14"),
    (2016, "04-23", "10-03"),
    (2017, "04-11", "09-21"),
    (2018, "03-31", "09-10"),
    (2024, "04-23", "10-03"),
    (2025, "04-13", "09-23"),
]


@pytest.mark.parametrize(("year", "spring", "autumn"), PRINTED)
def test_hebrew_year_begins_on_the_printed_dates(year: int, spring: str, autumn: str) -> None:
    assert passover(year) == date.fromisoformat(f"{year}-{spring}")
    assert rosh_hashanah(year) == date.fromisoformat(f"{year}-{autumn}")


@pytest.mark.parametrize(
    ("year", "day"),
    [(2018, "04-19"), (2021, "04-15"), (2022, "05-05"), (2023, "04-26"), (2024, "05-14")],
)
def test_independence_day_keeps_off_the_sabbath(year: int, day: str) -> None:
    assert independence_day(year) == date.fromisoformat(f"{year}-{day}")


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2018, 6, 3), "09:45-16:15"),  # Sunday, old hours
        (date(2018, 6, 4), "09:45-17:15"),
        (date(2020, 2, 3), "09:59-17:15"),
        (date(2020, 3, 1), "09:59-16:15"),  # the last long Sunday
        (date(2020, 3, 8), "09:59-15:40"),
        (date(2025, 4, 15), "09:59-14:15"),  # inside Passover
        (date(2026, 1, 9), "09:59-13:50"),  # the first Friday
    ],
)
def test_tel_aviv_hours(day: date, hours: str) -> None:
    found = get_calendar("XTAE").hours(day)
    zone = ZoneInfo("Asia/Jerusalem")
    texts = [instant.astimezone(zone).strftime("%H:%M") for instant in (found.open, found.close)]
    assert "-".join(texts) == hours


def test_tel_aviv_moves_its_week_in_january_2026() -> None:
    calendar = get_calendar("XTAE")
    days = {k: calendar.is_session(date(2026, 1, k)) for k in range(1, 12)}
    assert [k for k, traded in days.items() if traded] == [1, 5, 6, 7, 8, 9]


def test_tel_aviv_rests_on_the_friday_before_a_sunday_holiday() -> None:
    calendar = get_calendar("XTAE")
    assert calendar.closures[date(2026, 9, 18)] == "Friday before Yom Kippur Eve"


@pytest.mark.parametrize(
    ("session", "opens", "closes"),
    [
        (date(2024, 1, 8), datetime(2024, 1, 7, 22), datetime(2024, 1, 8, 22)),  # Monday
        (date(2024, 7, 5), datetime(2024, 7, 4, 21), datetime(2024, 7, 5, 21)),  # Friday
        # Clocks go forward on Sunday morning, so Monday's session opens in summer time.
        (date(2024, 3, 11), datetime(2024, 3, 10, 21), datetime(2024, 3, 11, 21)),
        (date(2024, 11, 4), datetime(2024, 11, 3, 22), datetime(2024, 11, 4, 22)),
    ],
)
def test_fx_session_runs_from_17_to_17_new_york(
    session: date, opens: datetime, closes: datetime
) -> None:
    hours = get_calendar("24/5").hours(session)
    assert hours.open == opens.replace(tzinfo=UTC)
    assert hours.close == closes.replace(tzinfo=UTC)
    assert len(get_calendar("24/5").minutes(session)) == 1440


def test_fx_rests_on_two_days_of_the_year_and_at_weekends() -> None:
    calendar = get_calendar("24/5", date(2018, 12, 22), date(2019, 1, 3))
    days = " ".join(day.isoformat()[5:] for day in calendar.schedule.sessions.tolist())
    assert days == "12-24 12-26 12-27 12-28 12-31 01-02"
    assert set(calendar.closures.values()) == {"Christmas Day", "New Year's Day"}

"""Cron expressions against hand-worked calendars, the clock changes above all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InputError
from simutrador_service.scheduler import Cron, cron

NEW_YORK, LONDON, LORD_HOWE, APIA = (
    "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_ones(trigger: Cron, since: str, count: int) -> list[str]:
    found: list[str] = []
    instant: datetime | None = at(since)
    for _ in range(count):
        assert instant is not None
        instant = trigger.after(instant)
        found.append("never" if instant is None else f"{instant:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "since", "expected"),
    [
        ("0 22 * * MON-FRI", "2026-11-20 22:00", ["2026-11-23 22:00", "2026-11-24 22:00"]),
        ("*/20 9-10 * * *", "2026-11-20 09:50", ["2026-11-20 10:00", "2026-11-20 10:20"]),
        ("5/25 0 * * *", "2026-11-20 00:00", ["2026-11-20 00:05", "2026-11-20 00:30"]),
        ("0 0 * * 0", "2026-11-20 00:00", ["2026-11-22 00:00", "2026-11-29 00:00"]),  # Sundays
        ("0 0 * * 7", "2026-11-20 00:00", ["2026-11-22 00:00"]),
        ("0 0 * * 5-7", "2026-11-20 00:00", ["2026-11-21 00:00", "2026-11-22 00:00"]),
        ("0 0 13 * FRI", "2026-11-20 00:00", ["2026-11-27 00:00", "2026-12-04 00:00"]),
        ("0 0 13 * FRI", "2026-12-12 00:00", ["2026-12-13 00:00", "2026-12-18 00:00"]),  # either
        ("0 12 29 2 *", "2026-01-01 00:00", ["2028-02-29 12:00", "2032-02-29 12:00"]),
        ("0 12 29 FEB *", "2097-01-01 00:00", ["2104-02-29 12:00"]),  # 2100 is no leap year
        ("0 0 31 * *", "2026-01-31 00:00", ["2026-03-31 00:00"]),
        ("0 0 1 jan,jul *", "2026-01-01 00:00", ["2026-07-01 00:00", "2027-01-01 00:00"]),
    ],
)
def test_fields_mean_what_crontab_says(expression: str, since: str, expected: list[str]) -> None:
    assert next_ones(cron(expression), since, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "zone", "since", "expected"),
    [
        # New York, 2026-03-08: 02:00 EST becomes 03:00 EDT, which is 07:00 UTC.
        ("30 2 * * *", NEW_YORK, "2026-03-07 12:00", ["2026-03-08 07:00", "2026-03-09 06:30"]),
        ("0,30 2 * * *", NEW_YORK, "2026-03-08 05:00", ["2026-03-08 07:00", "2026-03-09 06:00"]),
        ("30 1-3 * * *", NEW_YORK, "2026-03-08 05:00",
         ["2026-03-08 06:30", "2026-03-08 07:00", "2026-03-08 07:30"]),
        ("30 * * * *", NEW_YORK, "2026-03-08 05:45", ["2026-03-08 06:30", "2026-03-08 07:30"]),
        # 2026-11-01: 02:00 EDT becomes 01:00 EST; 01:30 is at 05:30 UTC and again at 06:30 UTC.
        ("30 1 * * *", NEW_YORK, "2026-10-31 12:00", ["2026-11-01 05:30", "2026-11-02 06:30"]),
        ("*/30 * * * *", NEW_YORK, "2026-11-01 05:00",
         ["2026-11-01 05:30", "2026-11-01 06:00", "2026-11-01 06:30", "2026-11-01 07:00"]),
        # London, 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC.
        ("15 1 * * *", LONDON, "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:15"]),
        ("15 1 * * *", LONDON, "2026-10-24 12:00", ["2026-10-25 00:15", "2026-10-26 01:15"]),
        # Lord Howe moves by half an hour: 2026-10-04 02:00 (+10:30) becomes 02:30 (+11:00).
        ("10 2 * * *", LORD_HOWE, "2026-10-03 00:00", ["2026-10-03 15:30", "2026-10-04 15:10"]),
        # Samoa had no 2011-12-30: after the 29th, 23:59 (-10:00) came the 31st, 00:00 (+14:00).
        ("0 9 * * *", APIA, "2011-12-29 12:00",
         ["2011-12-29 19:00", "2011-12-30 10:00", "2011-12-30 19:00"]),
        ("0 22 * * MON-FRI", NEW_YORK, "2026-10-30 12:00",
         ["2026-10-31 02:00", "2026-11-03 03:00"]),
    ],
)  # fmt: skip
def test_clock_changes_neither_drop_nor_double_a_fixed_time(
    expression: str, zone: str, since: str, expected: list[str]
) -> None:
    assert next_ones(cron(expression, zone), since, len(expected)) == expected


@pytest.mark.parametrize("zone", [NEW_YORK, LONDON, LORD_HOWE, "America/Santiago", "Asia/Tokyo"])
def test_a_daily_time_occurs_once_on_every_day_of_years(zone: str) -> None:
    trigger = cron("30 2 * * *", zone)
    instant, days = at("2024-01-01 00:00"), []
    while (found := trigger.after(instant)) is not None and found < at("2028-01-01 00:00"):
        days.append(found.astimezone(trigger.zone).date())
        instant = found
    assert all(b - a == timedelta(days=1) for a, b in pairwise(days))
    assert len(days) in {1460, 1461}


numbers = st.sampled_from(["*", "*/7", "3", "5,20", "8-11", "10-20/3"])


@settings(max_examples=60, deadline=None)
@given(
    minute=numbers,
    hour=numbers,
    day=st.sampled_from(["*", "1", "15", "28-31", "*/9"]),
    month=st.sampled_from(["*", "2", "1-6", "*/5"]),
    since=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_without_clock_changes_apscheduler_agrees(
    minute: str, hour: str, day: str, month: str, since: datetime
) -> None:
    oracle = CronTrigger(minute=minute, hour=hour, day=day, month=month, timezone=UTC)
    expected = oracle.get_next_fire_time(None, since + timedelta(microseconds=1))
    ours = cron(f"{minute} {hour} {day} {month} *")
    assert ours.after(since) == expected
    assert expected is not None
    assert ours.latest(expected) == expected
    earlier = ours.latest(expected - timedelta(microseconds=1))
    assert earlier is None or earlier <= since


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("0 22 * *", "has 4 fields, not 5"),
        ("60 * * * *", "minute '60' is not within 0 to 59"),
        ("* 24 * * *", "hour '24'"),
        ("* * 0 * *", "day of month '0'"),
        ("* * * 13 *", "month '13' is not within 1 to 12 or JAN to DEC"),
        ("* * * * MONDAY", "day of week 'MONDAY'"),
        ("* * * * FRI-MON", "day of week 'FRI-MON'"),
        ("*/0 * * * *", "minute '\\*/0'"),
        ("1,,2 * * * *", "minute ''"),
        ("-1 * * * *", "minute '-1'"),
        ("0 0 30 2 *", "names a date that no year has"),
    ],
)
def test_a_wrong_field_is_named(expression: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        cron(expression)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InputError, match="no time zone 'Mars/Olympus'"):
        cron("0 0 * * *", "Mars/Olympus")
    assert str(cron("0 22 * * mon-fri", NEW_YORK)) == "cron 0 22 * * MON-FRI America/New_York"

"""Ranges as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.errors import InvalidRangeError
from simutrador_core.models.bars import to_us
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.serving.ranges import (
    Range,
    day_start,
    next_day,
    parse_bound,
    parse_range,
    resolve,
)


def calendar(name: str, zone: str, session: date, opens: datetime, closes: datetime) -> Calendar:
    """Return a calendar of one session."""
    opened, closed = (np.array([to_us(at)], dtype=np.int64) for at in (opens, closes))
    days = np.array([session], dtype="datetime64[D]")
    schedule = Schedule(days, opened, closed, closed, closed)
    return Calendar(name, ZoneInfo(zone), schedule, date(2017, 1, 1), date(2018, 1, 1))


NEW_YORK = calendar(
    "XNYS",
    "America/New_York",
    date(2017, 1, 3),
    datetime(2017, 1, 3, 14, 30, tzinfo=UTC),
    datetime(2017, 1, 3, 21, 0, tzinfo=UTC),
)
# The FX session of Monday opens at 17:00 New York on Sunday.
FX = calendar(
    "24/5",
    "America/New_York",
    date(2017, 1, 2),
    datetime(2017, 1, 1, 22, 0, tzinfo=UTC),
    datetime(2017, 1, 2, 22, 0, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-01-02", date(2013, 1, 2)),
        ("2013-01-02T14:30:00Z", datetime(2013, 1, 2, 14, 30, tzinfo=UTC)),
        ("2013-01-02T09:30-05:00", datetime(2013, 1, 2, 14, 30, tzinfo=UTC)),
        ("2013-01-02T16:30:00 02:00", datetime(2013, 1, 2, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_bound_is_a_date_or_an_instant_with_a_zone(text: str, expected: object) -> None:
    assert parse_bound(text, field="start") == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2013-01-02T14:30", "no time zone"),
        ("2013-02-30", "not a date"),
        ("yesterday", "not a date"),
        ("1357137000", "not a date"),
        ("2013-01-02\x00", "not a date"),
        ("0000-01-01", "not a date"),
        ("0001-01-01", "outside of 1800-01-01 to 2200-01-01"),
        ("9999-12-31T23:59:59-12:00", "not a date|outside of"),
        ("9" * 60, "not a date"),
        ("\u0662\u0660\u0661\u0663-01-02", "not a date"),
    ],
)
def test_anything_else_is_refused_with_the_field(text: str, part: str) -> None:
    with pytest.raises(InvalidRangeError, match=part) as caught:
        parse_bound(text, field="start")
    assert caught.value.field == "start"


def test_a_reversed_range_is_refused() -> None:
    with pytest.raises(InvalidRangeError, match="from 2013-01-03 is after to 2013-01-02"):
        parse_range("2013-01-03", "2013-01-02", names=("from", "to"))
    with pytest.raises(InvalidRangeError, match="is after"):
        parse_range("2013-01-05T00:00:00Z", "2013-01-02")


def test_an_empty_text_leaves_the_range_open() -> None:
    assert parse_range("", None) == Range()


def test_an_open_range_reaches_over_everything() -> None:
    start, end = resolve(Range())
    assert (start.year, end.year) == (1800, 2200)


def test_a_day_of_new_york_begins_at_its_midnight() -> None:
    wanted = Range(date(2017, 1, 3), date(2017, 7, 3))
    assert resolve(wanted, lambda: NEW_YORK) == (
        datetime(2017, 1, 3, 5, 0, tzinfo=UTC),
        datetime(2017, 7, 3, 4, 0, tzinfo=UTC),
    )


def test_a_day_of_fx_begins_with_its_session_the_evening_before() -> None:
    assert day_start(date(2017, 1, 2), FX) == datetime(2017, 1, 1, 22, 0, tzinfo=UTC)


def test_an_instant_needs_no_calendar() -> None:
    at = datetime(2017, 1, 3, tzinfo=UTC)

    def never() -> Calendar:
        raise AssertionError("the calendar was asked for")

    assert resolve(Range(at, at), never) == (at, at)


def test_without_a_calendar_a_day_is_a_utc_day() -> None:
    assert resolve(Range(date(2017, 1, 3)))[0] == datetime(2017, 1, 3, tzinfo=UTC)


def test_the_day_after_closes_a_range_that_includes_its_end() -> None:
    assert next_day(date(2016, 2, 28)) == date(2016, 2, 29)

"""Which bars a calendar expects. Opens are worked by hand from the exchanges' published hours."""

from __future__ import annotations

from calendar import MONDAY, SUNDAY
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from simutrador_core.errors import CalendarError
from simutrador_core.models.bars import I64, from_us, to_us
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing.calendars import EVERY_DAY, make_calendar
from simutrador_data.services.validation.expected import (
    expected_bars,
    expected_opens,
    first_weekday,
    sessions_around,
    trading_time,
)

SUMMER = date(2024, 7, 2)  # New York is UTC-4
HALF_DAY = date(2024, 7, 3)  # closes at 13:00
WINTER = date(2024, 1, 2)  # New York is UTC-5

NEW_YORK = make_calendar(
    date(2024, 1, 1),
    date(2025, 1, 1),
    holidays={date(2024, 1, 1): "New Year's Day", date(2024, 7, 4): "Independence Day"},
    early_closes={HALF_DAY: time(13)},
)
HONG_KONG = make_calendar(
    date(2024, 1, 2),
    date(2024, 1, 6),
    name="XHKG",
    zone="Asia/Hong_Kong",
    lunch=(time(12), time(13)),
)
TOKYO = make_calendar(
    date(2024, 1, 4),
    date(2024, 1, 5),
    name="XTKS",
    zone="Asia/Tokyo",
    opens=time(9),
    closes=time(15),
    lunch=(time(11, 30), time(12, 30)),
)
FX = make_calendar(date(2024, 1, 1), date(2024, 2, 1), name="24/5", opens=time(17), closes=time(17))
CRYPTO = make_calendar(
    date(2024, 1, 1),
    date(2024, 3, 1),
    name="24/7",
    zone="UTC",
    opens=time(0),
    closes=time(0),
    weekdays=EVERY_DAY,
)


def clock(opens: I64) -> str:
    return " ".join(f"{from_us(at):%H:%M}" for at in opens)


def at(month: int, day: int) -> datetime:
    return datetime(2024, month, day, 12, tzinfo=UTC)


def on(calendar: Calendar, day: date) -> tuple[date, date]:
    return day, day + timedelta(days=1)


@pytest.mark.parametrize(
    ("session", "timeframe", "alignment", "opens"),
    [
        (SUMMER, Timeframe.HOUR_1, Alignment.SESSION, "13:30 14:30 15:30 16:30 17:30 18:30 19:30"),
        (WINTER, Timeframe.HOUR_1, Alignment.SESSION, "14:30 15:30 16:30 17:30 18:30 19:30 20:30"),
        (SUMMER, Timeframe.HOUR_2, Alignment.SESSION, "13:30 15:30 17:30 19:30"),
        (SUMMER, Timeframe.HOUR_4, Alignment.SESSION, "13:30 17:30"),
        (HALF_DAY, Timeframe.HOUR_1, Alignment.SESSION, "13:30 14:30 15:30 16:30"),
        (HALF_DAY, Timeframe.HOUR_4, Alignment.SESSION, "13:30"),
        (HALF_DAY, Timeframe.DAILY, Alignment.SESSION, "13:30"),
        (SUMMER, Timeframe.HOUR_1, Alignment.POLYGON, "13:00 14:00 15:00 16:00 17:00 18:00 19:00"),
        (WINTER, Timeframe.HOUR_1, Alignment.POLYGON, "14:00 15:00 16:00 17:00 18:00 19:00 20:00"),
        (SUMMER, Timeframe.HOUR_2, Alignment.POLYGON, "12:00 14:00 16:00 18:00"),
        (SUMMER, Timeframe.HOUR_4, Alignment.POLYGON, "12:00 16:00"),
        (WINTER, Timeframe.HOUR_4, Alignment.POLYGON, "12:00 16:00 20:00"),
        (SUMMER, Timeframe.DAILY, Alignment.POLYGON, "13:30"),
    ],
)
def test_new_york_bars_open_where_the_alignment_puts_them(
    session: date, timeframe: Timeframe, alignment: Alignment, opens: str
) -> None:
    schedule = NEW_YORK.between(*on(NEW_YORK, session))

    found, sessions = expected_opens(schedule, timeframe, alignment)

    assert clock(found) == opens
    assert set(sessions.tolist()) == {session}


@pytest.mark.parametrize(("session", "count"), [(SUMMER, 390), (WINTER, 390), (HALF_DAY, 210)])
def test_minutes_of_a_session_are_those_between_open_and_close(session: date, count: int) -> None:
    opens, _ = expected_opens(NEW_YORK.between(*on(NEW_YORK, session)), Timeframe.MINUTE_1)

    assert len(opens) == count
    assert set(np.diff(opens).tolist()) == {60_000_000}


@pytest.mark.parametrize(
    ("timeframe", "opens"),
    [
        (Timeframe.HOUR_1, "01:30 02:30 03:30 05:00 06:00 07:00"),
        (Timeframe.HOUR_2, "01:30 03:30 05:00 07:00"),
        (Timeframe.HOUR_4, "01:30 05:00"),
    ],
)
def test_buckets_begin_again_after_the_lunch_break(timeframe: Timeframe, opens: str) -> None:
    found, _ = expected_opens(HONG_KONG.between(*on(HONG_KONG, WINTER)), timeframe)

    assert clock(found) == opens


def test_the_bucket_before_lunch_ends_where_the_break_begins() -> None:
    bars = expected_bars(HONG_KONG.between(*on(HONG_KONG, WINTER)), Timeframe.HOUR_1)

    assert clock(bars.ends) == "02:30 03:30 04:00 06:00 07:00 08:00"


def test_hong_kong_has_330_minutes_and_none_at_lunch() -> None:
    opens, _ = expected_opens(HONG_KONG.between(*on(HONG_KONG, WINTER)), Timeframe.MINUTE_1)

    assert len(opens) == 330
    assert not [at for at in clock(opens).split() if "04:00" <= at < "05:00"]


def test_a_utc_bucket_that_lunch_cuts_in_two_is_expected_once() -> None:
    # Tokyo trades 00:00-02:30 and 03:30-06:00 UTC; both halves reach into the bucket 00:00-04:00.
    bars = expected_bars(TOKYO.schedule, Timeframe.HOUR_4, Alignment.POLYGON)

    assert clock(bars.opens) == "00:00 04:00"
    assert clock(bars.ends) == "04:00 06:00"


def test_an_fx_session_opens_at_17_new_york_on_the_evening_before() -> None:
    opens, sessions = expected_opens(FX.between(WINTER, date(2024, 1, 3)), Timeframe.HOUR_4)

    assert from_us(opens[0]) == datetime(2024, 1, 1, 22, tzinfo=UTC)
    assert clock(opens) == "22:00 02:00 06:00 10:00 14:00 18:00"
    assert set(sessions.tolist()) == {WINTER}


def test_two_fx_sessions_share_the_utc_bucket_they_meet_in() -> None:
    # In winter sessions meet at 22:00 UTC, inside the bucket 20:00-24:00.
    bars = expected_bars(FX.between(WINTER, date(2024, 1, 4)), Timeframe.HOUR_4, Alignment.POLYGON)

    assert (
        clock(bars.opens)
        == "20:00 00:00 04:00 08:00 12:00 16:00 20:00 00:00 04:00 08:00 12:00 16:00 20:00"
    )
    assert bool(np.all(np.diff(bars.opens) > 0))


def test_a_weekly_bar_opens_with_the_first_session_of_its_week() -> None:
    week_of_new_year = NEW_YORK.between(date(2024, 1, 1), date(2024, 1, 15))

    bars = expected_bars(week_of_new_year, Timeframe.WEEKLY)

    assert bars.sessions.tolist() == [WINTER, date(2024, 1, 8)]  # Monday the 1st is a holiday
    assert from_us(bars.opens[0]) == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    assert from_us(bars.ends[0]) == datetime(2024, 1, 5, 21, tzinfo=UTC)


def test_a_monthly_bar_opens_with_the_first_session_of_its_month() -> None:
    bars = expected_bars(NEW_YORK.between(date(2024, 6, 1), date(2024, 8, 1)), Timeframe.MONTHLY)

    assert bars.sessions.tolist() == [date(2024, 6, 3), date(2024, 7, 1)]
    assert from_us(bars.ends[0]) == datetime(2024, 6, 28, 20, tzinfo=UTC)


def test_weeks_start_on_sunday_only_where_sunday_replaces_friday() -> None:
    tel_aviv = make_calendar(
        date(2024, 1, 1),
        date(2024, 3, 1),
        zone="Asia/Jerusalem",
        weekdays=(6, 0, 1, 2, 3),
    )

    assert first_weekday(tel_aviv) == SUNDAY
    assert first_weekday(CRYPTO) == MONDAY
    assert first_weekday(NEW_YORK) == MONDAY
    assert first_weekday(FX) == MONDAY


def test_a_week_in_tel_aviv_runs_from_sunday_to_thursday() -> None:
    tel_aviv = make_calendar(
        date(2024, 1, 7), date(2024, 1, 19), zone="Asia/Jerusalem", weekdays=(6, 0, 1, 2, 3)
    )

    bars = expected_bars(tel_aviv.schedule, Timeframe.WEEKLY, first_weekday=SUNDAY)

    assert bars.sessions.tolist() == [date(2024, 1, 7), date(2024, 1, 14)]


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_no_sessions_expect_no_bars(timeframe: Timeframe) -> None:
    weekend = NEW_YORK.between(date(2024, 1, 6), date(2024, 1, 8))

    opens, sessions = expected_opens(weekend, timeframe)

    assert len(opens) == len(sessions) == 0


def test_sessions_around_a_day_hold_its_whole_month() -> None:
    schedule = sessions_around(NEW_YORK, at(7, 10), at(7, 11), Timeframe.MONTHLY)

    assert schedule.sessions[0] <= np.datetime64("2024-07-01")
    assert schedule.sessions[-1] >= np.datetime64("2024-07-31")


def test_sessions_beyond_what_the_calendar_knows_are_refused() -> None:
    with pytest.raises(CalendarError, match="known from 2024-01-01 to 2025-01-01"):
        sessions_around(NEW_YORK, at(12, 30), at(12, 31) + timedelta(days=2), Timeframe.DAILY)


def test_a_half_bar_overlaps_the_stretch_that_opens_inside_it() -> None:
    time_of_summer = trading_time(NEW_YORK.between(*on(NEW_YORK, SUMMER)))
    one = to_us(datetime(2024, 7, 2, 13, tzinfo=UTC))
    opens = np.array([one - 3_600_000_000, one, one + 7 * 3_600_000_000], dtype=np.int64)

    assert time_of_summer.stretch_of(opens, opens + 3_600_000_000).tolist() == [-1, 0, -1]

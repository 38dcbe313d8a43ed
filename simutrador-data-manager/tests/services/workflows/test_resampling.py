"""Resampling on sessions: hand-worked tables, and a slow dictionary per bucket as oracle."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidTimeframeError
from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_core.models.enums import Adjustment, Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.calendars import EVERY_DAY, make_calendar
from simutrador_data.services.workflows.resampling import resample, resample_counted

MINUTE = timedelta(minutes=1)
NEW_YORK = make_calendar(
    date(2024, 1, 1),
    date(2025, 1, 1),
    holidays={date(2024, 7, 4): "Independence Day"},
    early_closes={date(2024, 7, 3): time(13)},
)


def at(day: int, hour: int = 0, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2024, month, day, hour, minute, tzinfo=UTC)


def minutes(start: datetime, end: datetime) -> Bars:
    return make_bars(start=start, n=(end - start) // MINUTE)


def opens(bars: Bars) -> list[datetime]:
    return [from_us(t) for t in bars.opened_at]


def test_five_minutes_become_first_highest_lowest_last_and_sum() -> None:
    at_open = at(2, 13, 30)
    bars = Bars(
        "AAPL",
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        np.array([to_us(at_open + k * MINUTE) for k in (0, 1, 3, 4)]),
        open=np.array([10.0, 11.0, 12.0, 13.0]),
        high=np.array([11.5, 14.25, 12.5, 13.5]),
        low=np.array([9.75, 10.5, 8.5, 12.0]),
        close=np.array([11.0, 12.0, 9.0, 12.75]),
        volume=np.array([100.0, 200.0, 300.0, 401.0]),
    )

    five = resample(bars, to=Timeframe.MINUTE_5, calendar=NEW_YORK)

    assert opens(five) == [at_open]
    assert (five.open[0], five.high[0], five.low[0], five.close[0]) == (10.0, 14.25, 8.5, 12.75)
    assert five.volume[0] == 1001.0
    assert five.timeframe is Timeframe.MINUTE_5
    assert five.sessions is None


CLOCK: Final = Alignment.POLYGON
OPEN: Final = Alignment.SESSION
HOURS_FROM_OPEN: Final = "13:30 14:30 15:30 16:30 17:30 18:30 19:30"
HOURS_OF_CLOCK: Final = "13:00 14:00 15:00 16:00 17:00 18:00 19:00"


@pytest.mark.parametrize(
    ("month", "start", "end", "timeframe", "alignment", "hours"),
    [
        (7, "02 13:30", "02 20:00", Timeframe.HOUR_1, OPEN, HOURS_FROM_OPEN),
        (7, "02 13:30", "02 20:00", Timeframe.HOUR_1, CLOCK, HOURS_OF_CLOCK),
        (7, "02 13:30", "02 20:00", Timeframe.HOUR_4, OPEN, "13:30 17:30"),
        (7, "02 13:30", "02 20:00", Timeframe.HOUR_4, CLOCK, "12:00 16:00"),
        (7, "03 13:30", "03 17:00", Timeframe.HOUR_2, OPEN, "13:30 15:30"),
        (1, "02 14:30", "02 21:00", Timeframe.HOUR_2, OPEN, "14:30 16:30 18:30 20:30"),
    ],
)  # fmt: skip
def test_buckets_of_a_session(
    month: int, start: str, end: str, timeframe: Timeframe, alignment: Alignment, hours: str
) -> None:
    first, last = (datetime.fromisoformat(f"2024-{month:02}-{t}+00:00") for t in (start, end))

    made = resample(minutes(first, last), to=timeframe, calendar=NEW_YORK, alignment=alignment)

    assert " ".join(f"{t:%H:%M}" for t in opens(made)) == hours


def test_a_daily_bar_opens_with_its_session_and_carries_its_date() -> None:
    source = minutes(at(2, 13, 30), at(2, 20))

    daily = resample(source, to=Timeframe.DAILY, calendar=NEW_YORK)

    assert opens(daily) == [at(2, 13, 30)]
    assert daily.sessions is not None
    assert daily.sessions.tolist() == [date(2024, 7, 2)]
    assert daily.volume[0] == source.volume.sum()


def test_the_evening_before_does_not_move_into_the_next_daily_bar() -> None:
    # After-hours minutes of Monday once opened Tuesday's bar and labelled it Monday.
    monday_evening = make_bars(start=at(1, 20), n=60, price=500.0)
    tuesday = minutes(at(2, 13, 30), at(2, 20))
    both = make_bars(
        opened_at=[*opens(monday_evening), *opens(tuesday)],
        close=[*monday_evening.close, *tuesday.close],
    )

    made = resample_counted(both, to=Timeframe.DAILY, calendar=NEW_YORK)

    assert opens(made.bars) == [at(2, 13, 30)]
    assert made.bars.high[0] == tuesday.close.max()
    assert made.outside == 60


def test_a_bucket_is_left_out_until_it_is_over() -> None:
    source = minutes(at(2, 13, 30), at(2, 14, 37))

    made = resample_counted(source, to=Timeframe.MINUTE_5, calendar=NEW_YORK)

    assert opens(made.bars)[-1] == at(2, 14, 30)
    assert from_us(made.ends[-1]) == at(2, 14, 35)
    assert made.forming == 2


def test_a_session_that_is_still_open_has_no_daily_bar() -> None:
    source = minutes(at(2, 13, 30), at(2, 19, 59))

    assert len(resample(source, to=Timeframe.DAILY, calendar=NEW_YORK)) == 0


def test_a_session_without_a_trade_in_its_last_minute_is_over_when_that_is_known() -> None:
    source = minutes(at(2, 13, 30), at(2, 19, 58))

    daily = resample(source, to=Timeframe.DAILY, calendar=NEW_YORK, source_end_us=to_us(at(2, 20)))

    assert len(daily) == 1


def test_an_after_hours_bar_shows_that_the_session_is_over() -> None:
    source = make_bars(opened_at=[at(2, 13, 30), at(2, 19, 58), at(2, 20, 4)])

    assert len(resample(source, to=Timeframe.DAILY, calendar=NEW_YORK)) == 1


def test_a_forming_minute_is_not_used() -> None:
    source = make_bars(start=at(2, 13, 30), n=5, complete=False)

    made = resample_counted(source, to=Timeframe.MINUTE_5, calendar=NEW_YORK)

    assert len(made.bars) == 0
    assert made.forming == 5


def test_a_half_day_is_over_at_its_own_close() -> None:
    source = minutes(at(3, 13, 30), at(3, 17))

    daily = resample(source, to=Timeframe.DAILY, calendar=NEW_YORK)

    assert len(daily) == 1


def test_a_short_last_bucket_is_over_at_the_close() -> None:
    hours = resample(minutes(at(2, 13, 30), at(2, 20)), to=Timeframe.HOUR_4, calendar=NEW_YORK)

    assert resample_counted(hours, to=Timeframe.DAILY, calendar=NEW_YORK).forming == 0
    assert len(resample(hours, to=Timeframe.DAILY, calendar=NEW_YORK)) == 1


def test_lunch_separates_buckets_but_not_days() -> None:
    hong_kong = make_calendar(
        date(2024, 7, 1), date(2024, 7, 6), zone="Asia/Hong_Kong", lunch=(time(12), time(13))
    )
    morning, afternoon = minutes(at(2, 1, 30), at(2, 4)), minutes(at(2, 5), at(2, 8))
    both = make_bars(opened_at=[*opens(morning), *opens(afternoon)])

    hours = resample(both, to=Timeframe.HOUR_2, calendar=hong_kong)
    daily = resample(both, to=Timeframe.DAILY, calendar=hong_kong)

    assert opens(hours) == [at(2, 1, 30), at(2, 3, 30), at(2, 5), at(2, 7)]
    assert hours.volume[1] == both.volume[120:150].sum()
    assert daily.volume.tolist() == [both.volume.sum()]


def test_weeks_and_months_are_made_of_daily_bars() -> None:
    days = [at(d, 13, 30) for d in (1, 2, 3, 5, 8, 9, 10, 11, 12)]
    source = make_bars(timeframe=Timeframe.DAILY, opened_at=days, volume=[1.0] * 9)

    weeks = resample(source, to=Timeframe.WEEKLY, calendar=NEW_YORK)
    months = resample_counted(source, to=Timeframe.MONTHLY, calendar=NEW_YORK)

    assert weeks.sessions is not None
    assert weeks.sessions.tolist() == [date(2024, 7, 1), date(2024, 7, 8)]
    assert weeks.volume.tolist() == [4.0, 5.0]
    assert (len(months.bars), months.forming) == (0, 9)


def test_a_daily_bar_on_a_holiday_is_left_out_and_counted() -> None:
    days = [at(d, 13, 30) for d in (1, 2, 3, 4, 5)]
    source = make_bars(timeframe=Timeframe.DAILY, opened_at=days)

    made = resample_counted(source, to=Timeframe.WEEKLY, calendar=NEW_YORK)

    assert (len(made.bars), made.outside) == (1, 1)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (Timeframe.HOUR_1, Timeframe.MINUTE_30),
        (Timeframe.HOUR_1, Timeframe.HOUR_1),
        (Timeframe.WEEKLY, Timeframe.MONTHLY),
        (Timeframe.DAILY, Timeframe.HOUR_4),
    ],
)
def test_bars_that_do_not_divide_are_refused(source: Timeframe, target: Timeframe) -> None:
    with pytest.raises(InvalidTimeframeError, match=f"^{target} bars cannot be made of {source}"):
        resample(make_bars(timeframe=source), to=target, calendar=NEW_YORK)


def test_clock_hours_cannot_make_hours_from_the_open() -> None:
    clock = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7)

    with pytest.raises(InvalidTimeframeError, match="2024-07-02 15:00 UTC reaches over"):
        resample(clock, to=Timeframe.HOUR_2, calendar=NEW_YORK)


def test_clock_hours_make_longer_clock_hours_and_days() -> None:
    clock = make_bars(timeframe=Timeframe.HOUR_1, start=at(2, 13), n=7)

    two = resample(clock, to=Timeframe.HOUR_2, calendar=NEW_YORK, alignment=Alignment.POLYGON)
    daily = resample(clock, to=Timeframe.DAILY, calendar=NEW_YORK)

    assert opens(two) == [at(2, h) for h in (12, 14, 16, 18)]
    assert daily.volume.tolist() == [clock.volume.sum()]


def test_a_clock_bar_that_holds_two_sessions_cannot_make_days() -> None:
    fx = make_calendar(
        date(2024, 1, 1), date(2024, 2, 1), name="24/5", opens=time(17), closes=time(17)
    )
    clock = make_bars("EUR/USD", Timeframe.HOUR_4, start=at(2, 0, month=1), n=12)

    with pytest.raises(InvalidTimeframeError, match="20:00 UTC reaches over the end of a daily"):
        resample(clock, to=Timeframe.DAILY, calendar=fx)


def test_no_bars_give_no_bars() -> None:
    made = resample(make_bars(n=0), to=Timeframe.DAILY, calendar=NEW_YORK)

    assert len(made) == 0
    assert made.timeframe is Timeframe.DAILY


def test_a_bucket_is_synthetic_only_when_each_of_its_bars_is() -> None:
    source = make_bars(start=at(2, 13, 30), n=10, synthetic=[True] * 6 + [False] * 4)

    five = resample(source, to=Timeframe.MINUTE_5, calendar=NEW_YORK)

    assert five.synthetic is not None
    assert five.synthetic.tolist() == [True, False]


# --- The oracle: one dictionary entry a bucket, in wall time -----------------------------------

FIRST, LAST = date(2024, 2, 26), date(2024, 4, 8)
"""Six weeks that hold the spring clock changes of Chicago, New York, London and Jerusalem."""

ZONES: Final = {
    "XNYS": make_calendar(FIRST, LAST, early_closes={date(2024, 3, 12): time(13)}),
    "XLON": make_calendar(FIRST, LAST, zone="Europe/London", opens=time(8), closes=time(16, 30)),
    "XHKG": make_calendar(
        FIRST, LAST, zone="Asia/Hong_Kong", closes=time(16), lunch=(time(12), time(13))
    ),
    "XTAE": make_calendar(
        FIRST,
        LAST,
        zone="Asia/Jerusalem",
        opens=time(9, 59),
        closes=time(17, 15),
        weekdays=(6, 0, 1, 2, 3),
    ),
    "CMES": make_calendar(FIRST, LAST, zone="America/Chicago", opens=time(17), closes=time(16)),
    "24/7": make_calendar(
        FIRST, LAST, zone="UTC", opens=time(0), closes=time(0), weekdays=EVERY_DAY
    ),
}
WIDTHS: Final = {
    Timeframe.MINUTE_5: 5,
    Timeframe.MINUTE_30: 30,
    Timeframe.HOUR_1: 60,
    Timeframe.HOUR_4: 240,
}


def slow(bars: Bars, to: Timeframe, calendar: Calendar) -> list[tuple[datetime, list[float]]]:
    """Return `(open of the bucket, [open, high, low, close, volume])`, bar by bar."""
    found: dict[datetime, list[float]] = {}
    for k in range(len(bars)):
        t = from_us(bars.opened_at[k])
        key = slow_bucket(t, to, calendar)
        if key is None:
            continue
        row = [float(getattr(bars, name)[k]) for name in ("open", "high", "low", "close", "volume")]
        have = found.setdefault(key, [*row[:-1], 0.0])
        have[1], have[2], have[3] = max(have[1], row[1]), min(have[2], row[2]), row[3]
        have[4] += row[4]
    return sorted(found.items())


def slow_bucket(t: datetime, to: Timeframe, calendar: Calendar) -> datetime | None:
    local = t.astimezone(ZoneInfo(str(calendar.zone)))
    for day in (local.date(), local.date() + timedelta(days=1)):
        if not calendar.is_session(day):
            continue
        hours = calendar.hours(day)
        pieces = [(hours.open, hours.break_start or hours.close)]
        if hours.break_end is not None:
            pieces.append((hours.break_end, hours.close))
        for start, end in pieces:
            if start <= t < end:
                if to is Timeframe.DAILY:
                    return hours.open
                width = timedelta(minutes=WIDTHS[to])
                return start + (t - start) // width * width
    return None


@pytest.mark.parametrize("name", list(ZONES))
@pytest.mark.parametrize("to", [*WIDTHS, Timeframe.DAILY])
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), full=st.booleans())
@example(seed=1, full=True)
def test_every_bucket_is_what_a_dictionary_makes_of_it(
    name: str, to: Timeframe, seed: int, full: bool
) -> None:
    source = market(seed, np.arange(1_440)) if full else thin_market(seed)
    end = to_us(datetime(2024, 4, 5, tzinfo=UTC))

    made = resample(source, to=to, calendar=ZONES[name], source_end_us=end)

    want = slow(source, to, ZONES[name])
    assert opens(made) == [key for key, _ in want]
    columns = [made.open, made.high, made.low, made.close, made.volume]
    assert np.column_stack(columns).tolist() == [row for _, row in want]


def thin_market(seed: int) -> Bars:
    """Return about 800 minutes anywhere in three weeks around the clock changes."""
    return market(seed, np.unique(np.random.default_rng(seed).integers(0, 26 * 1440, 800)))


def market(seed: int, at_minute: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Bars:
    """Return bars at some minutes after a Friday began."""
    rng = np.random.default_rng(seed + 1)
    start = to_us(datetime(2024, 3, 8, tzinfo=UTC))
    mid = 100.0 + rng.integers(-50, 50, len(at_minute)) / 8
    return Bars(
        "AAPL",
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        start + at_minute * 60_000_000,
        open=mid,
        high=mid + rng.integers(1, 9, len(mid)) / 8,
        low=mid - rng.integers(1, 9, len(mid)) / 8,
        close=mid + 0.125,
        volume=rng.integers(0, 1000, len(mid)).astype(np.float64),
    )


@pytest.mark.parametrize("name", list(ZONES))
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_volume_high_and_low_survive_every_step(name: str, seed: int) -> None:
    source, calendar = thin_market(seed), ZONES[name]
    end = to_us(datetime(2024, 4, 5, tzinfo=UTC))
    totals: dict[Timeframe, tuple[float, float, float]] = {}

    for to in (*WIDTHS, Timeframe.DAILY):
        made = resample(source, to=to, calendar=calendar, source_end_us=end)
        totals[to] = (made.volume.sum(), made.high.max(), made.low.min())

    assert len(set(totals.values())) == 1


@pytest.mark.parametrize("name", list(ZONES))
def test_days_made_of_hours_equal_days_made_of_minutes(name: str) -> None:
    source, calendar = thin_market(7), ZONES[name]
    end = to_us(datetime(2024, 4, 5, tzinfo=UTC))

    hours = resample(source, to=Timeframe.HOUR_1, calendar=calendar, source_end_us=end)

    assert resample(hours, to=Timeframe.DAILY, calendar=calendar, source_end_us=end).equals(
        resample(source, to=Timeframe.DAILY, calendar=calendar, source_end_us=end)
    )


CLOCK_CHANGES: Final = {
    "America/New_York": (date(2024, 3, 10), date(2024, 11, 3)),
    "Europe/London": (date(2024, 3, 31), date(2024, 10, 27)),
    "Asia/Jerusalem": (date(2024, 3, 29), date(2024, 10, 27)),
    "Australia/Sydney": (date(2024, 4, 7), date(2024, 10, 6)),
}


@pytest.mark.parametrize(
    ("zone", "change"), [(zone, day) for zone, days in CLOCK_CHANGES.items() for day in days]
)
def test_a_full_day_of_minutes_around_a_clock_change_loses_nothing(zone: str, change: date) -> None:
    # Local days of 23 and 25 hours, traded from midnight to midnight.
    calendar = make_calendar(
        change - timedelta(days=2),
        change + timedelta(days=3),
        zone=zone,
        opens=time(0),
        closes=time(0),
        weekdays=EVERY_DAY,
    )
    first, last = calendar.schedule.opens[0], calendar.schedule.closes[-1]
    source = make_bars(start=from_us(first), n=int(last - first) // 60_000_000)

    daily = resample(source, to=Timeframe.DAILY, calendar=calendar)
    hours = resample(source, to=Timeframe.HOUR_1, calendar=calendar)

    per_day: dict[date, float] = defaultdict(float)
    for t, volume in zip(opens(source), source.volume.tolist(), strict=True):
        per_day[t.astimezone(ZoneInfo(zone)).date()] += volume
    assert daily.sessions is not None
    assert dict(zip(daily.sessions.tolist(), daily.volume.tolist(), strict=True)) == per_day
    assert len(hours) == (last - first) // 3_600_000_000

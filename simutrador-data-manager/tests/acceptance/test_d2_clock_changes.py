"""D2: no bar is shifted, lost or doubled where clocks change, in any market, from 2005 to 2026.

The oracle knows the exchanges' wall clocks (tables below) and counts minute by minute from the open
that `zoneinfo` gives; it shares no code with the resampler. From the calendar it takes only which
dates have a session, and the hours of days that close early (test D1 proves both).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.calendars import EVERY_DAY, make_calendar
from simutrador_data.services.workflows import resampling
from simutrador_data.services.workflows.resampling import resample_counted

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ONE_DAY: Final = timedelta(days=1)
MINUTE_US: Final = 60_000_000
YEARS: Final = range(2005, 2027)
BUCKET_MINUTES: Final = {Timeframe.MINUTE_5: 5, Timeframe.HOUR_1: 60}
TARGETS: Final = (*BUCKET_MINUTES, Timeframe.DAILY, Timeframe.WEEKLY)

Pieces = tuple[tuple[time, time], ...]
"""Wall times of a session; a piece that ends before it starts began on the evening before."""


def hours(*texts: str) -> Pieces:
    return tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in map(str.split, texts))


def on(weekdays: Collection[int], pieces: Pieces) -> Callable[[date], Pieces]:
    return lambda day: pieces if day.weekday() in weekdays else ()


def hong_kong(day: date) -> Pieces:
    # HKEX trading hours reform: 7 March 2011 and 5 March 2012.
    if day.weekday() > 4:
        return ()
    if day < date(2011, 3, 7):
        return hours("10:00 12:30", "14:30 16:00")
    return hours("09:30 12:00", "13:30 16:00" if day < date(2012, 3, 5) else "13:00 16:00")


def tel_aviv(day: date) -> Pieces:
    # Sunday to Thursday until 2025, Monday to Friday from 2026; the short day closes earlier.
    opens, short = ("09:59", "15:40") if day.year >= 2020 else ("09:45", "16:15")
    if day.year >= 2026:
        week: Mapping[int, str] = {**dict.fromkeys(range(4), "17:15"), 4: "13:50"}
    else:
        week = {**dict.fromkeys(range(4), "17:15"), 6: short}
    return hours(f"{opens} {week[day.weekday()]}") if day.weekday() in week else ()


WEEKDAYS: Final = range(5)
SOME: Final = at_scale(0.02, 0.5)
"""The share of minutes kept in markets that trade round the clock."""


@dataclass(frozen=True)
class Market:
    """One market: wall hours of a date, where its week starts, and the share of minutes kept."""

    calendar: str
    zone: str
    pieces: Callable[[date], Pieces]
    week_starts: int = 0
    kept: float = at_scale(0.15, 0.9)
    clocks_of: str = ""
    """Whose clock changes are looked at, when the market's own clocks never change."""

    def opened(self) -> Calendar:
        if self.calendar != "day and night":
            return get_calendar(self.calendar)
        # Around the clock in local days, which have 23, 23.5, 24.5 or 25 hours at a change.
        return make_calendar(
            date(2005, 1, 1), date(2027, 1, 1), name=self.zone, zone=self.zone,
            opens=time(0), closes=time(0), weekdays=EVERY_DAY,
        )  # fmt: skip


MARKETS: Final = [
    Market("XNYS", "America/New_York", on(WEEKDAYS, hours("09:30 16:00"))),
    Market("XLON", "Europe/London", on(WEEKDAYS, hours("08:00 16:30"))),
    Market("XHKG", "Asia/Hong_Kong", hong_kong, clocks_of="America/New_York"),
    Market("XTAE", "Asia/Jerusalem", tel_aviv, week_starts=6),
    Market("CMES", "America/Chicago", on(WEEKDAYS, hours("17:00 17:00")), kept=SOME),
    Market("ASX", "Australia/Sydney", on(WEEKDAYS, hours("10:00 16:10"))),
    Market("24/5", "America/New_York", on(WEEKDAYS, hours("17:00 17:00")), kept=SOME),
    Market("day and night", "Europe/Berlin", on(EVERY_DAY, hours("00:00 00:00")), kept=SOME),
    Market("day and night", "Australia/Lord_Howe", on(EVERY_DAY, hours("00:00 00:00")), kept=SOME),
]


def clock_changes(zone: str) -> list[date]:
    """Return the days on which the clocks of a zone change, found by comparing noons."""

    def offset(day: date) -> timedelta | None:
        return datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset()

    days = [date(YEARS[0], 1, 1) + k * ONE_DAY for k in range(366 * len(YEARS))]
    return [day for day in days if day.year in YEARS and offset(day) != offset(day - ONE_DAY)]


def us(day: date, wall: time, zone: str) -> int:
    return (datetime.combine(day, wall, ZoneInfo(zone)) - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Traded:
    """One minute: its open, and the opens of its piece, session and week (us UTC)."""

    at: int
    piece: int
    session: int
    week: int

    def key(self, to: Timeframe) -> int:
        if to is Timeframe.DAILY:
            return self.session
        if to is Timeframe.WEEKLY:
            return self.week
        width = BUCKET_MINUTES[to] * MINUTE_US
        return self.piece + (self.at - self.piece) // width * width


def pieces_us(market: Market, calendar: Calendar, day: date) -> list[tuple[int, int]]:
    """Return the instants between which a market trades in the session of a day, if any."""
    table = market.pieces(day)
    if not calendar.is_session(day):
        return []
    assert table, f"{market.calendar} trades on {day}, which the table of hours does not know"
    if day in calendar.early_closes:
        table = short_day(calendar, day)
    found = []
    for opens, closes in table:
        first, last = day, day
        if opens >= closes:  # round midnight: "00:00 00:00" is the whole date
            first, last = (day, day + ONE_DAY) if closes == time(0) else (day - ONE_DAY, day)
        found.append((us(first, opens, market.zone), us(last, closes, market.zone)))
    return found


def short_day(calendar: Calendar, day: date) -> Pieces:
    told = calendar.hours(day)

    def wall(instant: datetime) -> time:
        return instant.astimezone(calendar.zone).time()

    if told.break_start is None or told.break_end is None:
        return ((wall(told.open), wall(told.close)),)
    return (wall(told.open), wall(told.break_start)), (wall(told.break_end), wall(told.close))


def two_weeks(market: Market, calendar: Calendar, change: date) -> tuple[list[Traded], int]:
    """Return minutes of the week of a clock change and the one after, and the last close.

    The first and last minute of every piece are always among them, the others by chance.
    """
    rng = np.random.default_rng(change.toordinal())
    first = change - ONE_DAY
    first -= ((first.weekday() - market.week_starts) % 7) * ONE_DAY
    traded: list[Traded] = []
    last_close = 0
    for week in (first, first + 7 * ONE_DAY):
        week_opened: int | None = None
        for day in (week + k * ONE_DAY for k in range(7)):
            pieces = pieces_us(market, calendar, day)
            for opens, closes in pieces:
                week_opened = opens if week_opened is None else week_opened
                last_close = closes
                at = np.arange(opens, closes, MINUTE_US)
                kept = rng.random(len(at)) < market.kept
                kept[[0, -1]] = True
                traded += [
                    Traded(one, opens, pieces[0][0], week_opened) for one in at[kept].tolist()
                ]
    return traded, last_close


def invented(market: Market, traded: list[Traded], seed: int) -> Bars:
    """Return bars of these minutes: whole cents, and volumes that tell the minutes apart."""
    rng = np.random.default_rng(seed)
    mid = rng.integers(5_000, 6_000, len(traded)).astype(np.float64)
    return Bars(
        "ACME" if market.calendar != "24/5" else "EUR/USD",
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        np.array([minute.at for minute in traded]),
        open=mid,
        high=mid + rng.integers(0, 50, len(mid)),
        low=mid - rng.integers(0, 50, len(mid)),
        close=mid,
        volume=rng.integers(1, 1 << 20, len(mid)).astype(np.float64),
    )


def slow(bars: Bars, traded: list[Traded], to: Timeframe) -> dict[int, list[float]]:
    """Return open, high, low, close and volume by the bucket's open, one minute after another."""
    found: dict[int, list[float]] = {}
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(traded, *(column.tolist() for column in columns), strict=True)
    for minute, opened, high, low, close, volume in rows:
        have = found.setdefault(minute.key(to), [opened, high, low, close, 0.0])
        have[1], have[2], have[3] = max(have[1], high), min(have[2], low), close
        have[4] += volume
    return found


def differences(market: Market, change: date, calendar: Calendar) -> Iterator[str]:
    """Yield what is wrong around one clock change."""
    traded, last_close = two_weeks(market, calendar, change)
    bars = invented(market, traded, change.toordinal())
    for to in TARGETS:
        place = f"{market.calendar} {market.zone} {change} {to}"
        made = resample_counted(bars, to=to, calendar=calendar, source_end_us=last_close)
        columns = [made.bars.open, made.bars.high, made.bars.low, made.bars.close, made.bars.volume]
        got = dict(zip(made.bars.opened_at.tolist(), np.stack(columns, 1).tolist(), strict=True))
        want = slow(bars, traded, to)
        if (made.outside, made.forming) != (0, 0):
            yield f"{place}: {made.outside} bars left outside, {made.forming} forming"
        if got != want:
            lost, shifted = len(want.keys() - got.keys()), len(got.keys() - want.keys())
            yield f"{place}: {lost} buckets absent, {shifted} where none belongs, or other values"
        kept = made.bars.volume.sum(), made.bars.high.max(), made.bars.low.min()
        if kept != (bars.volume.sum(), bars.high.max(), bars.low.min()):
            yield f"{place}: sum of volume, highest or lowest not preserved"


def one_offset_for_the_whole_range() -> AbstractContextManager[object]:
    """Fault: the hours of the first session, in UTC, are taken for all that follow."""
    honest = resampling.sessions_around

    def fixed(calendar: Calendar, *arguments: Any) -> Any:
        plan = honest(calendar, *arguments)
        days = plan.sessions.astype("datetime64[us]").astype(np.int64)
        columns = {
            name: days + (getattr(plan, name)[0] - days[0])
            for name in ("opens", "closes", "breaks_start", "breaks_end")
        }
        return replace(plan, **columns)

    return patch.object(resampling, "sessions_around", fixed)


@pytest.mark.acceptance("D2", package="data-manager", breaks=one_offset_for_the_whole_range)
def test_no_bar_is_shifted_lost_or_doubled_where_clocks_change(
    figure: Callable[[str], None],
) -> None:
    wrong: list[str] = []
    changes = 0
    for market in MARKETS:
        calendar = market.opened()
        days = clock_changes(market.clocks_of or market.zone)
        changes += len(days)
        for change in days:
            wrong += differences(market, change, calendar)
        if wrong:
            break  # the other markets would only take time
    assert wrong == [], f"{len(wrong)} differences"
    zones = len({market.zone for market in MARKETS})
    assert changes >= 2 * len(YEARS) * len(MARKETS)
    figure(f"{changes} changes in {zones} zones x {len(TARGETS)} timeframes, 0 bars astray")

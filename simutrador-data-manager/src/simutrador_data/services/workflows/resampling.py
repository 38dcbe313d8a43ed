"""Resampling: bars of a longer timeframe made from shorter ones, on the exchange's sessions. Pure.

Open is the first, high the highest, low the lowest, close the last and volume the sum of the bars
that trade inside a bucket. Buckets start at the session's open and again after a lunch break, or on
the UTC grid with `Alignment.POLYGON` (`validation.expected` has the rule). Daily and longer bars
hold regular trading hours only and carry their session's date. A bucket that may still receive
trades is left out, so a forming bar is never stored.
"""

from __future__ import annotations

from calendar import MONDAY
from dataclasses import dataclass

import numpy as np

from simutrador_core.errors import InvalidTimeframeError
from simutrador_core.models.bars import I64, Bars, BoolArray, from_us
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us, validate_timeframe_conversion
from simutrador_data.services.validation.expected import (
    ExpectedBars,
    expected_bars,
    first_weekday,
    sessions_around,
    trading_time,
)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """What resampling gave.

    Attributes:
        bars: The complete bars of the longer timeframe.
        ends: int64 (n,) us UTC, where each of them ends.
        outside: How many source bars lie outside of trading hours and were left out.
        forming: How many source bars belong to buckets that were not over yet.
    """

    bars: Bars
    ends: I64
    outside: int
    forming: int


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Source bars inside trading hours: the trading time `[starts, ends)` each one holds."""

    kept: BoolArray
    starts: I64
    ends: I64


def resample(
    bars: Bars,
    *,
    to: Timeframe,
    calendar: Calendar,
    alignment: Alignment = Alignment.SESSION,
    source_end_us: int | None = None,
) -> Bars:
    """Return bars of a longer timeframe; see `resample_counted`."""
    return resample_counted(
        bars, to=to, calendar=calendar, alignment=alignment, source_end_us=source_end_us
    ).bars


def resample_counted(
    bars: Bars,
    *,
    to: Timeframe,
    calendar: Calendar,
    alignment: Alignment = Alignment.SESSION,
    source_end_us: int | None = None,
) -> Resampled:
    """Return bars of a longer timeframe and how many source bars did not become part of one.

    Args:
        bars: The source, of one symbol. Give it from the open of a bucket on: what comes before
            the first bar is taken to be without trades.
        to: The longer timeframe, made of whole source bars.
        calendar: The exchange's calendar; it reaches over the bars.
        alignment: Where intraday buckets start.
        source_end_us: Up to when the source is known, us UTC, where that is later than the end
            of its last bar (a symbol need not trade every minute); a bucket that ends later is
            left out.

    Returns:
        The bars, their ends and the counts. An empty source gives none.

    Raises:
        InvalidTimeframeError: the target is not made of whole source bars, or the source bars do
            not lie on its grid (hours cut on the clock cannot make hours from a 9:30 open).
        CalendarError: the bars reach beyond what the calendar knows.
    """
    if not validate_timeframe_conversion(bars.timeframe, to):
        raise InvalidTimeframeError(f"{to} bars cannot be made of {bars.timeframe} bars")
    if not len(bars):
        none = np.empty(0, dtype=np.int64)
        return Resampled(Bars.empty(bars.symbol, to, bars.adjustment), none, 0, 0)
    first, last = from_us(int(bars.opened_at[0])), from_us(int(bars.opened_at[-1]) + 1)
    schedule = sessions_around(calendar, first, last, to)
    source = _trading_part(bars, schedule)
    known_until = _known_until(bars, source, source_end_us)
    weekday = first_weekday(calendar) if to is Timeframe.WEEKLY else MONDAY
    buckets = expected_bars(schedule, to, alignment, first_weekday=weekday)
    place = _place(source, buckets, bars, to)
    done = source.ends <= known_until
    if len(place):
        done &= buckets.ends[place] <= known_until
    kept = bars.take(np.flatnonzero(source.kept)[done])
    outside = len(bars) - len(source.starts)
    joined, ends = _join(kept, place[done], buckets, to)
    return Resampled(joined, ends, outside, len(bars) - outside - len(kept))


def _trading_part(bars: Bars, schedule: Schedule) -> _Source:
    """Return what of each bar lies in trading time; the half bars of a clock grid are cut to it."""
    if not bars.timeframe.is_intraday:
        days = bars.sessions if bars.sessions is not None else schedule.sessions[:0]
        at = np.minimum(np.searchsorted(schedule.sessions, days), max(len(schedule) - 1, 0))
        kept = schedule.sessions[at] == days if len(schedule) else np.zeros(len(bars), np.bool_)
        return _Source(kept, schedule.opens[at[kept]], schedule.closes[at[kept]])
    time = trading_time(schedule)
    ends = bars.opened_at + timeframe_us(bars.timeframe)
    stretch = time.stretch_of(bars.opened_at, ends)
    kept = stretch >= 0
    # A bar cut on the clock can reach over a break, or from one session into the next.
    last = np.searchsorted(time.starts, ends[kept], side="left") - 1
    return _Source(
        kept,
        np.maximum(bars.opened_at[kept], time.starts[stretch[kept]]),
        np.minimum(ends[kept], time.ends[last]),
    )


def _known_until(bars: Bars, source: _Source, given: int | None) -> int:
    """Return up to when the source is known; the last bar says so where nobody knows more."""
    last_open = int(bars.opened_at[-1])
    if not bars.complete:
        return last_open
    # A last bar outside of trading hours shows that the trading before it is over.
    known = int(source.ends[-1]) if source.kept[-1] else last_open
    return known if given is None else max(known, given)


def _place(source: _Source, buckets: ExpectedBars, bars: Bars, to: Timeframe) -> I64:
    """Return the bucket of each source bar inside trading hours."""
    place = np.searchsorted(buckets.opens, source.starts, side="right") - 1
    astray = np.flatnonzero(source.ends > buckets.ends[place])
    if len(astray):
        at = from_us(int(source.starts[astray[0]]))
        raise InvalidTimeframeError(
            f"the {bars.timeframe} bar of {bars.symbol} at {at:%Y-%m-%d %H:%M} UTC reaches over "
            f"the end of a {to} bar; the source lies on another grid, try another alignment"
        )
    return place


def _join(bars: Bars, place: I64, buckets: ExpectedBars, to: Timeframe) -> tuple[Bars, I64]:
    if not len(bars):
        return Bars.empty(bars.symbol, to, bars.adjustment), place
    last = np.flatnonzero(np.append(np.diff(place) != 0, True))
    first = np.append(0, last[:-1] + 1)
    bucket = place[first]
    marks = bars.synthetic
    joined = Bars(
        bars.symbol,
        to,
        bars.adjustment,
        buckets.opens[bucket],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
        sessions=None if to.is_intraday else buckets.sessions[bucket],
        synthetic=None if marks is None else np.logical_and.reduceat(marks, first),
    )
    return joined, buckets.ends[bucket]

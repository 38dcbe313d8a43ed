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
from typing import Final

import numpy as np

from simutrador_core.errors import InvalidTimeframeError
from simutrador_core.models.bars import F64, I64, Bars, from_us
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us, validate_timeframe_conversion
from simutrador_data.services.validation.expected import (
    ExpectedBars,
    TradingTime,
    expected_bars,
    first_weekday,
    sessions_around,
    trading_time,
)

_FEW: Final = 32
"""Source bars up to which buckets of one size are compared column by column."""


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
    """Source bars that hold trading time, and that time: of a half bar only the part inside.

    Attributes:
        bars: The bars kept.
        opens: int64 (n,) us UTC, where trading of each begins, ascending.
        last_open: Open of the last source bar, kept or not.
        closes: Ends of the bars where they are sessions; None for intraday bars.
        time: When the exchange trades.
    """

    bars: Bars
    opens: I64
    last_open: int
    closes: I64 | None
    time: TradingTime

    def unclipped_ends(self, at: I64) -> I64:
        """Return where the bars at these indexes end, which is never before their trading does."""
        if self.closes is not None:
            return self.closes[at]
        return self.bars.opened_at[at] + timeframe_us(self.bars.timeframe)

    def ends(self, at: I64) -> I64:
        """Return where trading of the bars at these indexes ends."""
        ends = self.unclipped_ends(at)
        if self.closes is not None:
            return ends
        # A bar cut on the clock can reach over a break, or from one session into the next.
        last = np.searchsorted(self.time.starts, ends, side="left") - 1
        return np.minimum(ends, self.time.ends[last])


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
        raise InvalidTimeframeError(
            f"{to} bars cannot be made of {bars.timeframe} bars; import finer ones, or ask for "
            "longer"
        )
    if not len(bars):
        none = np.empty(0, dtype=np.int64)
        return Resampled(Bars.empty(bars.symbol, to, bars.adjustment), none, 0, 0)
    first, last = from_us(int(bars.opened_at[0])), from_us(int(bars.opened_at[-1]) + 1)
    schedule = sessions_around(calendar, first, last, to)
    source = _trading_part(bars, schedule)
    weekday = first_weekday(calendar) if to is Timeframe.WEEKLY else MONDAY
    buckets = expected_bars(schedule, to, alignment, first_weekday=weekday)
    filled, first = _fill(source, buckets)
    last = np.append(first[1:], len(source.bars))[: len(first)] - 1
    _check_grid(source, last, filled, to)
    over = int(np.searchsorted(filled.ends, _known_until(source, source_end_us), side="right"))
    used = int(last[over - 1]) + 1 if over else 0
    made = _join(source.bars, filled.take(slice(over)), first[:over], last[:over], to)
    outside = len(bars) - len(source.bars)
    return Resampled(made, filled.ends[:over], outside, len(source.bars) - used)


def _trading_part(bars: Bars, schedule: Schedule) -> _Source:
    """Return the bars that hold trading time; bars and sessions are ascending, so ranges do."""
    time, last_open = trading_time(schedule), int(bars.opened_at[-1])
    if bars.sessions is not None and not bars.timeframe.is_intraday:
        at = np.searchsorted(schedule.sessions, bars.sessions)
        known = at < len(schedule)
        known[known] = schedule.sessions[at[known]] == bars.sessions[known]
        at = at[known]
        return _Source(bars.take(known), schedule.opens[at], last_open, schedule.closes[at], time)
    width = timeframe_us(bars.timeframe)
    first = np.searchsorted(bars.opened_at, time.starts - width, side="right")
    after = np.searchsorted(bars.opened_at, time.ends, side="left")
    first[1:] = np.maximum(first[1:], after[:-1])
    counts = np.maximum(after - first, 0)
    kept = bars
    if int(counts.sum()) < len(bars):
        inside = np.repeat(first - np.cumsum(counts) + counts, counts)
        kept = bars.take(inside + np.arange(len(inside), dtype=np.int64))
    opens = kept.opened_at
    heads = (np.cumsum(counts) - counts)[counts > 0]
    starts = time.starts[counts > 0]
    if bool((opens[heads] < starts).any()):
        opens = opens.copy()
        opens[heads] = np.maximum(opens[heads], starts)
    return _Source(kept, opens, last_open, None, time)


def _fill(source: _Source, buckets: ExpectedBars) -> tuple[ExpectedBars, I64]:
    """Return the buckets that hold bars, and the index of the first bar of each."""
    first = _first_bars(source, buckets.opens)
    held = np.flatnonzero(np.append(first[1:], len(source.opens))[: len(first)] > first)
    if len(held) == len(first):
        return buckets, first
    return buckets.take(held), first[held]


def _first_bars(source: _Source, begins: I64) -> I64:
    """Return where each instant would be put among the opens: `searchsorted`, in half the time.

    It is guessed that no bar is absent between the begin of its stretch of trading and the instant;
    where that shows to be wrong, it is searched for.
    """
    opens, starts = source.opens, source.time.starts
    if len(begins) < 2 or len(opens) < 2:
        return np.searchsorted(opens, begins)
    edges = np.append(np.searchsorted(begins, starts), len(begins))
    edges[0] = 0
    bars_each = int(begins[1] - begins[0]) // timeframe_us(source.bars.timeframe)
    at_start = np.searchsorted(opens, starts) - edges[:-1] * bars_each
    guess = np.repeat(at_start, np.diff(edges)) + np.arange(len(begins)) * bars_each
    np.clip(guess, 0, len(opens), out=guess)
    before, after = np.maximum(guess - 1, 0), np.minimum(guess, len(opens) - 1)
    right = (opens[before] < begins) | (guess == 0)
    right &= (opens[after] >= begins) | (guess == len(opens))
    wrong = np.flatnonzero(~right)
    guess[wrong] = np.searchsorted(opens, begins[wrong])
    return guess


def _check_grid(source: _Source, last: I64, filled: ExpectedBars, to: Timeframe) -> None:
    """Refuse bars that reach over the end of their bucket; only its last bar can."""
    astray = np.flatnonzero(source.unclipped_ends(last) > filled.ends)  # seldom any: cheaper first
    astray = astray[source.ends(last[astray]) > filled.ends[astray]]
    if len(astray):
        bars = source.bars
        at = from_us(int(bars.opened_at[last[astray[0]]]))
        raise InvalidTimeframeError(
            f"the {bars.timeframe} bar of {bars.symbol} at {at:%Y-%m-%d %H:%M} UTC reaches over "
            f"the end of a {to} bar; the source lies on another grid, try another alignment"
        )


def _known_until(source: _Source, given: int | None) -> int:
    """Return up to when the source is known; the last bar says so where nobody knows more."""
    # A last bar outside of trading hours shows that the trading before it is over.
    known = source.last_open
    bars = source.bars
    if not bars.complete:
        return known
    if len(bars) and bars.opened_at[-1] == source.last_open:
        known = int(source.ends(np.array([len(bars) - 1], dtype=np.int64))[0])
    return known if given is None else max(known, given)


def _join(bars: Bars, buckets: ExpectedBars, first: I64, last: I64, to: Timeframe) -> Bars:
    if not len(first):
        return Bars.empty(bars.symbol, to, bars.adjustment)
    bars = bars.take(slice(int(last[-1]) + 1))
    marks = bars.synthetic
    return Bars(
        bars.symbol,
        to,
        bars.adjustment,
        buckets.opens,
        bars.open[first],
        _extremes(np.maximum, bars.high, first),
        _extremes(np.minimum, bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
        sessions=None if to.is_intraday else buckets.sessions,
        synthetic=None if marks is None else np.logical_and.reduceat(marks, first),
    )


def _extremes(choose: np.ufunc, column: F64, first: I64) -> F64:
    """Return the extreme of each bucket; `first` are the indexes where buckets begin, from 0."""
    count, rest = divmod(len(column), len(first))
    if rest or count > _FEW or not np.array_equal(first, np.arange(0, len(column), count)):
        return choose.reduceat(column, first)
    found = column[::count].copy()
    for offset in range(1, count):  # few whole columns, a fifth of the time of many short buckets
        choose(found, column[offset::count], out=found)
    return found

"""Which bars a calendar expects: opens, ends and session of each, as columns.

Intraday buckets start at the session's open and again where a lunch break ends, so none spans a
break; the last one before a break or the close may be short. `Alignment.POLYGON` cuts them on the
UTC grid instead, so that the first and the last bar of a US session may be half bars (13:00, 14:00,
... for a session that opens at 13:30). A daily bar opens with its session; a weekly or monthly bar
opens with the first session of its period and carries that session's date.
"""

from __future__ import annotations

from calendar import MONDAY, SUNDAY
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from simutrador_core.models.bars import D64, I64
from simutrador_core.models.enums import Alignment, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us

# 1970-01-01 was a Thursday: adding 3 days makes weeks that start on Monday whole multiples of 7.
_DAYS_TO_MONDAY: Final = 3
_DAYS_TO_SUNDAY: Final = 4

MICROSECOND: Final = timedelta(microseconds=1)

_LONGER_THAN_A_DAY: Final = frozenset({Timeframe.WEEKLY, Timeframe.MONTHLY})


@dataclass(frozen=True, slots=True, eq=False)
class TradingTime:
    """The stretches in which an exchange trades, `[starts, ends)`, ascending and apart.

    `at` is the index of each stretch's session in the schedule; a session with a lunch break has
    two stretches. All int64; instants in microseconds UTC.
    """

    starts: I64
    ends: I64
    at: I64

    def stretch_of(self, opens: I64, ends: I64) -> I64:
        """Return the first stretch that each span `[opens, ends)` overlaps, -1 for none."""
        found = np.searchsorted(self.ends, opens, side="right")
        inside = found < len(self.ends)
        inside[inside] = self.starts[found[inside]] < ends[inside]
        return np.where(inside, found, -1)


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedBars:
    """The bars a calendar expects, ascending: `[opens, ends)` int64 us UTC, session of each."""

    opens: I64
    ends: I64
    sessions: D64

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.opens)

    def between(self, start_us: int, end_us: int) -> ExpectedBars:
        """Return the bars that open in `[start_us, end_us)`."""
        first, last = np.searchsorted(self.opens, [start_us, end_us])
        cut = slice(int(first), int(last))
        return self.take(cut)

    def take(self, index: slice | I64) -> ExpectedBars:
        """Return the bars at `index`, which must keep their order."""
        return ExpectedBars(self.opens[index], self.ends[index], self.sessions[index])


def trading_time(schedule: Schedule) -> TradingTime:
    """Return the stretches of trading of a schedule, lunch breaks left out."""
    starts = np.stack([schedule.opens, schedule.breaks_end], axis=1).ravel()
    ends = np.stack([schedule.breaks_start, schedule.closes], axis=1).ravel()
    at = np.repeat(np.arange(len(schedule), dtype=np.int64), 2)
    kept = starts < ends
    return TradingTime(starts[kept], ends[kept], at[kept])


def expected_opens(
    schedule: Schedule, timeframe: Timeframe, alignment: Alignment = Alignment.SESSION
) -> tuple[I64, D64]:
    """Return when each expected bar opens and the session it belongs to.

    Args:
        schedule: The sessions; whole weeks or months for weekly or monthly bars.
        timeframe: How long each bar lasts.
        alignment: Where intraday buckets start.

    Returns:
        int64 (n,) microseconds UTC, strictly increasing, and datetime64[D] (n,).
    """
    bars = expected_bars(schedule, timeframe, alignment)
    return bars.opens, bars.sessions


def expected_bars(
    schedule: Schedule,
    timeframe: Timeframe,
    alignment: Alignment = Alignment.SESSION,
    *,
    first_weekday: int = MONDAY,
) -> ExpectedBars:
    """Return the bars that trading by this schedule would give, with the end of each.

    Args:
        schedule: The sessions; whole weeks or months for weekly or monthly bars.
        timeframe: How long each bar lasts.
        alignment: Where intraday buckets start.
        first_weekday: Where weeks start; see `first_weekday`.
    """
    if not timeframe.is_intraday:
        return _period_bars(schedule, timeframe, first_weekday)
    bars = _buckets(schedule, timeframe_us(timeframe), alignment)
    return _joined(bars) if alignment is Alignment.POLYGON else bars


def _buckets(schedule: Schedule, width: int, alignment: Alignment) -> ExpectedBars:
    time = trading_time(schedule)
    anchors = time.starts
    if alignment is Alignment.POLYGON:
        anchors = anchors - anchors % width
    counts = -((anchors - time.ends) // width)
    before = np.cumsum(counts) - counts
    opens = np.repeat(anchors - before * width, counts)
    opens += np.arange(len(opens), dtype=np.int64) * width
    ends = np.repeat(time.ends, counts)
    np.minimum(ends, opens + width, out=ends)
    return ExpectedBars(opens, ends, np.repeat(schedule.sessions[time.at], counts))


def _joined(bars: ExpectedBars) -> ExpectedBars:
    """Join buckets that a lunch break or two touching sessions cut out of one UTC bucket."""
    if not len(bars):
        return bars
    last = np.flatnonzero(np.append(np.diff(bars.opens) != 0, True))
    first = np.append(0, last[:-1] + 1)
    return ExpectedBars(bars.opens[first], bars.ends[last], bars.sessions[first])


def _period_bars(schedule: Schedule, timeframe: Timeframe, first_weekday: int) -> ExpectedBars:
    if timeframe is Timeframe.DAILY or not len(schedule):
        return ExpectedBars(schedule.opens, schedule.closes, schedule.sessions)
    period = period_of(schedule.sessions, timeframe, first_weekday=first_weekday)
    last = np.flatnonzero(np.append(np.diff(period) != 0, True))
    first = np.append(0, last[:-1] + 1)
    return ExpectedBars(schedule.opens[first], schedule.closes[last], schedule.sessions[first])


def period_of(sessions: D64, timeframe: Timeframe, *, first_weekday: int = MONDAY) -> I64:
    """Return a number for the day, week or month of each session, the same within one period."""
    if timeframe is Timeframe.MONTHLY:
        return sessions.astype("datetime64[M]").astype(np.int64)
    days = sessions.astype("datetime64[D]").astype(np.int64)
    if timeframe is Timeframe.WEEKLY:
        return (days + (_DAYS_TO_SUNDAY if first_weekday == SUNDAY else _DAYS_TO_MONDAY)) // 7
    return days


def first_weekday(calendar: Calendar) -> int:
    """Return the day trading weeks start: `calendar.SUNDAY` where Sunday replaces Friday.

    Tel Aviv traded from Sunday to Thursday for decades: its Sunday begins the week.
    Crypto trades on all days and counts its weeks from Monday, as does every other exchange.
    """
    weekday = (calendar.schedule.sessions.astype(np.int64) + _DAYS_TO_MONDAY) % 7
    per_day = np.bincount(weekday, minlength=7)
    return SUNDAY if per_day[SUNDAY] > 2 * per_day[4] else MONDAY


def sessions_around(
    calendar: Calendar, start: datetime, end: datetime, timeframe: Timeframe
) -> Schedule:
    """Return the sessions that `[start, end)` touches, widened to whole weeks or months.

    A margin of two days takes in sessions that open on the evening before their date. Dates beyond
    what the calendar knows are left out of the margin.

    Raises:
        CalendarError: `[start, end)` itself reaches beyond what the calendar knows.
    """
    first = start.astimezone(calendar.zone).date()
    last = max(first, (end - MICROSECOND).astimezone(calendar.zone).date()) + timedelta(days=1)
    calendar.between(first, last)
    margin = timedelta(days=33 if timeframe in _LONGER_THAN_A_DAY else 2)
    return calendar.between(max(calendar.start, first - margin), min(calendar.end, last + margin))

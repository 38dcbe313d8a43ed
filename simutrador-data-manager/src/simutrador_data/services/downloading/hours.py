"""`TradingHours`: when bars of a series are due.

All instants are int microseconds UTC. A range is `[start, end)`.
"""

from __future__ import annotations

from calendar import MONDAY
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from simutrador_core.models.bars import I64, Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.validation.expected import (
    expected_bars,
    first_weekday,
    period_of,
)

SETTLING: Final = timedelta(hours=4)
"""So long after its close a session is asked for again: late trades, after-hours, corrections."""

LATENCY: Final = timedelta(minutes=20)
"""Vendors may give a bar so late; delayed feeds lag 15 minutes."""

SETTLING_US: Final = SETTLING // timedelta(microseconds=1)
LATENCY_US: Final = LATENCY // timedelta(microseconds=1)

_DAY_US: Final = 86_400_000_000
_MARGIN_DAYS: Final = {Timeframe.WEEKLY: 8, Timeframe.MONTHLY: 32}


@dataclass(frozen=True, slots=True, eq=False)
class TradingHours:
    """When bars of one timeframe are due, by an exchange's calendar."""

    timeframe: Timeframe
    schedule: Schedule
    weekday: int = MONDAY

    @classmethod
    def of(cls, calendar: Calendar, timeframe: Timeframe) -> TradingHours:
        """Return the hours of a calendar for bars of a timeframe."""
        weekday = first_weekday(calendar) if timeframe is Timeframe.WEEKLY else MONDAY
        return cls(timeframe, calendar.schedule, weekday)

    def expects_bars(self, start: int, end: int) -> bool:
        """Return whether a whole bar is due in a range, however intraday bars are aligned."""
        if end <= start:
            return False
        if self.timeframe.is_intraday and self.holds_session(start, end):
            return True
        part = self._around(start, end)
        due = expected_bars(part, self.timeframe, first_weekday=self.weekday)
        return bool(np.any((due.opens >= start) & (due.ends <= end)))

    def holds_session(self, start: int, end: int) -> bool:
        """Return whether a session lies whole in a range."""
        first = int(np.searchsorted(self.schedule.opens, start))
        return first < len(self.schedule) and int(self.schedule.closes[first]) <= end

    def extent(self, bars: Bars) -> tuple[int, int]:
        """Return the trading time that bars span: from the first one's open to the last one's end.

        A daily bar lasts from its session's open to its close, whatever instant its label names.
        """
        first, last = int(bars.opened_at[0]), int(bars.opened_at[-1])
        if self.timeframe.is_intraday:
            return first, last + timeframe_us(self.timeframe)
        ends = self.ends_of(bars)
        opens = self._edges_of(bars, opens=True)
        return min(first, int(opens[0])), max(last + 1, int(ends[-1]))

    def ends_of(self, bars: Bars) -> I64:
        """Return when each bar is finished: of a daily one the close of its session.

        A session that the calendar lacks counts 24 hours from the bar's label.
        """
        if self.timeframe.is_intraday:
            return bars.opened_at + timeframe_us(self.timeframe)
        return self._edges_of(bars, opens=False)

    def final_until(self, asked_at: int) -> int:
        """Return the instant up to which an answer given at `asked_at` was final.

        Where a session was open then, or had closed less than `SETTLING` ago, that is its open.
        """
        at = int(np.searchsorted(self.schedule.closes + SETTLING_US, asked_at, side="right"))
        if at == len(self.schedule):
            return asked_at
        return min(asked_at, int(self.schedule.opens[at]))

    def _around(self, start: int, end: int) -> Schedule:
        """Return the sessions that touch a range, and those of the whole weeks or months."""
        margin = _MARGIN_DAYS.get(self.timeframe, 0) * _DAY_US
        first = int(np.searchsorted(self.schedule.closes, start - margin, side="right"))
        last = int(np.searchsorted(self.schedule.opens, end + margin))
        return self.schedule.take(slice(first, last))

    def _edges_of(self, bars: Bars, *, opens: bool) -> I64:
        """Return when the session, week or month of each bar opens, or closes."""
        unknown = bars.opened_at if opens else bars.opened_at + _DAY_US
        if bars.sessions is None or not len(self.schedule):
            return unknown
        wanted = period_of(bars.sessions, self.timeframe, first_weekday=self.weekday)
        held = period_of(self.schedule.sessions, self.timeframe, first_weekday=self.weekday)
        at = np.searchsorted(held, wanted, side="left" if opens else "right") - (0 if opens else 1)
        inside = np.clip(at, 0, len(held) - 1)
        edges = self.schedule.opens if opens else self.schedule.closes
        return np.where(held[inside] == wanted, edges[inside], unknown)

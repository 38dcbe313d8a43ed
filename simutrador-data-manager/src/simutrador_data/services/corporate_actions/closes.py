"""The raw close of the last session before a dividend, which its factor is worked from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from simutrador_core.adjusting.companies import Company, Tenure
from simutrador_core.errors import InvalidActionError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarSource
from simutrador_core.models.bars import D64, F64, BarQuery, Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.serving.ranges import EARLIEST, LATEST, day_start

STALE: Final = timedelta(days=31)
"""A close older than this is not taken for the one before: bars are missing in between."""

ALWAYS: Final = (
    datetime.combine(EARLIEST, time(), UTC),
    datetime.combine(LATEST, time(), UTC),
)


class Closes:
    """The raw closes of one company across its names, of one version.

    Daily bars give them; where none stand close before a date, those of the timeframe that is read.
    """

    def __init__(
        self,
        source: BarSource,
        company: Company,
        timeframe: Timeframe,
        *,
        as_of: int | None,
        calendar: Callable[[str], Calendar],
    ) -> None:
        """Keep where to read; nothing is read until a close is asked for."""
        self._source = source
        self._company = company
        self._timeframe = timeframe
        self._as_of = as_of
        self._calendar = calendar

    def before(self, day: date) -> float:
        """Return the close of the last session before a date.

        Raises:
            InvalidActionError: no bar of the month before is stored.
        """
        sessions, closes = self._daily
        at = int(np.searchsorted(sessions, np.datetime64(day, "D"))) - 1
        if at >= 0 and day - sessions[at].item() <= STALE:
            return float(closes[at])
        holder = next((t for t in self._company if t.holds(day - timedelta(days=1))), None)
        found = None if holder is None else self._last_intraday(holder, day)
        if found is None:
            symbol = self._company[-1].symbol if holder is None else holder.symbol
            raise InvalidActionError(
                f"the dividend of {symbol} on {day} needs the close before it, and no bar of the "
                f"{STALE.days} days before is stored; import or fetch daily bars of {symbol} over "
                "that time, or ask for split-adjusted prices",
                field="adjustment",
            )
        return found

    @cached_property
    def _daily(self) -> tuple[D64, F64]:
        parts = [self._of_tenure(tenure) for tenure in self._company]
        return (
            np.concatenate([sessions for sessions, _ in parts]),
            np.concatenate([closes for _, closes in parts]),
        )

    def _of_tenure(self, tenure: Tenure) -> tuple[D64, F64]:
        try:
            bars = self._read(tenure.symbol, Timeframe.DAILY, *ALWAYS)
        except UnknownSymbolError:
            bars = Bars.empty(tenure.symbol, Timeframe.DAILY)
        assert bars.sessions is not None  # daily bars have them
        ends = np.array([tenure.start or EARLIEST, tenure.end or LATEST], dtype="datetime64[D]")
        first, last = np.searchsorted(bars.sessions, ends)
        return bars.sessions[first:last], bars.close[first:last]

    def _last_intraday(self, tenure: Tenure, day: date) -> float | None:
        if not self._timeframe.is_intraday:
            return None
        calendar = self._calendar(tenure.symbol)
        end = day_start(day, calendar)
        try:
            bars = self._read(tenure.symbol, self._timeframe, end - STALE, end)
        except UnknownSymbolError:
            return None
        regular = ~np.isnat(calendar.session_of(bars.opened_at))
        closes = bars.close[regular] if regular.any() else bars.close
        return float(closes[-1]) if len(closes) else None

    def _read(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime) -> Bars:
        return self._source.read(BarQuery(symbol, timeframe, start, end, as_of=self._as_of))


__all__ = ["Closes", "STALE", "ALWAYS"]

"""`Stock`: the bars that every vendor of a fault server has, up to its clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.models.bars import Bars, to_us
from simutrador_data.testing.asking import Question, Rows
from simutrador_data.testing.tampering import Series, half_formed
from simutrador_data.testing.vendors import Vendor
from simutrador_data.testing.vendors.vendor import STEPS_US

_OTHER_SYMBOL: Final = "OTHER"


class Stock:
    """Bars by symbol, however a vendor spells it, and timeframe."""

    def __init__(self, bars: Iterable[Bars], now: Callable[[], datetime] | None) -> None:
        """Keep bars; without a clock all of them are past."""
        self._bars = {(plain(one.symbol), one.timeframe): one for one in bars}
        self._now = now

    @property
    def now(self) -> int:
        """What time it is, microseconds UTC; the machine's time without a clock of its own."""
        return time.time_ns() // 1_000 if self._now is None else to_us(self._now())

    def has(self, symbol: str) -> bool:
        """Say whether there are bars of a symbol."""
        return any(name == plain(symbol) for name, _ in self._bars)

    def series(self, vendor: Vendor, question: Question) -> Series | None:
        """Return what a vendor has of what is asked, under its labels; None of an unknown one."""
        bars = self._bars.get((plain(question.symbol), question.timeframe))
        if bars is None:
            return None
        rows = self._so_far(Rows.of(bars), STEPS_US[question.timeframe])
        return Series(question.symbol, rows.relabelled(vendor.label(question, rows)))

    def other(self, vendor: Vendor, question: Question, mine: Series) -> Series:
        """Return another symbol's series, or an invented one where there is none."""
        for (name, timeframe), bars in self._bars.items():
            if timeframe == question.timeframe and name != plain(question.symbol):
                found = self.series(vendor, replace(question, symbol=bars.symbol))
                if found is not None:
                    return found
        rows = mine.rows
        prices = {name: getattr(rows, name) * 2 for name in ("open", "high", "low", "close")}
        return Series(_OTHER_SYMBOL, replace(rows, **prices))

    def _so_far(self, rows: Rows, step: int) -> Rows:
        """Leave out the bars that open later; the one that is open is as it looks half-way."""
        if self._now is None:
            return rows
        now = self.now
        opened = rows.take(slice(0, int(np.searchsorted(rows.at, now))))
        forming = len(opened) > 0 and int(opened.at[-1]) + step > now
        return half_formed(opened) if forming else opened


def plain(symbol: str) -> str:
    """Return a symbol without what only a vendor's spelling adds: `X:BTCUSD` is `BTC-USD`."""
    bare = re.sub(r"^[XCI]:|=X$", "", symbol.upper())
    return re.sub(r"[^A-Z0-9]", "", bare)

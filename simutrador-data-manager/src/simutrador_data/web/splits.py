"""The splits of a symbol, where raw and adjusted daily bars are stored to give them away."""

from __future__ import annotations

from typing import Final

from simutrador_core.interfaces.data_provider import CorporateAction
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.validation.splits import find_splits

_ADJUSTED: Final = (Adjustment.SPLIT, Adjustment.TOTAL)


def stored_splits(store: BarStore, symbol: str) -> list[CorporateAction]:
    """Return the splits that stored daily bars show, oldest first; none without adjusted ones."""
    stored = {info.series for info in store.symbols(Timeframe.DAILY) if info.symbol == symbol}
    raw = SeriesKey(symbol, Timeframe.DAILY, Adjustment.RAW)
    for adjustment in _ADJUSTED:
        adjusted = SeriesKey(symbol, Timeframe.DAILY, adjustment)
        if {raw, adjusted} <= stored:
            return find_splits(_whole(store, raw), _whole(store, adjusted))
    return []


def _whole(store: BarStore, key: SeriesKey) -> Bars:
    start, end = resolve(Range())
    return store.read(BarQuery(key.symbol, key.timeframe, start, end, key.adjustment))

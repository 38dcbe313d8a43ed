"""Live bars into the store: one commit for all that is new; what stands there is never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import OHLCV, BarQuery, Bars, from_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.validation.spans import Spans


def write_new(
    store: BarStore,
    pages: Sequence[tuple[Bars, TradingHours]],
    *,
    source: str,
    fetched_at: datetime,
) -> None:
    """Commit bars later than all that is stored, of any number of series, at once.

    A bar settles its own time and nothing else: what a stream leaves out was not asked for.

    Args:
        store: Where they go.
        pages: Bars of one series each, with its hours.
        source: The provider's name.
        fetched_at: When they came.

    Raises:
        StoreError: the store could not write; none of them is stored.
    """
    covered = [
        Covered(bars.series, from_us(start), from_us(end))
        for bars, hours in pages
        for start, end in _own_time(bars, hours).pairs()
    ]
    if covered:
        bars = [bars for bars, _ in pages if len(bars)]
        request = f"follow {_named(bars)} from {source}"
        asked_at = max(fetched_at, *(one.end for one in covered))  # its clock may be ahead of ours
        store.commit(Change(bars, covered, source, request, asked_at, OnConflict.KEEP))


def disputed(store: BarStore, bars: Bars) -> Bars:
    """Return those of some bars of one series that do not stand in the store as they are.

    Raises:
        StoreError: the store cannot be read.
    """
    first, last = int(bars.opened_at[0]), int(bars.opened_at[-1])
    query = BarQuery(
        bars.symbol, bars.timeframe, from_us(first), from_us(last + 1), bars.adjustment
    )
    try:
        stored = store.read(query)
    except UnknownSymbolError:
        return bars
    _, ours, theirs = np.intersect1d(
        bars.opened_at, stored.opened_at, assume_unique=True, return_indices=True
    )
    same = [getattr(bars, name)[ours] == getattr(stored, name)[theirs] for name in OHLCV]
    differs = np.ones(len(bars), dtype=np.bool_)
    differs[ours] = ~np.logical_and.reduce(same)
    return bars.take(differs)


def _own_time(bars: Bars, hours: TradingHours) -> Spans:
    return Spans.of(bars.opened_at, hours.ends_of(bars))


def _named(pages: Sequence[Bars]) -> str:
    first = pages[0].series
    return str(first) if len(pages) == 1 else f"{first} and {len(pages) - 1} more"

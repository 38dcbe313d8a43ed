"""One page into the store: one commit, compared first, with the range it settles as checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.errors import ConflictError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.downloading.reconciling import Reconciled, given_by, reconcile
from simutrador_data.services.validation.spans import Spans

_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit did: its id (None where nothing changed) and rows by what became of them."""

    commit: int | None
    added: int
    restated: int
    kept: int


def write_page(
    store: BarStore, bars: Bars, covered: Spans, *, source: str, request: str, fetched_at: datetime
) -> Written:
    """Commit the bars of a page together with the ranges they settle.

    Args:
        store: Where they go.
        bars: Checked bars; may be empty, which says "asked, nothing there".
        covered: The ranges settled.
        source: The provider's name.
        request: What was asked, for people.
        fetched_at: When the page came.

    Raises:
        StoreError: the store could not write; the page is not stored.
    """
    series = bars.series
    ranges = [Covered(series, from_us(start), from_us(end)) for start, end in covered.pairs()]
    if not len(bars) and not ranges:
        return Written(None, 0, 0, 0)
    for left in reversed(range(_TRIES)):
        base = _latest(store, series)
        found = _reconciled(store, bars, covered, source)
        change = Change(
            [found.bars] if len(found.bars) else [],
            ranges,
            source,
            request,
            fetched_at,
            found.on_conflict,
        )
        replaces = found.on_conflict is OnConflict.REPLACE
        try:
            commit = store.commit(change, base=base if replaces else None)
        except ConflictError:  # another writer was first: look again at what stands
            if not left:
                raise
            continue
        added = 0 if commit.no_op else commit.added
        return Written(None if commit.no_op else commit.id, added, found.restated, found.kept)
    raise AssertionError("the last try returns or raises")


def _reconciled(store: BarStore, bars: Bars, covered: Spans, source: str) -> Reconciled:
    if not len(bars):
        return Reconciled(bars, OnConflict.KEEP, 0, 0)
    edges = np.concatenate(
        [bars.opened_at[[0]], bars.opened_at[[-1]] + 1, covered.starts, covered.ends]
    )
    query = BarQuery(
        bars.symbol,
        bars.timeframe,
        from_us(int(edges.min())),
        from_us(int(edges.max())),
        bars.adjustment,
    )
    try:
        stored = store.read(query)
    except UnknownSymbolError:
        return Reconciled(bars, OnConflict.KEEP, 0, 0)
    if not len(stored):
        return Reconciled(bars, OnConflict.KEEP, 0, 0)
    return reconcile(bars, stored, is_own=given_by(source, stored, store.segments(query)))


def _latest(store: BarStore, series: SeriesKey) -> int:
    latest = store.history(series.symbol, series.timeframe, newest=1)
    return latest[0].id if latest else 0

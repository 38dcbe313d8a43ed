"""Writes what was found out about absent bars into the store, as notes in its coverage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_data.services.validation.spans import Spans


def note(
    store: BarStore, series: SeriesKey, spans: Spans, *, source: str, asked_at: datetime
) -> Sequence[int]:
    """Record that `source` says something of these ranges; return the id of the commit, if any.

    Raises:
        StoreError: the store could not write.
    """
    if not len(spans):
        return []
    ranges = [Covered(series, from_us(start), from_us(end)) for start, end in spans.pairs()]
    request = f"fill-gaps {series.symbol} {series.timeframe}: {source}"
    commit = store.commit(Change([], ranges, source, request, asked_at))
    return [] if commit.no_op else [commit.id]

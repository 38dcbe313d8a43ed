"""The difference of two versions as a document of columns, for commands and routes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from simutrador_core.models.bars import I64, Bars, SeriesKey, from_us
from simutrador_data.services.serving.text_formats import columns
from simutrador_data.services.storage.differences import Difference, together


def difference_document(
    found: Difference, series: SeriesKey, *, from_commit: int, to_commit: int
) -> dict[str, Any]:
    """Return a difference as what `orjson` can write: counts, and columns of each kind of bar."""
    return {
        "symbol": series.symbol,
        "timeframe": str(series.timeframe),
        "adjustment": str(series.adjustment),
        "from_commit": from_commit,
        "to_commit": to_commit,
        "counts": {
            "added": len(found.added),
            "removed": len(found.removed),
            "changed": len(found.after),
        },
        "added": columns(found.added),
        "removed": columns(found.removed),
        "changed": {"before": columns(found.before), "after": columns(found.after)},
    }


def difference_page(
    parts: Iterable[Difference], series: SeriesKey, *, from_commit: int, to_commit: int, most: int
) -> dict[str, Any]:
    """Return the first bars of a difference as a document, and where the next one begins.

    Args:
        parts: The difference in time order; no more of it is read than is needed.
        series: Which series it is.
        from_commit: The earlier version.
        to_commit: The later version.
        most: Most bars to return, at least 1.

    Returns:
        What `difference_document` returns, with `next_start`: the instant of the first bar left
        out, aware UTC, or None when there is none.
    """
    held: list[Difference] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(_instants(part))
        if count > most:
            break
    found = together(held, series)
    next_start = None
    if count > most:
        end_us = int(_instants(found)[most])
        found = _before(found, end_us)
        next_start = from_us(end_us)
    document = difference_document(found, series, from_commit=from_commit, to_commit=to_commit)
    return document | {"next_start": next_start}


def _instants(found: Difference) -> I64:
    """Return when the bars of a difference open, ascending: each differs in one way only."""
    kinds = (found.added, found.removed, found.after)
    return np.sort(np.concatenate([bars.opened_at for bars in kinds]))


def _before(found: Difference, end_us: int) -> Difference:
    def cut(bars: Bars) -> Bars:
        return bars.take(slice(0, int(np.searchsorted(bars.opened_at, end_us))))

    return Difference(*(cut(getattr(found, field.name)) for field in fields(found)))


__all__ = ["difference_document", "difference_page"]

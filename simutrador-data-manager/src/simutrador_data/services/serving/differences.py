"""The difference of two versions as a document of columns, for commands and routes."""

from __future__ import annotations

from typing import Any

from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.serving.text_formats import columns
from simutrador_data.services.storage.differences import Difference


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


__all__ = ["difference_document"]

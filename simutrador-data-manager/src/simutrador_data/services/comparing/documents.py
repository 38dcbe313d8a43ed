"""A comparison as a document of columns, for `--json` and routes."""

from __future__ import annotations

from typing import Any

import numpy as np

from simutrador_core.models.bars import OHLCV
from simutrador_data.services.comparing.accounts import Comparison
from simutrador_data.services.comparing.differences import Tolerance
from simutrador_data.services.serving.text_formats import columns


def comparison_document(comparison: Comparison, tolerance: Tolerance) -> dict[str, Any]:
    """Return what `orjson` can write: counts, how far columns lie apart, and every bar."""
    found, series = comparison.found, comparison.series
    return {
        "symbol": series.symbol,
        "timeframe": str(series.timeframe),
        "adjustment": str(series.adjustment),
        "start": comparison.start,
        "end": comparison.end,
        "accounts": list(comparison.names),
        "tolerance": {"price": tolerance.price, "volume": tolerance.volume},
        "same": found.is_empty,
        "whole": comparison.is_whole,
        "counts": {
            "both": found.both,
            "differing": len(found.one),
            "only_first": len(found.only_one),
            "only_second": len(found.only_other),
        },
        "largest": found.largest(),
        "differing": {
            "columns": [[OHLCV[at] for at in np.flatnonzero(row).tolist()] for row in found.fields],
            "first": columns(found.one),
            "second": columns(found.other),
        },
        "only_first": columns(found.only_one),
        "only_second": columns(found.only_other),
        "downloads": [report.to_document() for report in comparison.reports],
    }

"""Prices that stand still although trades are said to have been made. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.analysis.quality.robust import runs_of

LEAST_BARS: Final = 5
LEAST_US: Final = 3_600_000_000
"""An hour: a vendor that repeats its last price does so until somebody looks."""

_RULE: Final = (
    "at most {limit} bars in a row trade and repeat the close before them in open, high, low, close"
)


def most_repeats(timeframe: Timeframe) -> int:
    """Return how many bars may repeat a price: an hour of them, and five at least."""
    if not timeframe.is_intraday:
        return LEAST_BARS
    return max(LEAST_BARS, LEAST_US // timeframe_us(timeframe))


def find_stale_prices(bars: Bars) -> Iterator[Finding]:
    """Yield runs of bars that repeat the close before them while volume is traded.

    Where a source gives no volume at all, the price alone counts.
    """
    if len(bars) < 2:
        return
    limit = most_repeats(bars.timeframe)
    traded = bars.volume > 0
    still = (bars.open == bars.high) & (bars.high == bars.low) & (bars.low == bars.close)
    still &= np.append(False, bars.close[1:] == bars.close[:-1])
    if traded.any():
        still &= traded
    for first, last in runs_of(still):
        if last - first > limit:
            shown = bars.take(slice(first - 1, last))
            yield Finding(Check.STALE_PRICE, _RULE.format(limit=limit), last - first, limit, shown)

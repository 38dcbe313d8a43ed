"""Prices of zero that the bar itself tells. Pure.

A bar without volume whose prices above zero are all equal repeats the last price: its zeros are
that price. A zero in a bar that traded stands for a price nobody recorded; it is fetched again, not
invented here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_data.services.repairing.patches import Patch, Rule, make_patch


def find_zero_prices(bars: Bars) -> Iterator[Patch]:
    """Yield a patch for each bar without volume whose zeros its other prices tell, oldest first."""
    prices = np.column_stack([bars.open, bars.high, bars.low, bars.close])
    known = prices > 0
    highest = prices.max(axis=1, initial=0.0)
    lowest = np.where(known, prices, np.inf).min(axis=1, initial=np.inf)
    told = known.any(axis=1) & (prices == 0).any(axis=1) & (prices >= 0).all(axis=1)
    told &= (highest == lowest) & (bars.volume == 0)
    for at in np.flatnonzero(told).tolist():
        price = float(highest[at])
        evidence = f"no volume, and every price above zero is {price:.6g}"
        new = (price, price, price, price, 0.0)
        yield make_patch(bars, at, new, Rule.ZERO_PRICE, evidence)


__all__ = ["find_zero_prices"]

"""Prices in the wrong unit: pence among pounds, cents among dollars. Pure.

A price is wrong when it lies a hundred times above or below the bars around it, and those before
and after agree. A series that changes its unit for good, also in its first or last bars, is left
alone: which side is right, bars alone do not tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64, Bars, BoolArray
from simutrador_data.services.analysis.quality.robust import runs_of
from simutrador_data.services.repairing.patches import Patch, Rule, make_patch

UNIT: Final = 100.0
CLOSENESS: Final = 1.4
"""How far from a hundredfold a price may lie, as a factor: an ordinary move comes on top."""

AROUND: Final = 10
"""Bars on either side whose median close is the level: runs of up to so many bars are seen."""
_FEWEST: Final = 5
_AGREEING: Final = 10.0


def find_hundredfold(bars: Bars) -> Iterator[Patch]:
    """Yield a patch for each bar with prices a hundred times off, oldest first."""
    if len(bars) < _FEWEST:
        return
    level = running_median(bars.close)
    prices = np.column_stack([bars.open, bars.high, bars.low, bars.close])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = prices / level[:, None]
        above = np.abs(np.log(ratio / UNIT)) < np.log(CLOSENESS)
        below = np.abs(np.log(ratio * UNIT)) < np.log(CLOSENESS)
    wrong = above | below
    wrong[_at_a_change_for_good(bars.close, wrong.all(axis=1))] = False
    mended = np.where(above, prices / UNIT, np.where(below, prices * UNIT, prices))
    for at in np.flatnonzero(wrong.any(axis=1)).tolist():
        new: tuple[float, float, float, float] = tuple(mended[at].tolist())
        factor = float(ratio[at][wrong[at]][0])
        evidence = (
            f"{factor:.4g} times the median close of {float(level[at]):.6g} of the {AROUND} bars "
            "on either side"
        )
        yield make_patch(bars, at, (*new, float(bars.volume[at])), Rule.HUNDREDFOLD, evidence)


def _at_a_change_for_good(close: F64, whole: BoolArray) -> BoolArray:
    """Return which bars, wrong in all prices, have none before and after them that agree."""
    found = np.zeros(len(close), dtype=np.bool_)
    for first, last in runs_of(whole):
        is_inside = first > 0 and last < len(close)
        if not is_inside or not 1 / _AGREEING < close[last] / close[first - 1] < _AGREEING:
            found[first:last] = True
    return found


def running_median(close: F64) -> F64:
    """Return the median of the positive closes around each bar, itself included; nan of none.

    At the ends it is of the bars there are. Of an even number it is the lower of the middle two,
    so that it always is a price that stands in the bars.
    """
    padded = np.pad(np.where(close > 0, close, np.inf), AROUND, constant_values=np.inf)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1), axis=1)
    count = np.isfinite(windows).sum(axis=1)
    middle = np.maximum(count - 1, 0) // 2
    found: F64 = windows[np.arange(len(close)), middle]
    return np.where(count >= _FEWEST, found, np.nan)


__all__ = ["find_hundredfold", "running_median"]

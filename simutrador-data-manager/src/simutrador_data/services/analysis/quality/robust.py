"""How unusual each value is, measured so that the unusual ones do not set the measure. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from simutrador_core.models.bars import F64, I64, BoolArray

# Of a normal distribution: one standard deviation is 1.4826 median and 1.2533 mean absolute
# deviations (B. Iglewicz, D. Hoaglin, How to Detect and Handle Outliers, 1993).
_BY_MEDIAN: Final = 1.4826
_BY_MEAN: Final = 1.2533


def robust_scale(values: F64) -> float:
    """Return the standard deviation that the bulk of the values shows; 0.0 where all are equal.

    It is 1.4826 times the median absolute deviation from the median. Where more than half of the
    values are equal that is zero: then 1.2533 times the mean absolute deviation.
    """
    if not len(values):
        return 0.0
    apart = np.abs(values - np.median(values))
    return float(_BY_MEDIAN * np.median(apart)) or float(_BY_MEAN * np.mean(apart))


def runs_of(marked: BoolArray) -> list[tuple[int, int]]:
    """Return `[first, last)` of each run of marked places."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    found: I64 = edges.reshape(-1, 2)
    return [(first, last) for first, last in found.tolist()]

"""Bars without volume, and bars that no trade can make. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simutrador_core.models.bars import Bars
from simutrador_data.services.analysis.quality.findings import Check, Finding, Severity
from simutrador_data.services.analysis.quality.robust import runs_of

_MOVED: Final = "a bar without volume has no range and repeats the close before it"
_QUIET: Final = "a bar has volume"
_PRICES: Final = (
    "prices are above zero, high is the highest and low the lowest of them, volume is not below "
    "zero"
)


def find_zero_volume(bars: Bars) -> Iterator[Finding]:
    """Yield runs of bars without volume: errors where the price moved, else warnings.

    A source that gives no volume at all (FX, indexes) is not judged.
    """
    empty = bars.volume == 0
    if not len(bars) or empty.all():
        return
    moved = (bars.high > bars.low) | np.append(False, bars.open[1:] != bars.close[:-1])
    for marked, rule, severity in (
        (empty & moved, _MOVED, Severity.ERROR),
        (empty & ~moved, _QUIET, Severity.WARNING),
    ):
        for first, last in runs_of(marked):
            shown = bars.take(slice(first, last))
            yield Finding(Check.ZERO_VOLUME, rule, last - first, 0, shown, severity=severity)


def find_impossible(bars: Bars) -> Iterator[Finding]:
    """Yield runs of bars whose prices or volume contradict each other."""
    sound = bars.low > 0
    sound &= (bars.high >= bars.open) & (bars.high >= bars.close) & (bars.high >= bars.low)
    sound &= (bars.low <= bars.open) & (bars.low <= bars.close) & (bars.volume >= 0)
    for first, last in runs_of(~sound):
        shown = bars.take(slice(first, last))
        yield Finding(Check.PRICES, _PRICES, last - first, 0, shown)

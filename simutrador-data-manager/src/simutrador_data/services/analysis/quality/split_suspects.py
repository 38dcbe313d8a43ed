"""Jumps by the ratio of a split that stay, with no split on record. Pure.

The same jump shows a split that was not recorded, one that was applied to part of the rows, and
prices in another unit (pence for pounds: 100).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64, I64, Bars, BoolArray
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.validation.splits import RATIOS

LEAST_RATIO: Final = 1.5
"""Smaller ratios are jumps that news can make."""
CLOSENESS: Final = 0.06
"""How far the open may lie from the ratio, as a logarithm: the price moves overnight as well."""

_RATIOS: Final = [r for r in RATIOS if r >= LEAST_RATIO or r <= 1 / LEAST_RATIO]
_LOGS: Final = np.log([float(ratio) for ratio in _RATIOS])
_RULE: Final = (
    "no open lies within {limit:.0%} of the close before it times the ratio of a split "
    "({ratio}) and stays there, unless that split is recorded"
)
_DAYS_OFF: Final = {Timeframe.WEEKLY: 7, Timeframe.MONTHLY: 31}


def find_split_suspects(bars: Bars, splits: Collection[date] = ()) -> Iterator[Finding]:
    """Yield jumps between sessions by a ratio of 3:2 or more.

    Args:
        bars: Prices above zero; intraday ones with the session of each.
        splits: Days on which a recorded split takes effect; leave them out for adjusted bars,
            which must not jump.
    """
    if len(bars) < 2 or bars.sessions is None:
        return
    jump = np.log(bars.open[1:] / bars.close[:-1])
    near = np.abs(jump[:, None] + _LOGS).argmin(axis=1)
    logs = _LOGS[near]
    found: BoolArray = np.abs(jump + logs) < CLOSENESS
    found &= bars.sessions[1:] != bars.sessions[:-1]
    found &= _stays(bars.close, logs, 0) & _stays(bars.close, logs, 1)
    found &= _was_steady(bars.close, logs)
    days = _DAYS_OFF.get(bars.timeframe, 1)
    for at in np.flatnonzero(found).tolist():
        session: date = bars.sessions[at + 1].item()
        if any(abs(session - split) <= timedelta(days=days) for split in splits):
            continue
        ratio = _RATIOS[int(near[at])]
        rule = _RULE.format(limit=CLOSENESS, ratio=f"{ratio.numerator}:{ratio.denominator}")
        shown = bars.take(slice(at, at + 3))
        yield Finding(
            Check.SPLIT_SUSPECT, rule, float(np.abs(jump[at] + logs[at])), CLOSENESS, shown
        )


def _was_steady(close: F64, logs: F64) -> BoolArray:
    """Return whether the close two bars before each jump was near that before it: no way back."""
    before = np.append(0.0, np.abs(np.diff(np.log(close))))[:-1]
    return before < np.abs(logs) / 2


def _stays(close: F64, logs: F64, later: int) -> BoolArray:
    """Return whether the close so many bars after each jump still lies nearer to the ratio."""
    at: I64 = np.minimum(np.arange(1, len(close)) + later, len(close) - 1)
    return np.abs(np.log(close[at] / close[:-1]) + logs) < np.abs(logs) / 2

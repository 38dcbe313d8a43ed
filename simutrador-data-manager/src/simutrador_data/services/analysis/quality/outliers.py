"""Prices that jump and come back: spikes of the close, and wicks far outside of the body. Pure.

A jump that stays is no outlier: news does that, or a split (`split_suspects`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simutrador_core.models.bars import D64, F64, Bars, BoolArray
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.analysis.quality.robust import robust_scale

SPIKE: Final = 20.0
"""Robust z-score of both returns; crises reach 17 in 20 years of daily bars (BAC, January 2009)."""
WICK: Final = 50.0
"""Robust z-score of a wick."""
LEAST_SPIKE: Final = {True: 0.01, False: 0.05}
LEAST_WICK: Final = {True: 0.02, False: 0.10}
"""Smaller ones are noise of a quiet market, as a fraction; of intraday bars, and of longer."""

_SPIKE_RULE: Final = (
    "a return that the next bar takes back is below {limit:g} robust standard deviations "
    "(1.4826 x median absolute deviation of returns) or {least:.0%}"
)
_WICK_RULE: Final = (
    "high and low lie within {limit:g} robust standard deviations of the usual distance from open "
    "and close, or within {least:.0%}"
)


def find_outliers(bars: Bars) -> Iterator[Finding]:
    """Yield spikes and wicks.

    Args:
        bars: Prices above zero; intraday ones with the session of each, because the night between
            two sessions is no return of a bar.
    """
    if len(bars) < 3:
        return
    is_intraday = bars.timeframe.is_intraday
    yield from _spikes(bars, LEAST_SPIKE[is_intraday])
    yield from _wicks(bars, LEAST_WICK[is_intraday])


def _spikes(bars: Bars, least: float) -> Iterator[Finding]:
    returns = np.diff(np.log(bars.close))
    within = _within_sessions(bars.sessions, bars.timeframe, len(returns))
    scale = robust_scale(returns[within])
    if not scale:
        return
    out, back = returns[:-1], returns[1:]
    size = np.minimum(np.abs(out), np.abs(back))
    found = (size > SPIKE * scale) & (size > least) & (out * back < 0)
    found &= (np.abs(out + back) < size / 2) & within[:-1] & within[1:]
    for at in np.flatnonzero(found).tolist():
        rule = _SPIKE_RULE.format(limit=SPIKE, least=least)
        shown = bars.take(slice(at, at + 3))
        yield Finding(Check.OUTLIER, rule, float(size[at] / scale), SPIKE, shown)


def _wicks(bars: Bars, least: float) -> Iterator[Finding]:
    above = np.log(bars.high / np.maximum(bars.open, bars.close))
    below = np.log(np.minimum(bars.open, bars.close) / bars.low)
    wick: F64 = np.maximum(above, below)
    scale = robust_scale(wick)
    if not scale:
        return
    score = (wick - np.median(wick)) / scale
    for at in np.flatnonzero((score > WICK) & (wick > least)).tolist():
        rule = _WICK_RULE.format(limit=WICK, least=least)
        shown = bars.take(slice(at, at + 1))
        yield Finding(Check.OUTLIER, rule, float(score[at]), WICK, shown)


def _within_sessions(sessions: D64 | None, timeframe: Timeframe, count: int) -> BoolArray:
    if sessions is None or not timeframe.is_intraday:
        return np.ones(count, dtype=np.bool_)
    return sessions[1:] == sessions[:-1]

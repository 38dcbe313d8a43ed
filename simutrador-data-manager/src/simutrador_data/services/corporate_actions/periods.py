"""Weekly and monthly bars over a change of terms: made anew from adjusted daily bars. Pure.

Such a raw bar mixes prices of both terms (open before a split, close after it): no factor mends it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simutrador_core.models.bars import D64, F64, I64, OHLCV, Bars, BoolArray
from simutrador_data.services.validation.expected import period_of


def mixed_bars(bars: Bars, edges: D64, *, first_weekday: int) -> I64:
    """Return which weekly or monthly bars hold a change of terms after their first session.

    Args:
        bars: Weekly or monthly bars, each with the first session of its period.
        edges: Sessions from which on other terms hold.
        first_weekday: Where weeks start.
    """
    labels = bars.sessions
    if labels is None or not len(labels) or not len(edges):
        return np.empty(0, dtype=np.int64)
    at = np.searchsorted(labels, edges, side="left") - 1  # the last bar that begins before it
    mine = period_of(labels, bars.timeframe, first_weekday=first_weekday)
    theirs = period_of(edges, bars.timeframe, first_weekday=first_weekday)
    inside = (at >= 0) & (mine[np.maximum(at, 0)] == theirs)
    return np.unique(at[inside])


def remade(bars: Bars, at: I64, daily: Bars, *, first_weekday: int) -> tuple[Bars, BoolArray]:
    """Return the bars with those at `at` made of daily bars, and which of them were.

    Args:
        bars: Weekly or monthly bars.
        at: Which of them to make anew.
        daily: Daily bars of the same symbol and adjustment that reach over their periods.
        first_weekday: Where weeks start.
    """
    assert bars.sessions is not None
    assert daily.sessions is not None
    days = period_of(daily.sessions, bars.timeframe, first_weekday=first_weekday)
    wanted = period_of(bars.sessions[at], bars.timeframe, first_weekday=first_weekday)
    columns: dict[str, F64] = {name: getattr(bars, name).copy() for name in OHLCV}
    done = np.zeros(len(at), dtype=np.bool_)
    for number, (row, period) in enumerate(zip(at.tolist(), wanted.tolist(), strict=True)):
        first, last = np.searchsorted(days, [period, period + 1]).tolist()
        if first == last:
            continue
        part = daily.take(slice(first, last))
        columns["open"][row] = part.open[0]
        columns["high"][row] = part.high.max()
        columns["low"][row] = part.low.min()
        columns["close"][row] = part.close[-1]
        columns["volume"][row] = part.volume.sum()
        done[number] = True
    return replace(bars, **columns), done


__all__ = ["mixed_bars", "remade"]

"""Fewer bars than there are, for a chart: each point holds several bars, none of them lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simutrador_core.models.bars import I64, Bars, BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Bars joined into at most so many points.

    Attributes:
        bars: One row a point: the first bar's open, instant and session, the highest high, the
            lowest low, the last close, the sum of volumes; synthetic where any bar is.
        ends: int64 (n,), microseconds UTC, the instant the last bar of each point opens.
        bars_per_point: How many bars each point holds; the first point may hold fewer.
        total: How many bars there were.
    """

    bars: Bars
    ends: I64
    bars_per_point: int
    total: int


def to_points(bars: Bars, *, most: int) -> Points:
    """Return bars joined, by equal counts, into at most `most` points.

    Counting starts at the newest bar, so that the last point is whole and a chart that grows on the
    right keeps its points. Every high and low of the bars is the high or low of a point.

    Args:
        bars: Any bars; none give none.
        most: At least 1.
    """
    total = len(bars)
    each = max(1, -(-total // most))
    if each == 1:
        return Points(bars, bars.opened_at, 1, total)
    starts = np.arange(total % each or each, total, each, dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), starts])
    lasts = np.append(starts[1:], total) - 1
    joined = Bars(
        bars.symbol,
        bars.timeframe,
        bars.adjustment,
        bars.opened_at[starts],
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[lasts],
        volume=np.add.reduceat(bars.volume, starts),
        sessions=None if bars.sessions is None else bars.sessions[starts],
        synthetic=_any(bars.synthetic, starts),
    )
    return Points(joined, bars.opened_at[lasts], each, total)


def _any(marks: BoolArray | None, starts: I64) -> BoolArray | None:
    return None if marks is None else np.logical_or.reduceat(marks, starts)

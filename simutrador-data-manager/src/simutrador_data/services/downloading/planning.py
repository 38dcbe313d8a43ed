"""Which ranges a provider must be asked for: what is missing, and what it may add. Pure rules.

A bar is asked for when no final answer covers it, or when others that were asked did not have it
and this provider was not asked yet. An answer is final for a session once it was given `SETTLING`
after the close; until then the session is asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import I64, BoolArray, to_us
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.validation.expected import ExpectedBars, TradingTime, trading_time
from simutrador_data.services.validation.spans import Spans, widened


def settled_spans(coverage: Sequence[Coverage], hours: TradingHours) -> Spans:
    """Return the ranges for which these answers are final, int64 us UTC."""
    starts = [to_us(one.start) for one in coverage]
    ends = [min(to_us(one.end), hours.final_until(to_us(one.asked_at))) for one in coverage]
    spans = Spans.of(np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))
    return joined_over_closed(spans, trading_time(hours.schedule))


def joined_over_closed(spans: Spans, time: TradingTime) -> Spans:
    """Return ranges that also join where only closed hours lie between them."""
    return Spans.of(*widened(spans.starts, spans.ends, time))


def missing_bars(due: ExpectedBars, *, present: BoolArray, own: Spans, others: Spans) -> BoolArray:
    """Return which of the bars that are due a provider must be asked for.

    Args:
        due: The bars a calendar expects, shape (n,).
        present: Whether each is stored, shape (n,).
        own: What this provider gave a final answer for.
        others: What any source gave a final answer for.
    """
    answered = own.contain(due.opens, due.ends)
    answered |= others.contain(due.opens, due.ends) & present
    return ~answered


def to_asks(
    due: ExpectedBars,
    missing: BoolArray,
    *,
    hours: TradingHours,
    start: int,
    end: int,
    rows_per_request: int,
) -> Spans:
    """Return the ranges to ask for, within `[start, end)`.

    Each reaches over the closed hours next to it, so that bars before and after the session come
    along. Ranges that one request can answer together are joined.

    Args:
        due: The bars a calendar expects, ascending.
        missing: Which of them are asked for.
        hours: When the exchange trades.
        start: No range begins earlier.
        end: No range ends later.
        rows_per_request: Bars that one answer can hold.
    """
    at = np.flatnonzero(missing)
    if not len(at):
        return Spans.of(at, at)
    first, last = _groups(at, rows_per_request)
    starts, ends = widened(due.opens[first], due.ends[last], trading_time(hours.schedule))
    return Spans.of(starts, ends).clipped(start, end)


def _groups(at: I64, most: int) -> tuple[I64, I64]:
    """Return the first and last index of each run; runs join while they span at most `most`."""
    breaks = np.flatnonzero(np.diff(at) > 1) + 1
    firsts = at[np.append(0, breaks)].tolist()
    lasts = at[np.append(breaks - 1, len(at) - 1)].tolist()
    made: list[tuple[int, int]] = []
    for first, last in zip(firsts, lasts, strict=True):
        if made and last - made[-1][0] < most:
            made[-1] = (made[-1][0], last)
        else:
            made.append((first, last))
    pairs = np.array(made, dtype=np.int64)
    return pairs[:, 0], pairs[:, 1]


def split_by_history(asks: Spans, oldest: datetime | None) -> tuple[Spans, Spans]:
    """Return what a provider can still give, and what lies before the oldest it keeps."""
    if oldest is None or not len(asks):
        return asks, Spans.range(0, 0)
    cut, first = to_us(oldest), min(to_us(oldest), int(asks.starts[0]))
    return asks.clipped(cut, max(cut, int(asks.ends[-1]))), asks.clipped(first, cut)

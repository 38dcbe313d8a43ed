"""One page of a series, read without the rest of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, from_us, to_us
from simutrador_data.services.serving.reading import count_rows, explained, pinned

FEW_ROWS: Final = 16_384
"""So many bars are read rather than counted: looking closer would take longer."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a series.

    Attributes:
        bars: The bars of the page, oldest first.
        total: How many bars the whole range has.
    """

    bars: Bars
    total: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """An instant, microseconds UTC, and how many bars of the range open before it."""

    at: int
    before: int


def read_page(
    store: BarStore, query: BarQuery, *, page: int, page_size: int, newest_first: bool
) -> Page:
    """Return one page of a query; pages count from 1, from the newest or the oldest bar.

    Bars are counted by what the store knows of its segments, so that no more than the page and
    some thousand bars around it are read, however long the range is.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
    """
    (query,) = pinned(store, [query])
    with explained(store, [query]):
        store.read(replace(query, end=query.start))  # an unknown series ends here
        segments = store.segments(query)
        total = sum(segment.rows for segment in segments)
        skipped = (page - 1) * page_size
        last = max(0, total - skipped) if newest_first else min(total, skipped + page_size)
        first = max(0, last - page_size) if newest_first else min(total, skipped)
        if first >= last:
            return Page(store.read(replace(query, end=query.start)), total)
        query = replace(query, start=segments[0].start, end=segments[-1].end)
        return Page(_rows(store, query, first, last, total=total), total)


def _rows(store: BarStore, query: BarQuery, first: int, last: int, *, total: int) -> Bars:
    low, high = _Mark(to_us(query.start), 0), _Mark(to_us(query.end), total)
    below, _ = _around(store, query, first, low, high)
    _, above = _around(store, query, last, below, high)
    found = store.read(replace(query, start=from_us(below.at), end=from_us(above.at)))
    return found.take(slice(first - below.before, last - below.before))


def _around(
    store: BarStore, query: BarQuery, row: int, low: _Mark, high: _Mark
) -> tuple[_Mark, _Mark]:
    """Return marks at or before and at or after a row, few bars apart."""
    while high.before - low.before > FEW_ROWS and high.at - low.at > 1:
        at = (low.at + high.at) // 2
        rows = count_rows(store, replace(query, start=from_us(low.at), end=from_us(at)))
        middle = _Mark(at, low.before + rows)
        if middle.before <= row:
            low = middle
        else:
            high = middle
    return low, high

"""Reads for people and programs: whole pages, consistent exports, and errors that say what exists.

Everything here is synchronous; the REST routes call it through a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarSource, BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.ranges import Range, resolve

ROWS_PER_PART: Final = 65_536


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a series.

    Attributes:
        bars: The bars of the page, oldest first.
        total: How many bars the whole range has.
    """

    bars: Bars
    total: int


def calendar_of(symbol: str, registry: AssetRegistry) -> Calendar:
    """Return the calendar a symbol trades by.

    Raises:
        CalendarError: the registry names a calendar that is unknown.
    """
    # Exchange calendars pull in pandas: a second that a start without dates need not spend.
    from simutrador_core.sessions.exchange import get_calendar

    return get_calendar(registry.get(symbol).calendar)


def to_query(key: SeriesKey, wanted: Range, *, registry: AssetRegistry) -> BarQuery:
    """Return the query for a range as written; dates are trading days of the symbol's exchange."""
    start, end = resolve(wanted, lambda: calendar_of(key.symbol, registry))
    return BarQuery(key.symbol, key.timeframe, start, end, key.adjustment)


def read_bars(store: BarSource, query: BarQuery) -> Bars:
    """Return the bars of a query, oldest first.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
    """
    try:
        return store.read(query)
    except UnknownSymbolError as e:
        raise explain_unknown(store, query.series) from e


def read_page(
    store: BarSource, query: BarQuery, *, page: int, page_size: int, newest_first: bool
) -> Page:
    """Return one page of a query; pages count from 1, from the newest or the oldest bar.

    Raises:
        UnknownSymbolError: no such series; the text says what is stored instead.
    """
    bars = read_bars(store, query)
    skipped = (page - 1) * page_size
    if newest_first:
        last = max(0, len(bars) - skipped)
        cut = slice(max(0, last - page_size), last)
    else:
        cut = slice(skipped, skipped + page_size)
    return Page(bars.take(cut), len(bars))


def pinned(store: BarStore, queries: Sequence[BarQuery]) -> list[BarQuery]:
    """Return the queries fixed to a version that holds the latest commit of each.

    Rows read part by part are then of one version, whatever is committed meanwhile.

    Raises:
        UnknownSymbolError: a series is not stored; the text says what is.
    """
    latest = 0
    for query in queries:
        read_bars(store, replace(query, end=query.start))  # an unknown series ends here
        (commit,) = store.history(query.symbol, query.timeframe, newest=1)
        latest = max(latest, commit.id)
    return [replace(query, as_of=latest) for query in queries]


def to_answer(store: BarSource, queries: Sequence[BarQuery]) -> Answer:
    """Return the head of an answer to queries of one timeframe and adjustment."""
    first = queries[0]
    return Answer(
        symbols=tuple(query.symbol for query in queries),
        timeframe=first.timeframe,
        adjustment=first.adjustment,
        dataset_id=store.dataset_id(queries),
    )


def stream_parts(store: BarStore, queries: Sequence[BarQuery]) -> Iterator[Bars]:
    """Yield the bars of each query in turn, in parts of bounded size; an empty part for no bars.

    What fits into one part is read whole, which is far quicker than opening a stream.
    """
    for query in queries:
        if sum(segment.rows for segment in store.segments(query)) <= ROWS_PER_PART:
            yield store.read(query)
        else:
            yield from store.stream(query, rows=ROWS_PER_PART)


def explain_unknown(store: BarSource, key: SeriesKey) -> UnknownSymbolError:
    """Return the error for a series that is not stored, naming what is."""
    held = [info.series for info in store.symbols()]
    same = [series for series in held if series.symbol == key.symbol]
    if same:
        wanted = f"{key.timeframe} {key.adjustment}"
        stored = ", ".join(_short(series) for series in same)
        return UnknownSymbolError(key.symbol, hint=f"as {wanted}; stored are {stored}")
    names = sorted({series.symbol for series in held})
    near = get_close_matches(key.symbol, names, n=1)
    if near:
        return UnknownSymbolError(key.symbol, hint=f"did you mean {near[0]}?")
    return UnknownSymbolError(key.symbol)


def _short(series: SeriesKey) -> str:
    if series.adjustment is Adjustment.RAW:
        return str(series.timeframe)
    return f"{series.timeframe} {series.adjustment}"

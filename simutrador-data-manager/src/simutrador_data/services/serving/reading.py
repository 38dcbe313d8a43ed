"""Reads for people and programs: whole pages, consistent exports, and errors that say what exists.

Everything here is synchronous; the REST routes call it through a thread.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, NamedTuple

from simutrador_core import dataset
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarSource, BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.dataset_ids import DatasetIds
from simutrador_data.services.serving.ranges import Range, resolve
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.whole_reads import Whole

ROWS_PER_PART: Final = 65_536


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
    with explained(store, [query]):
        return store.read(query)


def pinned(store: BarStore, queries: Sequence[BarQuery]) -> list[BarQuery]:
    """Return the queries fixed to a version that holds the latest commit of each.

    Rows read part by part are then of one version, whatever is committed meanwhile.

    Raises:
        UnknownSymbolError: nothing is stored of a symbol and timeframe; the text says what is.
    """
    latest = 0
    for query in queries:
        commits = store.history(query.symbol, query.timeframe, newest=1)
        if not commits:
            raise explain_unknown(store, query.series)
        latest = max(latest, commits[-1].id)
    return [replace(query, as_of=latest) for query in queries]


def to_answer(
    store: BarSource, queries: Sequence[BarQuery], *, ids: DatasetIds | None = None
) -> Answer:
    """Return the head of an answer to pinned queries of one timeframe and adjustment.

    Args:
        store: Where the bars are.
        queries: What is asked, all of one version.
        ids: What is remembered of the store; None remembers nothing.

    Raises:
        UnknownSymbolError: a series is not stored; the text says what is.
        InvalidRangeError: there is no such version yet.
    """
    with explained(store, queries):
        dataset_id = (ids or DatasetIds()).of(store, queries)
    return _head(queries, dataset_id)


def _head(queries: Sequence[BarQuery], dataset_id: str) -> Answer:
    first = queries[0]
    return Answer(
        symbols=tuple(query.symbol for query in queries),
        timeframe=first.timeframe,
        adjustment=first.adjustment,
        dataset_id=dataset_id,
        as_of=first.as_of or 0,
    )


class Small(NamedTuple):
    """A whole answer of few bars: its head, the newest commit that gave one, and the bars."""

    head: Answer
    commit: int
    bars: list[Bars]


def read_small(
    store: BarStore, queries: Sequence[BarQuery], *, ids: DatasetIds, most_rows: int
) -> Small | None:
    """Return a whole answer to pinned queries of raw bars where the store gives it in one look.

    None is returned for more than `most_rows` bars, for other stores, and while a month in it was
    never hashed: ask `to_answer`, `extent_of` and `stream_parts` then.

    Raises:
        UnknownSymbolError: a series is not stored; the text says what is.
        InvalidRangeError: there is no such version yet.
    """
    if not isinstance(store, LocalBars) or queries[0].adjustment is not Adjustment.RAW:
        return None
    dataset_id = ids.known(queries)
    wholes: list[Whole] = []
    with explained(store, queries):
        for query in queries:
            left = most_rows - sum(len(whole.bars) for whole in wholes)
            whole = store.read_whole(query, most_rows=left, hashed=dataset_id is None)
            if whole is None:
                return None
            wholes.append(whole)
    if dataset_id is None:
        dataset_id = dataset.combine([line for whole in wholes for line in whole.lines or ()])
        ids.keep(queries, dataset_id)
    newest = max(whole.commit for whole in wholes)
    return Small(_head(queries, dataset_id), newest, [whole.bars for whole in wholes])


class Extent(NamedTuple):
    """How many bars a query reads, and the newest commit that gave one of them (0: none did).

    A `dataset_id` is of prices and times. Where only sessions or marks were restated it stays the
    same, and this commit does not.
    """

    rows: int
    commit: int


def extent_of(store: BarStore, query: BarQuery) -> Extent:
    """Return what a query reads, from what the store knows of its segments."""
    found = store.segments(query)
    newest = max((segment.commit for segment in found), default=0)
    return Extent(sum(segment.rows for segment in found), newest)


def count_rows(store: BarStore, query: BarQuery) -> int:
    """Return how many bars a query reads."""
    return extent_of(store, query).rows


def stream_parts(
    store: BarStore, queries: Sequence[BarQuery], *, extents: Sequence[Extent] | None = None
) -> Iterator[Bars]:
    """Yield the bars of each query in turn, in parts of bounded size; an empty part for no bars.

    What fits into one part is read whole, which is far quicker than opening a stream.

    Args:
        store: Where the bars are.
        queries: What is asked, of a fixed version.
        extents: How many bars each reads, where that is known.
    """
    for at, query in enumerate(queries):
        rows = count_rows(store, query) if extents is None else extents[at].rows
        if rows <= ROWS_PER_PART:
            yield store.read(query)
        else:
            yield from store.stream(query, rows=ROWS_PER_PART)


@contextmanager
def explained(store: BarSource, queries: Sequence[BarQuery]) -> Generator[None]:
    """Let an error for a series that is not stored say what is stored instead.

    Raises:
        UnknownSymbolError: as it came, with the hint.
    """
    try:
        yield
    except UnknownSymbolError as e:
        asked = next((query.series for query in queries if query.symbol == e.symbol), None)
        if asked is None:
            raise
        raise explain_unknown(store, asked) from e


def explain_unknown(store: BarSource, key: SeriesKey) -> UnknownSymbolError:
    """Return the error for a series that is not stored, naming what is."""
    held = [info.series for info in store.symbols()]
    same = [series for series in held if series.symbol == key.symbol]
    if key in same:
        return UnknownSymbolError(key.symbol, hint=f"as {_short(key)} in the version asked for")
    if same:
        wanted = f"{key.timeframe} {key.adjustment}"
        stored = ", ".join(_short(series) for series in same)
        hint = f"as {wanted}; stored are {stored}"
        if replace(key, adjustment=Adjustment.RAW) in same:
            hint += (
                f"; record the corporate actions of {key.symbol} to adjust the raw bars "
                "(simutrador-data actions import FILE, or actions fetch)"
            )
        return UnknownSymbolError(key.symbol, hint=hint)
    names = sorted({series.symbol for series in held})
    near = get_close_matches(key.symbol, names, n=1)
    if near:
        return UnknownSymbolError(key.symbol, hint=f"did you mean {near[0]}?")
    return UnknownSymbolError(key.symbol)


def _short(series: SeriesKey) -> str:
    if series.adjustment is Adjustment.RAW:
        return str(series.timeframe)
    return f"{series.timeframe} {series.adjustment}"

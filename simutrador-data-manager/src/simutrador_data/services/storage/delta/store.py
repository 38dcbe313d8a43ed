"""`DeltaStore`: the bar store as a Delta Lake table, on a local path or in an object store.

The store's folder holds the table `bars`: one row a bar, plain columns, partitioned by symbol,
timeframe and adjustment, so that Spark, Polars, DuckDB or Trino read it directly. Every commit of
the store is (part of) one Delta commit, whose metadata carries provenance and coverage: rows and
what is said about them change in one atomic step. docs/delta.md describes it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from simutrador_core import dataset
from simutrador_core.errors import InvalidRangeError, StoreError
from simutrador_core.interfaces.storage import (
    Change,
    Commit,
    Coverage,
    Report,
    Segment,
    SeriesInfo,
    check_as_stored,
)
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_data.services.storage.delta import reading, writing
from simutrador_data.services.storage.delta.events import Edges
from simutrador_data.services.storage.delta.files import files_of
from simutrador_data.services.storage.delta.index import FileRef, overlapping
from simutrador_data.services.storage.delta.ledger import Ledger
from simutrador_data.services.storage.delta.log import PARTITION, Columns, Log
from simutrador_data.services.storage.delta.place import place_of
from simutrador_data.services.storage.delta.state import Snapshot, State
from simutrador_data.services.storage.delta.upkeep import maintain
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.local_bars import utc_now
from simutrador_data.services.storage.table import to_bars

BARS: Final = Columns(
    "simutrador-bars-1",
    (
        *((name, "string") for name in PARTITION),
        ("opened_at", "timestamp"),
        ("session", "date"),
        *((name, "double") for name in ("open", "high", "low", "close", "volume")),
        ("synthetic", "boolean"),
        ("source", "string"),
        ("change_id", "long"),
    ),
    PARTITION,
)
_EPOCH_DAY: Final = date(1970, 1, 1)
_KNOWN_LINES: Final = 4_096


class DeltaStore:
    """Bars in a Delta Lake table; satisfies `BarStore`.

    Any number of threads, processes and machines may use one table at once: a writer that is
    overtaken looks again and goes on, and writers of different series never wait for each other's
    data. Not to be used in a process that was forked from one that used it: spawn instead.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        create: bool = True,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Open a store, making it when there is none.

        Args:
            url: A folder, or an object store's URL (`s3://bucket/folder`), without credentials.
            storage_options: What opens the object store (`AWS_ENDPOINT_URL`, ...); what is not
                given comes from the environment.
            create: Whether to make a store where there is none.
            clock: Gives the instant of a commit, aware UTC. Versions are ordered by id, not by it.

        Raises:
            MissingExtraError: deltalake is not installed (extra `delta`).
            InputError: the URL carries credentials, or unsafe renames are asked for.
            StoreError: the place cannot be reached, or holds no store and none shall be made.
            StoreFormatError: another table lies there, or one of a newer release.
        """
        self._place = place_of(url, storage_options)
        table = self._place.child("bars")
        log = Log(table, BARS, files_of(table, FileOps()), create=create)
        self._state: State | None = State(log, Ledger())
        self._state.catch_up()
        self._clock = clock
        self._writing = threading.Lock()
        self._lines: OrderedDict[tuple[SeriesKey, int, int, int], list[str]] = OrderedDict()

    @property
    def url(self) -> str:
        """Where the store lies."""
        return self._place.url

    def close(self) -> None:
        """Let go of the table; bars read before stay valid."""
        self._state = None

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def read(self, query: BarQuery, /) -> Bars:
        """Return the bars that open in the query's range, oldest first; see `BarSource.read`.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet.
            CorruptDataError: a file with some of them is gone or damaged.
        """
        check_as_stored(query)
        state = self._opened()
        snapshot = state.snapshot(query.series, query.as_of)
        return self._read(snapshot, query.series, to_us(query.start), to_us(query.end))

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        """Return an iterator over the same bars in parts of at most `rows`, of one version.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet, or `rows` is below 1.
        """
        if rows < 1:
            raise InvalidRangeError(f"rows {rows} is below the limit of 1", field="rows")
        check_as_stored(query)
        state = self._opened()
        snapshot = state.snapshot(query.series, query.as_of)
        start, end = to_us(query.start), to_us(query.end)
        tables = reading.stream_tables(state, snapshot, start_us=start, end_us=end, rows=rows)
        return (to_bars(table, query.series) for table in tables)

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every stored series (of a timeframe), sorted by symbol."""
        state = self._opened()
        with state.lock:
            state.refresh()
            ledger = state.ledger
            entries = [(key, ledger.newest(key)) for key in ledger.series(timeframe)]
        return [
            _info(key, entry.touched.rows, entry.touched.edges) for key, entry in entries if entry
        ]

    def latest_commit(self) -> int:
        """Return the id of the newest commit, 0 before the first."""
        state = self._opened()
        with state.lock:
            state.refresh()
            return state.ledger.latest

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; see `simutrador_core.dataset`.

        Queries without a version read the one that is newest now, all of them.

        Raises:
            UnknownSymbolError: a series is not stored.
            InvalidBarsError: two queries read rows of one series and month.
        """
        latest = self.latest_commit()
        pinned = [q if q.as_of is not None else replace(q, as_of=latest) for q in queries]
        return dataset.combine([line for query in pinned for line in self._lines_of(query)])

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        """Write a change atomically and durably; see `BarStore.commit`.

        Raises:
            ConflictError: a later commit than `base` touched one of the series, `FAIL` met a
                different row, or others changed the same series again and again.
            InvalidBarsError: a page is incomplete, holds NaN or infinity, or contradicts another.
            InvalidSymbolError: a symbol is empty or no text.
            StoreError: the table cannot be written; committing again is safe.
        """
        (done,) = self._write([writing.wish(change, base=base)])
        return done

    def commit_many(self, changes: Iterable[Change]) -> list[Commit]:
        """Write changes in order, in as few Delta commits as can be; return what each did.

        Changes of different series share a Delta commit, which is atomic; one that touches a series
        again begins the next. After an error what stood before it may be written.

        Raises:
            ConflictError: `FAIL` met a different row, or others changed the same series again and
                again.
            InvalidBarsError: a page is incomplete, holds NaN or infinity, or contradicts another.
        """
        return self._write(writing.wish(change) for change in changes)

    def history(
        self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
    ) -> list[Commit]:
        """Return the commits that touched a symbol and timeframe, oldest first; see `BarStore`."""
        state = self._opened()
        with state.lock:
            state.refresh()
            return state.ledger.history(symbol, timeframe, newest=newest)

    def segments(self, query: BarQuery) -> list[Segment]:
        """Return where the rows of a read came from, in time order; see `BarStore.segments`.

        Raises:
            InvalidRangeError: there is no such version yet.
            CorruptDataError: a file with some of them is gone or damaged.
        """
        state = self._opened()
        with state.lock:
            state.refresh()
            state.ledger.check(query.as_of)
            if state.ledger.newest(query.series) is None:
                return []
            snapshot = state.snapshot(query.series, query.as_of)
        start, end = to_us(query.start), to_us(query.end)
        table = reading.read_table(state, snapshot, start_us=start, end_us=end, changes=True)
        return reading.segments_of(table, state.ledger)

    def coverage(self, query: BarQuery) -> list[Coverage]:
        """Return the whole ranges asked of sources that overlap the query's, in time order.

        Raises:
            InvalidRangeError: there is no such version yet.
        """
        state = self._opened()
        with state.lock:
            state.refresh()
            start, end = to_us(query.start), to_us(query.end)
            return state.ledger.coverage(
                query.series, start_us=start, end_us=end, as_of=query.as_of
            )

    def maintain(self, task: Maintenance) -> Report:
        """Compact, verify or vacuum; readers and writers may go on meanwhile.

        Every version stays readable: vacuum deletes only files that none of them names.
        """
        return maintain(self._opened(), task, now=self._clock())

    def _opened(self) -> State:
        if self._state is None:
            raise StoreError(f"the store at {self._place.url} is closed; open it again")
        return self._state

    def _write(self, wishes: Iterable[writing.Wish]) -> list[Commit]:
        state = self._opened()
        done: list[Commit] = []
        with self._writing:
            for group in writing.groups(wishes):
                done.extend(writing.write(state, group, self._clock))
        return done

    def _read(self, snapshot: Snapshot, key: SeriesKey, start_us: int, end_us: int) -> Bars:
        table = reading.read_table(self._opened(), snapshot, start_us=start_us, end_us=end_us)
        return to_bars(table, key)

    def _lines_of(self, query: BarQuery) -> list[str]:
        check_as_stored(query)
        key = query.series
        snapshot = self._opened().snapshot(key, query.as_of)
        start, end = to_us(query.start), to_us(query.end)
        known = (key, snapshot.entry.commit, start, end)
        lines = self._lines.get(known)
        if lines is None:
            lines = [
                line
                for first, last in _years(snapshot.files, start, end)
                for line in dataset.month_lines(self._read(snapshot, key, first, last))
            ]
            self._lines[known] = lines
            while len(self._lines) > _KNOWN_LINES:
                self._lines.popitem(last=False)
        return lines


def _years(files: Iterable[FileRef], start_us: int, end_us: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range by UTC year, as far as files reach: memory for one is enough."""
    refs = overlapping(files, start_us, end_us)
    if not refs:
        return
    first = max(start_us, min(ref.first_us for ref in refs))
    last = min(end_us, max(ref.last_us for ref in refs) + 1)
    years = range(from_us(first).year + 1, from_us(last).year + 1)
    edges = [to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in years]
    yield from pairwise(sorted({first, *edges, last}))


def _info(key: SeriesKey, rows: int, edges: Edges | None) -> SeriesInfo:
    if edges is None:
        return SeriesInfo(key, None, None, rows)
    return SeriesInfo(
        key,
        from_us(edges.first_us),
        from_us(edges.last_us),
        rows,
        _day(edges.first_session),
        _day(edges.last_session),
    )


def _day(number: int | None) -> date | None:
    return None if number is None else _EPOCH_DAY + timedelta(days=number)


__all__ = ["DeltaStore", "BARS"]

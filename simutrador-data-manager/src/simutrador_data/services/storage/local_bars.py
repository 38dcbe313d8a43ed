"""`LocalBars`: read a bar store on this machine without ever writing to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from simutrador_core import dataset
from simutrador_core.errors import InvalidRangeError
from simutrador_core.interfaces.storage import (
    Commit,
    Coverage,
    Segment,
    SeriesInfo,
    check_as_stored,
)
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.storage import answers, digests, provenance, reading, record
from simutrador_data.services.storage.backup import BackupReport, back_up
from simutrador_data.services.storage.catalogue import Catalogue, open_read_only
from simutrador_data.services.storage.commits import Commits
from simutrador_data.services.storage.contents import MIRRORS, SCRATCH, Contents
from simutrador_data.services.storage.differences import (
    Difference,
    Plan,
    SpansBetween,
    differences,
    gone_spans,
    new_spans,
)
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.latest import LatestBars
from simutrador_data.services.storage.mirrors import Mirrors
from simutrador_data.services.storage.retention import check_kept
from simutrador_data.services.storage.segment_list import (
    SeriesRow,
    find_series,
    latest_commit,
    list_series,
    slices,
)
from simutrador_data.services.storage.status import StoreStatus, status_of
from simutrador_data.services.storage.table import to_bars
from simutrador_data.services.storage.watching import Watch, nobody
from simutrador_data.services.storage.whole_reads import Whole, read_whole

_EPOCH_DAY = date(1970, 1, 1)


class LocalBars:
    """The bars of a store on this machine; satisfies `BarSource`.

    Threads and processes may read and write the same store meanwhile: each read sees one committed
    version. A store gives back the series it was given and adjusts none.
    """

    def __init__(self, root: Path, *, ops: FileOps | None = None) -> None:
        """Open an existing store.

        Raises:
            StoreError: the folder holds no store.
            StoreFormatError: a newer release wrote it.
        """
        ops = ops or FileOps()
        self._open(Path(root), open_read_only(Path(root), ops), ops, mirror_limit_bytes=0)

    def _open(
        self, root: Path, catalogue: Catalogue, ops: FileOps, *, mirror_limit_bytes: int
    ) -> None:
        self.root = root
        self._catalogue = catalogue
        self._ops = ops
        self._mirrors = Mirrors(
            root / MIRRORS, ops, scratch=root / SCRATCH, limit_bytes=mirror_limit_bytes
        )
        self._contents = Contents(root, catalogue, ops, self._mirrors)
        self._latest = LatestBars()
        self._commits = Commits()

    def close(self) -> None:
        """Let go of every file; bars read before stay valid."""
        self._mirrors.forget()
        self._catalogue.close()

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
            CorruptDataError: a file with some of them does not match its checksum.
        """
        return self.read_many([query])[0]

    def read_many(self, queries: Sequence[BarQuery]) -> list[Bars]:
        """Return what `read` gives for each query, all of one version: the newest, or `as_of`.

        Raises:
            UnknownSymbolError: a series is not stored at that version.
            InvalidRangeError: there is no such version yet.
            CorruptDataError: a file with some of them does not match its checksum.
        """
        for query in queries:
            check_as_stored(query)

        def attempt() -> list[Bars]:
            with self._catalogue.read() as connection:
                return [
                    reading.read_bars(
                        connection,
                        self._contents,
                        query.series,
                        start_us=to_us(query.start),
                        end_us=to_us(query.end),
                        version=query.as_of,
                    )
                    for query in queries
                ]

        return reading.with_fresh_snapshots(attempt)

    def read_whole(self, query: BarQuery, *, most_rows: int, hashed: bool) -> Whole | None:
        """Return a read of few bars with what is known of them; None where that takes other ways.

        Args:
            query: What to read.
            most_rows: None is returned for more.
            hashed: Whether the lines of `dataset_id` are asked for, which costs a pass over the
                rows; None is returned while the digest of one of its months is not known.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet.
            CorruptDataError: a file with some of them does not match its checksum.
        """

        def attempt() -> Whole | None:
            with self._catalogue.read() as connection:
                return read_whole(
                    connection, self._contents, query, most_rows=most_rows, hashed=hashed
                )

        return reading.with_fresh_snapshots(attempt)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        """Return an iterator over the same bars in parts of at most `rows`.

        It reads the version that is newest now, whatever is committed, compacted or vacuumed
        before it ends, and holds no more than a few parts in memory.

        Raises:
            UnknownSymbolError: no such series is stored at that version.
            InvalidRangeError: there is no such version yet.
        """
        if rows < 1:
            raise InvalidRangeError(f"rows {rows} is below the limit of 1", field="rows")
        check_as_stored(query)
        version = self._version(query.as_of)
        with self._catalogue.read() as connection:
            series = reading.known_series(connection, query.series, version=version)
        start, end = to_us(query.start), to_us(query.end)

        def plan(from_us_on: int) -> list[reading.Span]:
            with self._catalogue.read() as connection:
                row = find_series(connection, series.key) or series
                check_kept(connection, row, version)
                found = slices(connection, row, start_us=from_us_on, end_us=end, version=version)
                return reading.spans_of(found)

        tables = reading.stream_tables(plan, self._contents, start_us=start, end_us=end, rows=rows)
        return (to_bars(table, series.key) for table in tables)

    def latest(self, keys: Iterable[SeriesKey]) -> dict[SeriesKey, Bars]:
        """Return the last bar of each series, all of one version; those without bars are absent.

        Raises:
            CorruptDataError: a file with one of them does not match its checksum.
        """
        wanted = list(keys)

        def attempt() -> dict[SeriesKey, Bars]:
            with self._catalogue.read() as connection:
                return self._latest.read(connection, self._contents, wanted)

        return reading.with_fresh_snapshots(attempt)

    def symbols(self, timeframe: Timeframe | None = None) -> list[SeriesInfo]:
        """Return every stored series (of a timeframe), sorted by symbol."""
        with self._catalogue.read() as connection:
            return [_info(series) for series in list_series(connection, timeframe)]

    def latest_commit(self) -> int:
        """Return the id of the newest commit, 0 before the first."""
        return self._version(None)

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        """Return the hash of the exact rows these queries read; see `simutrador_core.dataset`.

        Raises:
            UnknownSymbolError: a series is not stored.
            InvalidBarsError: two queries read rows of one series and month.
        """
        latest = self._version(None) if any(query.as_of is None for query in queries) else 0
        memos: list[digests.Memo] = []
        found: list[str] = []
        for query in queries:
            version = latest if query.as_of is None else query.as_of
            found.extend(self._lines(query, version, memos))
        digests.keep(self._catalogue, memos)
        return dataset.combine(found)

    def diff(self, query: BarQuery, *, from_commit: int) -> Iterator[Difference]:
        """Return an iterator over what changed since a version, in time order, in small parts.

        Args:
            query: The series and range; `as_of` is the later version, None for the newest.
            from_commit: The earlier version; one before the series began holds none of its bars.

        Raises:
            UnknownSymbolError: no such series is stored at the later version.
            InvalidRangeError: there is no such version, or the earlier one is the later.
            VersionGoneError: one of them was vacuumed away.
        """
        check_as_stored(query)
        later = self._version(query.as_of)
        if from_commit > later:
            raise InvalidRangeError(
                f"from_commit {from_commit} is after {later}, the version to compare with",
                field="from_commit",
            )
        with self._catalogue.read() as connection:
            series = reading.known_series(connection, query.series, version=later)
            reading.check_version(connection, from_commit)
        start, end = to_us(query.start), to_us(query.end)

        def plan(spans: SpansBetween) -> Plan:
            def spans_from(at: int) -> list[reading.Span]:
                with self._catalogue.read() as connection:
                    if from_commit >= series.since:
                        check_kept(connection, series, from_commit)
                    return spans(connection, series.id, (at, end), (from_commit, later))

            return spans_from

        return differences(
            (plan(gone_spans), plan(new_spans)),
            self._contents,
            series.key,
            start_us=start,
            end_us=end,
        )

    def keys(self, *, as_of: int | None = None) -> tuple[int, list[SeriesKey]]:
        """Return a version, the newest when None, and the series it has.

        Raises:
            InvalidRangeError: there is no such version yet.
        """
        with self._catalogue.read() as connection:
            version, found = record.series_of(connection, as_of)
            return version, [series.key for series in found]

    def record(
        self, keys: Iterable[SeriesKey], *, as_of: int, on_step: Callable[[], None]
    ) -> record.Record:
        """Return what some series are made of in a version, for tools that open Parquet themselves.

        Args:
            keys: Which series; those the version has not are left out.
            as_of: The version.
            on_step: Called before each object is read, so that it can be given up.

        Raises:
            InvalidRangeError: there is no such version yet.
            CorruptDataError: an object does not match its checksum.
            StoreError: too many rows wait to be compacted.
        """
        wanted = list(keys)

        def attempt() -> record.Record:
            with self._catalogue.read() as connection:
                return record.read_record(
                    connection, self._contents, wanted, as_of=as_of, on_step=on_step
                )

        return reading.with_fresh_snapshots(attempt)

    def history(
        self, symbol: str, timeframe: Timeframe, *, newest: int | None = None
    ) -> list[Commit]:
        """Return the commits that touched a symbol and timeframe, oldest first; see `BarStore`."""
        with self._catalogue.read() as connection:
            return self._commits.history(connection, symbol, timeframe, newest=newest)

    def segments(self, query: BarQuery) -> list[Segment]:
        """Return where the rows of a read came from, in time order; see `BarStore.segments`."""

        def attempt() -> list[Segment]:
            with self._catalogue.read() as connection:
                reading.check_version(connection, query.as_of)
                series = find_series(connection, query.series)
                if series is None:
                    return []
                check_kept(connection, series, query.as_of)
                return provenance.segments(
                    connection,
                    self._contents,
                    series,
                    start_us=to_us(query.start),
                    end_us=to_us(query.end),
                    version=query.as_of,
                )

        return reading.with_fresh_snapshots(attempt)

    def coverage(self, query: BarQuery) -> list[Coverage]:
        """Return the whole ranges asked of sources that overlap the query's, in time order."""
        with self._catalogue.read() as connection:
            reading.check_version(connection, query.as_of)
            series = find_series(connection, query.series)
            if series is None:
                return []
            return answers.coverage(
                connection,
                series,
                start_us=to_us(query.start),
                end_us=to_us(query.end),
                version=query.as_of,
            )

    def status(self) -> StoreStatus:
        """Return what the store consists of: counts and sizes."""
        return status_of(self.root, self._catalogue, self._ops)

    def back_up(self, target: Path, *, made_at: datetime, watch: Watch = nobody) -> BackupReport:
        """Copy the newest committed state into a folder while others write; see `back_up`."""
        return back_up(self.root, self._catalogue, self._ops, target, made_at=made_at, watch=watch)

    def _version(self, as_of: int | None) -> int:
        if as_of is not None:
            return as_of
        with self._catalogue.read() as connection:
            return latest_commit(connection)

    def _lines(self, query: BarQuery, version: int, memos: list[digests.Memo]) -> list[str]:
        check_as_stored(query)

        def read_once(start_us: int, end_us: int) -> Bars:
            month = replace(query, start=from_us(start_us), end=from_us(end_us), as_of=version)
            return concat(list(self.stream(month)) or [_nothing(query.series)])

        return digests.lines(
            self._catalogue,
            self._contents,
            query,
            version=version,
            read_once=read_once,
            memos=memos,
        )


def _nothing(key: SeriesKey) -> Bars:
    return Bars.empty(key.symbol, key.timeframe, key.adjustment)


def _info(series: SeriesRow) -> SeriesInfo:
    return SeriesInfo(
        series.key,
        None if series.first_us is None else from_us(series.first_us),
        None if series.last_us is None else from_us(series.last_us),
        series.rows,
        _day(series.first_session),
        _day(series.last_session),
    )


def _day(number: int | None) -> date | None:
    return None if number is None else _EPOCH_DAY + timedelta(days=number)


def utc_now() -> datetime:
    """Return the current instant, aware UTC."""
    return datetime.now(UTC)


__all__ = ["LocalBars"]

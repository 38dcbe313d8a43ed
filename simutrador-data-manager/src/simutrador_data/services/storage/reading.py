"""How a read is put together: spans of objects, cut to the range, joined in time order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from simutrador_core.errors import CorruptDataError, InvalidRangeError, UnknownSymbolError
from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_data.services.storage.contents import Contents, ObjectGoneError
from simutrador_data.services.storage.retention import check_kept
from simutrador_data.services.storage.segment_list import (
    ObjectRef,
    SeriesRow,
    Slice,
    find_series,
    latest_commit,
    slices,
)
from simutrador_data.services.storage.table import OPENED, Table, between, join, to_bars

T = TypeVar("T")
_SNAPSHOTS: Final = 5
STEP: Final = 65_520
"""Rows decoded at a time by a stream: eight row groups."""


class Span(NamedTuple):
    """Rows `[first, last)` of an object that follow each other in time."""

    object: ObjectRef
    first: int
    last: int


def spans_of(pieces: Sequence[Slice]) -> list[Span]:
    """Return slices in time order with neighbours of one object joined."""
    found: list[Span] = []
    for piece in pieces:
        end = found[-1] if found else None
        if end and end.object.id == piece.object.id and end.last == piece.row_from:
            found[-1] = Span(piece.object, end.first, piece.row_to)
        else:
            found.append(Span(piece.object, piece.row_from, piece.row_to))
    return found


def check_version(connection: sqlite3.Connection, version: int | None) -> None:
    """Refuse a version there is none of: what it reads would change with the next commit.

    Raises:
        InvalidRangeError: it is negative or above the latest commit.
    """
    if version is None:
        return
    latest = latest_commit(connection)
    if not 0 <= version <= latest:
        raise InvalidRangeError(
            f"as_of {version} is no version of this store; its commits are 0 to {latest}",
            field="as_of",
        )


def known_series(
    connection: sqlite3.Connection, key: SeriesKey, *, version: int | None
) -> SeriesRow:
    """Return a series of a version.

    Raises:
        InvalidRangeError: there is no such version yet.
        VersionGoneError: that version was vacuumed away.
        UnknownSymbolError: no commit touched it, or none up to that version.
    """
    check_version(connection, version)
    series = find_series(connection, key)
    if series is None or (version is not None and version < series.since):
        raise UnknownSymbolError(key.symbol)
    check_kept(connection, series, version)
    return series


def read_bars(
    connection: sqlite3.Connection,
    contents: Contents,
    key: SeriesKey,
    *,
    start_us: int,
    end_us: int,
    version: int | None,
) -> Bars:
    """Return the bars of a series that open in `[start_us, end_us)`, as of a version.

    Raises:
        InvalidRangeError: there is no such version yet.
        UnknownSymbolError: no commit touched it, or none up to that version.
        ObjectGoneError: an object was vacuumed meanwhile.
    """
    series = known_series(connection, key, version=version)
    return bars_of(connection, contents, series, start_us=start_us, end_us=end_us, version=version)


def bars_of(
    connection: sqlite3.Connection,
    contents: Contents,
    series: SeriesRow,
    *,
    start_us: int,
    end_us: int,
    version: int | None,
) -> Bars:
    """Return the same of a series that `known_series` found.

    Raises:
        ObjectGoneError: an object was vacuumed meanwhile.
    """
    found = _rows(connection, contents, series, start_us, end_us, version)
    return to_bars(found, series.key)


def _rows(
    connection: sqlite3.Connection,
    contents: Contents,
    series: SeriesRow,
    start_us: int,
    end_us: int,
    version: int | None,
) -> Table:
    if start_us >= end_us:
        return join([])
    found = slices(connection, series, start_us=start_us, end_us=end_us, version=version)
    return rows_of(connection, contents, found, start_us=start_us, end_us=end_us)


def rows_of(
    connection: sqlite3.Connection,
    contents: Contents,
    found: Sequence[Slice],
    *,
    start_us: int,
    end_us: int,
) -> Table:
    """Return the rows of slices in time order that open in `[start_us, end_us)`.

    Raises:
        ObjectGoneError: an object was vacuumed meanwhile.
    """
    spans = spans_of(found)
    tables = [contents.rows(*span, connection) for span in spans]
    if len(tables) > 1:  # inner ones lie inside as a whole
        tables[0] = between(tables[0], start_us, end_us)
        tables[-1] = between(tables[-1], start_us, end_us)
        return join(tables)
    return between(join(tables), start_us, end_us)


def stream_tables(
    plan: Callable[[int], list[Span]], contents: Contents, *, start_us: int, end_us: int, rows: int
) -> Iterator[Table]:
    """Yield the rows of spans in parts of `rows`, the last one shorter.

    Args:
        plan: Returns the spans of the version read, from an instant on; asked again when an
            object was vacuumed meanwhile.
        contents: Where the objects are.
        start_us: First instant.
        end_us: First instant not to be read.
        rows: Most rows of a part.
    """
    waiting: list[Table] = []
    count = 0
    for table in _steps(plan, contents, start_us=start_us, end_us=end_us):
        waiting.append(table)
        count += table.shape[1]
        while count >= rows:
            whole = join(waiting)
            yield whole[:, :rows]
            waiting, count = [whole[:, rows:]], count - rows
    if count:
        yield join(waiting)


def _steps(
    plan: Callable[[int], list[Span]], contents: Contents, *, start_us: int, end_us: int
) -> Iterator[Table]:
    at = start_us
    snapshots = 0
    while True:
        try:
            for span in plan(at):
                for first in range(span.first, span.last, STEP):
                    last = min(first + STEP, span.last)
                    table = between(contents.rows_once(span.object, first, last), at, end_us)
                    if table.shape[1]:
                        yield table
                        at = int(table[OPENED, -1]) + 1
                        snapshots = 0
        except ObjectGoneError as e:
            snapshots += 1
            if snapshots >= _SNAPSHOTS:
                raise lost(e) from e
        else:
            return


def with_fresh_snapshots(attempt: Callable[[], T]) -> T:
    """Return what an attempt gives, trying again when vacuum took an object away under it.

    Raises:
        CorruptDataError: the newest catalogue still names an object that is not there.
    """
    for _ in range(_SNAPSHOTS - 1):
        try:
            return attempt()
        except ObjectGoneError:
            continue
    try:
        return attempt()
    except ObjectGoneError as e:
        raise lost(e) from e


def lost(error: ObjectGoneError) -> CorruptDataError:
    """Return the error for an object that is not there although the newest catalogue names it."""
    return CorruptDataError(
        f"{error} although the catalogue names it; restore it from a backup or fetch its bars again"
    )


__all__ = [
    "Span",
    "spans_of",
    "check_version",
    "known_series",
    "read_bars",
    "bars_of",
    "rows_of",
    "stream_tables",
    "with_fresh_snapshots",
    "lost",
]

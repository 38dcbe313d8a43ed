"""The segment list in SQL: which slices of which objects a version of a series is made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.storage.row_sums import check


class ObjectRef(NamedTuple):
    """An immutable object: the bytes of a Parquet file, or of a block in the catalogue."""

    id: int
    path: str | None
    digest: str
    rows: int


class Slice(NamedTuple):
    """Rows `[row_from, row_to)` of an object, and when they were added: one segment."""

    id: int
    object: ObjectRef
    row_from: int
    row_to: int
    first_us: int
    last_us: int
    first_session: int | None
    last_session: int | None
    added: int

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.row_to - self.row_from


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as the catalogue knows it; counts and bounds are of the newest version."""

    id: int
    key: SeriesKey
    since: int
    head: int
    rows: int
    first_us: int | None
    last_us: int | None
    first_session: int | None
    last_session: int | None


_SERIES = """SELECT id, since, head, rows, first_us, last_us, first_session, last_session,
    symbol, timeframe, adjustment, is_sound FROM series"""
_SLICE = """SELECT s.id, s.row_from, s.row_to, s.first_us, s.last_us, s.first_session,
    s.last_session, s.added, o.id, o.path, o.digest, o.rows, s.is_sound
    FROM segments s {index} JOIN objects o ON o.id = s.object_id"""
_LIVE = (
    _SLICE.format(index="INDEXED BY segments_live")
    + " WHERE s.series_id = ? AND s.superseded IS NULL AND s.last_us >= ? ORDER BY s.last_us"
)
_PAST = (
    _SLICE.format(index="INDEXED BY segments_past")
    + " WHERE s.series_id = ? AND s.superseded > ? AND s.superseded IS NOT NULL"
    " AND s.added <= ? AND s.last_us >= ? AND s.first_us < ?"
)


def latest_commit(connection: sqlite3.Connection) -> int:
    """Return the id of the newest commit; 0 in an empty store."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM commits").fetchone()[0])


def latest_instant(connection: sqlite3.Connection) -> int:
    """Return when the newest commit was made, microseconds; the epoch in an empty store."""
    row = connection.execute("SELECT at_us FROM commits ORDER BY id DESC LIMIT 1").fetchone()
    return 0 if row is None else int(row[0])


def find_series(connection: sqlite3.Connection, key: SeriesKey) -> SeriesRow | None:
    """Return a series, or None."""
    if not is_text(key.symbol):
        return None
    row = connection.execute(
        f"{_SERIES} WHERE symbol = ? AND timeframe = ? AND adjustment = ?",
        (key.symbol, str(key.timeframe), str(key.adjustment)),
    ).fetchone()
    return None if row is None else _to_series(row, key)


def is_text(symbol: str) -> bool:
    """Return whether a symbol is text that can be stored: not empty, no lone surrogate."""
    try:
        return bool(symbol.encode())
    except UnicodeEncodeError:  # a lone surrogate
        return False


def list_series(connection: sqlite3.Connection, timeframe: Timeframe | None) -> list[SeriesRow]:
    """Return every series (of a timeframe), sorted by symbol, timeframe, adjustment."""
    where, values = ("", ()) if timeframe is None else (" WHERE timeframe = ?", (str(timeframe),))
    rows = connection.execute(f"{_SERIES}{where} ORDER BY symbol, timeframe, adjustment", values)
    return [_to_series(row) for row in rows]


def slices(
    connection: sqlite3.Connection,
    series: SeriesRow,
    *,
    start_us: int,
    end_us: int,
    version: int | None = None,
) -> list[Slice]:
    """Return what overlaps `[start_us, end_us)` in time order, newest or as of a commit."""
    found = list(_live(connection, series.id, start_us=start_us, end_us=end_us))
    if version is None or version >= series.head:
        return found
    found = [piece for piece in found if piece.added <= version]
    past = connection.execute(_PAST, (series.id, version, version, start_us, end_us))
    found.extend(_to_slice(row) for row in past)
    return sorted(found, key=lambda piece: piece.first_us)


def _live(
    connection: sqlite3.Connection, series_id: int, *, start_us: int, end_us: int
) -> Iterator[Slice]:
    # Live segments are disjoint, so their first instants ascend with their last ones.
    for row in connection.execute(_LIVE, (series_id, start_us)):
        if row[3] >= end_us:
            return
        yield _to_slice(row)


def read_block(connection: sqlite3.Connection, object_id: int) -> bytes | None:
    """Return a block's bytes, or None when it is gone."""
    row = connection.execute("SELECT data FROM objects WHERE id = ?", (object_id,)).fetchone()
    return None if row is None else row[0]


def add_object(
    connection: sqlite3.Connection,
    *,
    place: str,
    path: str | None,
    digest: str,
    rows: int,
    size: int,
    data: bytes | None,
) -> int:
    """Enter an object and return its id, which is never used again."""
    cursor = connection.execute(
        "INSERT INTO objects (place, path, digest, rows, bytes, data) VALUES (?, ?, ?, ?, ?, ?)",
        (place, path, digest, rows, size, data),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


class NewSegment(NamedTuple):
    """One row of the segment list to be written."""

    series_id: int
    object_id: int
    row_from: int
    row_to: int
    first_us: int
    last_us: int
    first_session: int | None
    last_session: int | None
    added: int
    superseded: int | None


def add_segments(connection: sqlite3.Connection, segments: Iterable[NewSegment]) -> None:
    """Enter segments."""
    connection.executemany(
        """INSERT INTO segments (series_id, object_id, row_from, row_to, first_us, last_us,
        first_session, last_session, added, superseded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        segments,
    )


def remove_segments(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Take segments off the list, because others now stand for the same rows."""
    connection.executemany("DELETE FROM segments WHERE id = ?", ((one,) for one in ids))


def _to_slice(row: tuple[int, ...]) -> Slice:
    check(row[12], "segments", row[0])
    return Slice(row[0], ObjectRef(*row[8:12]), *row[1:8])  # pyright: ignore[reportArgumentType]


def _to_series(row: tuple[Any, ...], key: SeriesKey | None = None) -> SeriesRow:
    is_whole = row[0] is not None  # an index that is damaged gives none
    check(is_whole and row[11], "series", row[0])
    if key is None:
        symbol, timeframe, adjustment = row[8:11]
        key = SeriesKey(str(symbol), Timeframe(timeframe), Adjustment(adjustment))
    return SeriesRow(row[0], key, *row[1:8])


__all__ = [
    "ObjectRef",
    "Slice",
    "SeriesRow",
    "NewSegment",
    "latest_commit",
    "latest_instant",
    "find_series",
    "is_text",
    "list_series",
    "slices",
    "read_block",
    "add_object",
    "add_segments",
    "remove_segments",
]

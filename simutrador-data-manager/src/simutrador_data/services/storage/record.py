"""What a version of the store is made of, for tools that open its Parquet files themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from simutrador_core.errors import StoreError
from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.reading import check_version
from simutrador_data.services.storage.retention import check_kept
from simutrador_data.services.storage.segment_list import (
    SeriesRow,
    Slice,
    latest_commit,
    list_series,
    slices,
)
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US, to_bars

MOST_LOOSE_ROWS: Final = 5_000_000
"""More rows than this outside of Parquet files are compacted first: they are held in memory."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """Rows `[row_from, row_to)` of a Parquet file, counted from 0 in the order they stand there."""

    series: SeriesKey
    path: str
    row_from: int
    row_to: int


@dataclass(frozen=True, slots=True)
class Record:
    """Every row of some series in one version, each exactly once.

    Attributes:
        as_of: The version.
        files: Rows in Parquet files, whose bytes match their checksums.
        loose: Rows in blocks of the catalogue, which no file holds yet.
    """

    as_of: int
    files: tuple[FilePart, ...]
    loose: tuple[Bars, ...]


def series_of(connection: sqlite3.Connection, as_of: int | None) -> tuple[int, list[SeriesRow]]:
    """Return a version and the series it has.

    Raises:
        InvalidRangeError: there is no such version yet.
    """
    check_version(connection, as_of)
    version = latest_commit(connection) if as_of is None else as_of
    return version, [row for row in list_series(connection, None) if row.since <= version]


def read_record(
    connection: sqlite3.Connection,
    contents: Contents,
    keys: Iterable[SeriesKey],
    *,
    as_of: int,
    on_step: Callable[[], None],
) -> Record:
    """Return what some series are made of; those the version has not are left out.

    Args:
        connection: One look at the catalogue.
        contents: Where the objects are.
        keys: Which series.
        as_of: The version.
        on_step: Called before each object is read, so that it can be given up.

    Raises:
        InvalidRangeError: there is no such version yet.
        VersionGoneError: rows of it were vacuumed away.
        CorruptDataError: an object does not match its checksum.
        ObjectGoneError: an object was vacuumed meanwhile.
        StoreError: too many rows wait to be compacted.
    """
    version, stored = series_of(connection, as_of)
    wanted = set(keys)
    files: list[FilePart] = []
    checked: set[str] = set()
    loose: list[Bars] = []
    waiting = 0
    for series in stored:
        if series.key not in wanted:
            continue
        check_kept(connection, series, version)
        for piece in _pieces(connection, series, version):
            on_step()
            if piece.object.path is not None:
                if piece.object.digest not in checked:
                    contents.file_bytes(piece.object)
                    checked.add(piece.object.digest)
                path = contents.name_of(piece.object)
                files.append(FilePart(series.key, path, piece.row_from, piece.row_to))
                continue
            waiting += piece.rows
            if waiting > MOST_LOOSE_ROWS:
                raise StoreError(
                    f"more than {MOST_LOOSE_ROWS:,} bars are not in Parquet files yet; "
                    "compact the store first (simutrador-data store compact)"
                )
            table = contents.rows(piece.object, piece.row_from, piece.row_to, connection)
            loose.append(to_bars(table, series.key))
    return Record(version, tuple(files), tuple(loose))


def _pieces(connection: sqlite3.Connection, series: SeriesRow, version: int) -> Iterator[Slice]:
    yield from slices(
        connection, series, start_us=EARLIEST_US, end_us=LATEST_US + 1, version=version
    )


__all__ = ["FilePart", "Record", "read_record", "series_of"]

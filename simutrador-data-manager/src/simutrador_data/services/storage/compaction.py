"""Compaction: the rows of many objects move into one, and their segments follow.

Live rows of a series go into one Parquet file per UTC year (one file for daily bars and longer);
rows only older versions read go into an object of their own. A segment keeps its instants and its
commits, only its object and row numbers change: no version reads anything else than before.

The new file is written while others read and write. What was a run of rows in an old object is
found again under the lock by its row numbers, whatever has been cut or superseded meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from simutrador_core.interfaces.storage import Report
from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.mirrors import Mirrors
from simutrador_data.services.storage.reading import Span, spans_of, with_fresh_snapshots
from simutrador_data.services.storage.segment_list import (
    ObjectRef,
    SeriesRow,
    Slice,
    add_object,
    list_series,
    slices,
)
from simutrador_data.services.storage.span_reading import read_spans
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US, Table, join, narrow
from simutrador_data.services.storage.watching import Watch, nobody
from simutrador_data.services.storage.writing import name_file

BARS: Final = "bars"
HISTORY: Final = "history"
_PAST = """SELECT s.row_from, s.row_to, o.id, o.path, o.digest, o.rows
    FROM segments s JOIN objects o ON o.id = s.object_id
    WHERE s.series_id = ? AND s.superseded IS NOT NULL AND o.place NOT IN ('history', 'quarantine')
    ORDER BY s.id"""
_MOVE = """UPDATE segments SET object_id = ?, row_from = row_from + ?, row_to = row_to + ?
    WHERE object_id = ? AND row_from >= ? AND row_from < ? AND row_to <= ?"""


def compact(
    root: Path,
    catalogue: Catalogue,
    contents: Contents,
    mirrors: Mirrors,
    ops: FileOps,
    *,
    watch: Watch = nobody,
) -> Report:
    """Compact every series; `checked` counts files there should be, `changed` objects written.

    `watch` is told how many series are done.
    """
    with catalogue.read() as connection:
        every = list_series(connection, None)
    checked = changed = 0
    for done, series in enumerate(every):
        watch(done, len(every))
        for label in _labels(catalogue, series):
            checked += 1
            changed += with_fresh_snapshots(
                lambda: compact_part(catalogue, contents, series, label)  # noqa: B023
            )
        changed += with_fresh_snapshots(
            lambda: move_past(catalogue, contents, series)  # noqa: B023
        )
    watch(len(every), len(every))
    return Report(Maintenance.COMPACT, checked=checked, changed=changed)


def _labels(catalogue: Catalogue, series: SeriesRow) -> list[str]:
    return [label for label, _ in _parts(_live(catalogue, series), series)]


def _live(catalogue: Catalogue, series: SeriesRow) -> list[Slice]:
    with catalogue.read() as connection:
        return slices(connection, series, start_us=EARLIEST_US, end_us=LATEST_US + 1)


def _parts(pieces: Sequence[Slice], series: SeriesRow) -> Iterator[tuple[str, list[Slice]]]:
    def label(piece: Slice) -> str:
        # No object crosses a year, so no slice does.
        return f"{from_us(piece.first_us).year:04d}" if series.key.timeframe.is_intraday else "all"

    for name, part in groupby(pieces, key=label):
        yield name, list(part)


def compact_part(catalogue: Catalogue, contents: Contents, series: SeriesRow, label: str) -> int:
    """Write one year's live rows as one file, unless they are one; return how many were written."""
    spans = spans_of(dict(_parts(_live(catalogue, series), series)).get(label, []))
    if not spans or _is_compact(spans):
        return 0
    table = join(list(read_spans(spans, contents)))
    ref = _write(contents, narrow(table), series, place=BARS, label=label)
    return _point_at(catalogue, contents, ref, spans, place=BARS)


def _is_compact(spans: Sequence[Span]) -> bool:
    only = spans[0]
    whole = only.first == 0 and only.last == only.object.rows
    return len(spans) == 1 and whole and only.object.path is not None


def move_past(catalogue: Catalogue, contents: Contents, series: SeriesRow) -> int:
    """Gather rows only older versions read, so that files of live rows hold nothing else."""
    with catalogue.read() as connection:
        rows = connection.execute(_PAST, (series.id,)).fetchall()
    spans = [Span(ObjectRef(*row[2:]), row[0], row[1]) for row in rows]
    if not spans:
        return 0
    table = narrow(join(list(read_spans(spans, contents))))
    if table.shape[1] <= blocks.MAX_ROWS:
        return _point_at(catalogue, contents, blocks.encode(table), spans, place=HISTORY)
    ref = _write(contents, table, series, place=HISTORY, label="past")
    return _point_at(catalogue, contents, ref, spans, place=HISTORY)


def _write(
    contents: Contents, table: Table, series: SeriesRow, *, place: str, label: str
) -> ObjectRef:
    written: list[ObjectRef] = []
    try:
        return contents.write_files([(label, table)], series.key, place=place, written=written)[0]
    except OSError:
        contents.remove_unnamed(written)
        raise


def _point_at(
    catalogue: Catalogue,
    contents: Contents,
    new: ObjectRef | bytes,
    spans: Sequence[Span],
    *,
    place: str,
) -> int:
    """Point the segments inside some spans at a new object that holds their rows in that order."""
    with catalogue.write() as connection:
        if isinstance(new, ObjectRef):
            contents.require(new)  # a vacuum may have found it while nobody named it
            object_id = name_file(connection, contents, new, place=place)
        else:
            object_id = _name_block(connection, new, spans)
        moved = offset = 0
        for ref, first, last in spans:
            shift = offset - first
            cursor = connection.execute(_MOVE, (object_id, shift, shift, ref.id, first, last, last))
            moved += cursor.rowcount
            offset += last - first
        if not moved:  # another process compacted the same rows first
            connection.execute("DELETE FROM objects WHERE id = ?", (object_id,))
    if not moved and isinstance(new, ObjectRef):
        contents.remove_unnamed([new])
    return 1 if moved else 0


def _name_block(connection: sqlite3.Connection, data: bytes, spans: Sequence[Span]) -> int:
    return add_object(
        connection,
        place=HISTORY,
        path=None,
        digest=blocks.digest_of(data),
        rows=sum(span.last - span.first for span in spans),
        size=len(data),
        data=data,
    )


__all__ = ["compact", "compact_part", "move_past"]

"""Where the rows of a read came from: its segments."""

from __future__ import annotations

import sqlite3

from simutrador_core.errors import CorruptDataError
from simutrador_core.interfaces.storage import Segment
from simutrador_core.models.bars import from_us
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.segment_list import SeriesRow, Slice, slices
from simutrador_data.services.storage.table import OPENED, between


def segments(
    connection: sqlite3.Connection,
    contents: Contents,
    series: SeriesRow,
    *,
    start_us: int,
    end_us: int,
    version: int | None,
) -> list[Segment]:
    """Return one segment for every run of bars that one commit gave, in time order.

    It reaches from its first bar's open to just after its last bar's open, however the rows are
    stored.
    """
    found = slices(connection, series, start_us=start_us, end_us=end_us, version=version)
    sources = _sources(connection, {piece.added for piece in found})
    runs: list[Segment] = []
    for piece in found:
        first_us, last_us, rows = _inside(connection, contents, piece, start_us, end_us)
        if not rows:
            continue
        start = from_us(first_us)
        if runs and runs[-1].commit == piece.added:
            earlier = runs.pop()
            start, rows = earlier.start, earlier.rows + rows
        end = from_us(last_us + 1)
        runs.append(Segment(start, end, rows, sources[piece.added], piece.added))
    return runs


def _inside(
    connection: sqlite3.Connection, contents: Contents, piece: Slice, start_us: int, end_us: int
) -> tuple[int, int, int]:
    if start_us <= piece.first_us and piece.last_us < end_us:
        return piece.first_us, piece.last_us, piece.rows
    table = contents.rows(piece.object, piece.row_from, piece.row_to, connection)
    times = between(table, start_us, end_us)[OPENED]
    return (int(times[0]), int(times[-1]), len(times)) if len(times) else (0, 0, 0)


def _sources(connection: sqlite3.Connection, commits: set[int]) -> dict[int, str]:
    if not commits:
        return {}
    rows = connection.execute(
        "SELECT id, source FROM commits WHERE id BETWEEN ? AND ?", (min(commits), max(commits))
    )
    found = {commit: source for commit, source in rows if commit in commits}
    if len(found) < len(commits):
        raise CorruptDataError(
            f"the catalogue lists bars of commit {min(commits - set(found))} but not the commit; "
            "restore it from a backup"
        )
    return found


__all__ = ["segments"]

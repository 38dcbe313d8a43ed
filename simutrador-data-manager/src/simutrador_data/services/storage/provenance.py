"""Where rows came from: commits, and the segments of a read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from simutrador_core.interfaces.storage import Commit, Segment
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.segment_list import SeriesRow, Slice, is_text, slices
from simutrador_data.services.storage.table import OPENED, between

_HISTORY = """SELECT c.id, c.at_us, c.added, c.replaced, c.removed, c.source, c.request,
    c.code_version, c.fetched_us, s.symbol, s.timeframe, s.adjustment
    FROM commits c JOIN commit_series cs ON cs.commit_id = c.id JOIN series s ON s.id = cs.series_id
    WHERE c.id IN (SELECT DISTINCT commit_id FROM commit_series
                   JOIN series ON series.id = series_id WHERE symbol = ? AND timeframe = ?
                   ORDER BY commit_id DESC LIMIT ?)
    ORDER BY c.id, s.symbol, s.timeframe, s.adjustment"""


def history(
    connection: sqlite3.Connection, symbol: str, timeframe: Timeframe, *, newest: int | None
) -> list[Commit]:
    """Return the commits that touched a symbol and timeframe, oldest first; see `BarStore`."""
    if not is_text(symbol):
        return []
    found: list[Commit] = []
    series: list[SeriesKey] = []
    limit = -1 if newest is None else newest
    for row in connection.execute(_HISTORY, (symbol, str(timeframe), limit)):
        if found and found[-1].id == row[0]:
            found.pop()
        else:
            series = []
        series.append(SeriesKey(row[9], Timeframe(row[10]), Adjustment(row[11])))
        found.append(_commit(row, series))
    return found


def _commit(row: tuple[int, ...], series: Sequence[SeriesKey]) -> Commit:
    source, request, code_version = (str(text) for text in row[5:8])
    return Commit(
        row[0],
        from_us(row[1]),
        tuple(series),
        added=row[2],
        replaced=row[3],
        removed=row[4],
        source=source,
        request=request,
        code_version=code_version,
        fetched_at=from_us(row[8]),
    )


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
    return {commit: source for commit, source in rows if commit in commits}


__all__ = ["history", "segments"]

"""The commits of a symbol, each remembered once it was read: one may name thousands of series."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from simutrador_core.interfaces.storage import Commit
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.storage.row_sums import check
from simutrador_data.services.storage.segment_list import is_text

_SERIES: Final = "SELECT id FROM series WHERE symbol = ? AND timeframe = ?"
_NEWEST: Final = """SELECT c.id, c.at_us FROM commit_series cs JOIN commits c ON c.id = cs.commit_id
    WHERE cs.series_id = ? ORDER BY cs.commit_id DESC LIMIT ?"""
_COMMIT: Final = """SELECT id, at_us, added, replaced, removed, source, request, code_version,
    fetched_us, is_sound FROM commits WHERE id = ?"""
_TOUCHED: Final = """SELECT s.symbol, s.timeframe, s.adjustment, s.is_sound, s.id
    FROM commit_series cs JOIN series s ON s.id = cs.series_id WHERE cs.commit_id = ?
    ORDER BY s.symbol, s.timeframe, s.adjustment"""
_REMEMBERED: Final = 65_536
"""Most series the commits remembered name together: some megabytes."""


class Commits:
    """Reads commits, and remembers them: they never change."""

    def __init__(self) -> None:
        """Start with none remembered."""
        # By id and instant: a folder restored to an older state goes on with the same ids.
        self._known: dict[tuple[int, int], Commit] = {}
        self._held = 0

    def history(
        self,
        connection: sqlite3.Connection,
        symbol: str,
        timeframe: Timeframe,
        *,
        newest: int | None,
    ) -> list[Commit]:
        """Return the commits that touched a symbol and timeframe, oldest first; see `BarStore`."""
        if not is_text(symbol) or newest == 0:
            return []
        limit = -1 if newest is None else newest
        found: set[tuple[int, int]] = set()
        for (series,) in connection.execute(_SERIES, (symbol, str(timeframe))).fetchall():
            found.update(connection.execute(_NEWEST, (series, limit)))
        ids = sorted(found) if newest is None else sorted(found)[-newest:]
        return [self._known.get(one) or self._read(connection, one) for one in ids]

    def _read(self, connection: sqlite3.Connection, one: tuple[int, int]) -> Commit:
        row = connection.execute(_COMMIT, one[:1]).fetchone()
        check(row[9], "commits", one[0])
        commit = Commit(
            row[0],
            from_us(row[1]),
            tuple(_touched(connection, one[0])),
            added=row[2],
            replaced=row[3],
            removed=row[4],
            source=row[5],
            request=row[6],
            code_version=row[7],
            fetched_at=from_us(row[8]),
        )
        if self._held > _REMEMBERED:
            self._known, self._held = {}, 0
        self._known[one] = commit
        self._held += len(commit.series)
        return commit


def _touched(connection: sqlite3.Connection, commit: int) -> Iterator[SeriesKey]:
    for *names, is_sound, series in connection.execute(_TOUCHED, (commit,)):
        check(is_sound, "series", series)
        yield _key(*names)


@lru_cache(maxsize=16_384)
def _key(symbol: str, timeframe: str, adjustment: str) -> SeriesKey:
    return SeriesKey(symbol, Timeframe(timeframe), Adjustment(adjustment))


__all__ = ["Commits"]

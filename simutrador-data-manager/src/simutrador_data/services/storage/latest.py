"""The newest bar of many series, from one version and without reading what lies before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.row_sums import check
from simutrador_data.services.storage.segment_list import ObjectRef, is_text
from simutrador_data.services.storage.table import to_bars

_HEAD: Final = """SELECT id, head FROM series
    WHERE symbol = ? AND timeframe = ? AND adjustment = ?"""
_LAST: Final = """SELECT s.row_to, o.id, o.path, o.digest, o.rows, s.is_sound
    FROM segments s INDEXED BY segments_live JOIN objects o ON o.id = s.object_id
    WHERE s.series_id = ? AND s.superseded IS NULL ORDER BY s.last_us DESC LIMIT 1"""
_REMEMBERED: Final = 50_000


class LatestBars:
    """Reads last bars, and remembers them until a commit touches their series."""

    def __init__(self) -> None:
        """Start with none remembered."""
        self._known: dict[SeriesKey, tuple[int, Bars | None]] = {}

    def read(
        self, connection: sqlite3.Connection, contents: Contents, keys: Iterable[SeriesKey]
    ) -> dict[SeriesKey, Bars]:
        """Return the last bar of each series that has one.

        Raises:
            ObjectGoneError: an object was vacuumed meanwhile.
            CorruptDataError: the bytes that hold a bar do not match their checksum.
        """
        found: dict[SeriesKey, Bars] = {}
        for key in keys:
            names = (key.symbol, key.timeframe.value, key.adjustment.value)
            row = connection.execute(_HEAD, names).fetchone() if is_text(key.symbol) else None
            if row is None:
                continue
            known = self._known.get(key)
            if known is None or known[0] != row[1]:
                known = row[1], _last_bar(connection, contents, key, row[0])
                self._remember(key, known)
            if known[1] is not None:
                found[key] = known[1]
        return found

    def _remember(self, key: SeriesKey, known: tuple[int, Bars | None]) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = known


def _last_bar(
    connection: sqlite3.Connection, contents: Contents, key: SeriesKey, series_id: int
) -> Bars | None:
    row = connection.execute(_LAST, (series_id,)).fetchone()
    if row is None:
        return None
    check(row[5], "segments", f"of {key}")
    return to_bars(contents.row(ObjectRef(*row[1:5]), row[0] - 1, connection), key)


__all__ = ["LatestBars"]

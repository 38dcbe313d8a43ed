"""The newest bar of many series, from one version and without reading what lies before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.segment_list import ObjectRef, find_series
from simutrador_data.services.storage.table import to_bars

_LAST: Final = """SELECT s.row_to, o.id, o.path, o.digest, o.rows
    FROM segments s INDEXED BY segments_live JOIN objects o ON o.id = s.object_id
    WHERE s.series_id = ? AND s.superseded IS NULL ORDER BY s.last_us DESC LIMIT 1"""


def latest_bars(
    connection: sqlite3.Connection, contents: Contents, keys: Iterable[SeriesKey]
) -> dict[SeriesKey, Bars]:
    """Return the last bar of each series that has one.

    Raises:
        ObjectGoneError: an object was vacuumed meanwhile.
        CorruptDataError: the bytes that hold a bar do not match their checksum.
    """
    found: dict[SeriesKey, Bars] = {}
    for key in keys:
        series = find_series(connection, key)
        row = None if series is None else connection.execute(_LAST, (series.id,)).fetchone()
        if row is not None:
            last: int = row[0]
            table = contents.rows(ObjectRef(*row[1:]), last - 1, last, connection)
            found[key] = to_bars(table, key)
    return found


__all__ = ["latest_bars"]

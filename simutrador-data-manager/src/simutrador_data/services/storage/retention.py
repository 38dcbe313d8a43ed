"""Which older versions are kept: all of them, until vacuum is told from when on.

Nothing is dropped by itself. Dropping takes the rows that no version from there on reads off the
segment list; the series notes the first version that is still whole, so an older one is refused
rather than read with holes. A series that did not change keeps all of its versions.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from simutrador_core.errors import InvalidRangeError, VersionGoneError
from simutrador_core.models.bars import to_us
from simutrador_data.services.storage.segment_list import SeriesRow, latest_commit

_NOTE: Final = """UPDATE series SET kept_from = gone.upto FROM
    (SELECT series_id, max(superseded) AS upto FROM segments
     WHERE superseded IS NOT NULL AND superseded <= ? GROUP BY series_id) AS gone
    WHERE gone.series_id = series.id"""
_DROP: Final = "DELETE FROM segments WHERE superseded IS NOT NULL AND superseded <= ?"


def version_at(connection: sqlite3.Connection, since: int | datetime) -> int:
    """Return the oldest version to keep: a commit, or the one that was newest at an instant.

    Raises:
        InvalidRangeError: there is no such commit, or the instant is naive.
    """
    if isinstance(since, datetime):
        row = connection.execute(
            "SELECT coalesce(max(id), 0) FROM commits WHERE at_us <= ?", (to_us(since),)
        ).fetchone()
        return int(row[0])
    latest = latest_commit(connection)
    if not 0 <= since <= latest:
        raise InvalidRangeError(
            f"keep_versions_since {since} is no version of this store; its commits are 0 to "
            f"{latest}",
            field="keep_versions_since",
        )
    return since


def drop_versions_before(connection: sqlite3.Connection, version: int) -> int:
    """Take rows that only versions before `version` read off the list; return how many segments."""
    connection.execute(_NOTE, (version,))
    return connection.execute(_DROP, (version,)).rowcount


def check_kept(connection: sqlite3.Connection, series: SeriesRow, version: int | None) -> None:
    """Refuse a version some rows of which vacuum has deleted.

    Raises:
        VersionGoneError: it was deleted.
    """
    if version is None or version >= series.head:
        return
    found = connection.execute("SELECT kept_from FROM series WHERE id = ?", (series.id,))
    kept_from = int(found.fetchone()[0])
    if version < kept_from:
        raise VersionGoneError(
            f"version {version} of {series.key} was vacuumed away, the oldest kept is {kept_from}; "
            "read that or a later one, or restore a backup made before"
        )


__all__ = ["version_at", "drop_versions_before", "check_kept"]

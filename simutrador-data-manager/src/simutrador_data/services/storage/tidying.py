"""Tidying: a writer compacts the year it wrote to once that year is in many pieces.

It happens after the commit, so a failure costs nothing: the store leaves that series alone until it
is opened again or told to compact. The work is bounded: one year of at most a few series a commit.
What the new file replaces is deleted at once; a reader that still holds the old list takes a fresh
one, and so does another writer that is tidying the same year.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from simutrador_core.models.bars import SeriesKey, from_us, to_us
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.compaction import compact_part, move_past
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.mirrors import Mirrors
from simutrador_data.services.storage.reading import with_fresh_snapshots
from simutrador_data.services.storage.segment_list import ObjectRef, SeriesRow
from simutrador_data.services.storage.table import EARLIEST_US

CROWDED: Final = 64
"""A year with this many pieces before the rows just written is compacted."""
MOST_AT_ONCE: Final = 4
"""How many years one commit may compact."""
_NEAREST: Final = """SELECT object_id FROM segments INDEXED BY segments_live
    WHERE series_id = ? AND superseded IS NULL AND last_us BETWEEN ? AND ?
    ORDER BY last_us DESC LIMIT ? OFFSET ?"""
_OBJECTS: Final = """SELECT DISTINCT o.id, o.path, o.digest, o.rows FROM segments s
    JOIN objects o ON o.id = s.object_id WHERE s.series_id = ? AND o.place <> 'history'"""
_FORGET: Final = """DELETE FROM objects WHERE id = ? AND NOT EXISTS
    (SELECT 1 FROM segments WHERE segments.object_id = objects.id)"""


class Crowd(NamedTuple):
    """A year of a series in many pieces; `label` names it as compaction does."""

    series: SeriesRow
    label: str


def crowds(connection: sqlite3.Connection, written: Iterable[tuple[SeriesRow, int]]) -> list[Crowd]:
    """Return which of the years just written to are in too many pieces.

    Args:
        connection: Sees what was written.
        written: Series, each with the instant of the last row written.
    """
    found: list[Crowd] = []
    for series, at_us in written:
        label, start_us = _year(series.key, at_us)
        year = (series.id, start_us, at_us)
        # The two farthest first, as a rule of one object: steps over an index cost next to nothing.
        if all(
            _are_apart(connection.execute(_NEAREST, (*year, count, CROWDED - count)), count)
            for count in (2, CROWDED)
        ):
            found.append(Crowd(series, label))
            if len(found) == MOST_AT_ONCE:
                break
    return found


def _are_apart(objects: Iterable[tuple[int]], count: int) -> bool:
    """Return whether there are so many pieces, each of another object than the next.

    Segments of one object side by side, each from a commit of its own, are read as one.
    """
    found = list(objects)
    return len(found) == count and all(one != other for one, other in pairwise(found))


def _year(key: SeriesKey, at_us: int) -> tuple[str, int]:
    if not key.timeframe.is_intraday:
        return "all", EARLIEST_US
    year = from_us(at_us).year
    return f"{year:04d}", _begin(year)


@cache
def _begin(year: int) -> int:
    return to_us(datetime(year, 1, 1, tzinfo=UTC))


def tidy(catalogue: Catalogue, contents: Contents, mirrors: Mirrors, crowd: Crowd) -> None:
    """Compact one year of a series and delete what that replaced.

    Raises:
        StoreError: it could not; nothing any version reads has changed.
    """
    with catalogue.read() as connection:
        rows = connection.execute(_OBJECTS, (crowd.series.id,)).fetchall()
    with_fresh_snapshots(lambda: compact_part(catalogue, contents, crowd.series, crowd.label))
    with_fresh_snapshots(lambda: move_past(catalogue, contents, crowd.series))
    with catalogue.write() as connection:
        forgotten = [
            ref
            for ref in (ObjectRef(*row) for row in rows)
            if connection.execute(_FORGET, (ref.id,)).rowcount and ref.path is not None
        ]
    contents.remove_unnamed(forgotten)
    for ref in forgotten:
        mirrors.drop(ref.digest)


__all__ = ["Crowd", "crowds", "tidy", "CROWDED", "MOST_AT_ONCE"]

"""A read of few bars with all that is known of them, in one look at the catalogue.

An answer names the hash of its rows and the newest commit that gave one. Asked one after the other,
bars, segments and hash would each find the series and its segments again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simutrador_core.interfaces.storage import check_as_stored
from simutrador_core.models.bars import BarQuery, Bars, to_us
from simutrador_data.services.storage import digests
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.reading import known_series, rows_of
from simutrador_data.services.storage.segment_list import Slice, slices
from simutrador_data.services.storage.table import to_bars


class Whole(NamedTuple):
    """A whole read.

    Attributes:
        bars: What `read` gives.
        commit: The newest commit that gave one of them; 0 without bars.
        lines: What `dataset.month_lines` gives, ready for `dataset.combine`; None when not asked.
    """

    bars: Bars
    commit: int
    lines: tuple[str, ...] | None


def read_whole(
    connection: sqlite3.Connection,
    contents: Contents,
    query: BarQuery,
    *,
    most_rows: int,
    hashed: bool,
) -> Whole | None:
    """Return a whole read, or None when it is left to the slower ways.

    That is when it has more than `most_rows`, or holds a month whose digest is not known yet.

    Raises:
        InvalidRangeError: there is no such version yet.
        UnknownSymbolError: the series is not stored at that version.
        ObjectGoneError: an object was vacuumed meanwhile.
    """
    check_as_stored(query)
    series = known_series(connection, query.series, version=query.as_of)
    start_us, end_us = to_us(query.start), to_us(query.end)
    found: list[Slice] = []
    if start_us < end_us:
        found = slices(connection, series, start_us=start_us, end_us=end_us, version=query.as_of)
    if sum(piece.rows for piece in found[1:-1]) > most_rows:  # the outer ones may be cut
        return None
    table = rows_of(connection, contents, found, start_us=start_us, end_us=end_us)
    if table.shape[1] > most_rows:
        return None
    bars = to_bars(table, series.key)
    lines = None
    if hashed:
        known = digests.lines_of(
            connection, series, bars, start_us=start_us, end_us=end_us, version=query.as_of
        )
        if known is None:
            return None
        lines = tuple(known)
    return Whole(bars, _newest(found, bars), lines)


def _newest(found: Sequence[Slice], bars: Bars) -> int:
    """Return the newest commit with a bar: of segments that are cut, none may lie inside."""
    newest = 0
    for piece in found:
        if piece.added > newest:
            edges = np.searchsorted(bars.opened_at, [piece.first_us, piece.last_us + 1])
            if edges[0] < edges[1]:
                newest = piece.added
    return newest


__all__ = ["Whole", "read_whole"]

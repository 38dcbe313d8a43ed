"""What changed between two versions of a series: the rows added, removed and restated.

Rows of a segment that both versions list are the same rows, so they are never read, however many
there are. The others are read once, in time order and a few at a time, and compared by column.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from simutrador_core.models.bars import Bars, SeriesKey, concat
from simutrador_data.services.storage.contents import Contents, ObjectGoneError
from simutrador_data.services.storage.reading import Span, lost
from simutrador_data.services.storage.segment_list import ObjectRef
from simutrador_data.services.storage.span_reading import read_spans
from simutrador_data.services.storage.table import (
    NARROW,
    OPENED,
    Table,
    between,
    join,
    to_bars,
    widen,
)

Plan: TypeAlias = Callable[[int], list[Span]]
"""Returns what is to be read from an instant on, in time order; asked again after a vacuum."""
SpansBetween: TypeAlias = Callable[
    [sqlite3.Connection, int, tuple[int, int], tuple[int, int]], list[Span]
]
"""Given a series' id, instants `[start, end)` and two versions."""
_MOST_PLANS: Final = 5
_SPANS: Final = """SELECT o.id, o.path, o.digest, o.rows, s.row_from, s.row_to
    FROM segments s JOIN objects o ON o.id = s.object_id
    WHERE s.series_id = ?1 AND s.last_us >= ?2 AND s.first_us < ?3 AND {} ORDER BY s.first_us"""
_GONE: Final = _SPANS.format("s.added <= ?4 AND s.superseded > ?4 AND s.superseded <= ?5")
_NEW: Final = _SPANS.format("s.added > ?4 AND s.added <= ?5 AND ifnull(s.superseded > ?5, 1)")


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions of a series, or of a part of it, do not share.

    Attributes:
        added: Bars that only the later version has.
        removed: Bars that only the earlier one has.
        before: Bars that differ, as the earlier version has them.
        after: The same bars in the same order, as the later version has them.
    """

    added: Bars
    removed: Bars
    before: Bars
    after: Bars

    @property
    def is_empty(self) -> bool:
        """Whether both versions hold the same bars."""
        return not (len(self.added) or len(self.removed) or len(self.after))


def gone_spans(
    connection: sqlite3.Connection,
    series_id: int,
    bounds: tuple[int, int],
    versions: tuple[int, int],
) -> list[Span]:
    """Return what the earlier of two versions lists and the later does not, in time order."""
    return _spans(connection, _GONE, (series_id, *bounds, *versions))


def new_spans(
    connection: sqlite3.Connection,
    series_id: int,
    bounds: tuple[int, int],
    versions: tuple[int, int],
) -> list[Span]:
    """Return what the later of two versions lists and the earlier does not, in time order."""
    return _spans(connection, _NEW, (series_id, *bounds, *versions))


def _spans(connection: sqlite3.Connection, query: str, values: tuple[int, ...]) -> list[Span]:
    rows = connection.execute(query, values)
    return [Span(ObjectRef(*row[:4]), row[4], row[5]) for row in rows]


def differences(
    sides: tuple[Plan, Plan],
    contents: Contents,
    series: SeriesKey,
    *,
    start_us: int,
    end_us: int,
) -> Iterator[Difference]:
    """Yield the differences of two versions in `[start_us, end_us)`, in time order.

    Args:
        sides: Where the rows are that only the earlier version lists, and only the later one.
        contents: Where the objects are.
        series: Which series it is.
        start_us: First instant.
        end_us: First instant not looked at.

    Raises:
        CorruptDataError: an object with such rows does not match its checksum.
    """
    old, new = (_Side(_stream(plan, contents, start_us, end_us)) for plan in sides)
    while waiting := [side.table for side in (old, new) if side.fill()]:
        until = min(int(table[OPENED, -1]) for table in waiting) + 1
        found = _compare(old.take(until), new.take(until), series)
        if not found.is_empty:
            yield found


def together(parts: Iterable[Difference], series: SeriesKey) -> Difference:
    """Return parts in time order as one difference."""
    found = list(parts)

    def joined(name: str) -> Bars:
        columns = [bars for part in found if len(bars := getattr(part, name))]
        empty = Bars.empty(series.symbol, series.timeframe, series.adjustment)
        return concat(columns) if columns else empty

    return Difference(joined("added"), joined("removed"), joined("before"), joined("after"))


class _Side:
    """The rows of one version that the other does not list, as far as they are loaded."""

    def __init__(self, tables: Iterator[Table]) -> None:
        self.table = join([])
        self._tables = tables

    def fill(self) -> bool:
        """Load more rows when none are left; return whether there are any."""
        if not self.table.shape[1]:
            self.table = next(self._tables, self.table)
        return bool(self.table.shape[1])

    def take(self, until_us: int) -> Table:
        """Take away the rows that open before an instant."""
        count = int(np.searchsorted(self.table[OPENED], until_us))
        taken, self.table = self.table[:, :count], self.table[:, count:]
        return taken


def _stream(plan: Plan, contents: Contents, start_us: int, end_us: int) -> Iterator[Table]:
    at, plans = start_us, 0
    while True:
        try:
            for rows in read_spans(plan(at), contents):
                table = between(rows, at, end_us)
                if table.shape[1]:
                    yield table
                    at, plans = int(table[OPENED, -1]) + 1, 0
        except ObjectGoneError as e:
            plans += 1
            if plans >= _MOST_PLANS:
                raise lost(e) from e
        else:
            return


def _compare(old: Table, new: Table, series: SeriesKey) -> Difference:
    width = max(len(old), len(new), NARROW)
    old, new = widen(old, width), widen(new, width)
    both, in_old, in_new = np.intersect1d(
        old[OPENED], new[OPENED], assume_unique=True, return_indices=True
    )
    before, after = old[:, in_old], new[:, in_new]
    restated = (before != after).any(axis=0) if len(both) else np.zeros(0, dtype=np.bool_)
    parts = (
        np.delete(new, in_new, axis=1),
        np.delete(old, in_old, axis=1),
        before[:, restated],
        after[:, restated],
    )
    return Difference(*(to_bars(part, series) for part in parts))


__all__ = [
    "Difference",
    "Plan",
    "SpansBetween",
    "differences",
    "together",
    "gone_spans",
    "new_spans",
]

"""What a change makes of the rows that stand: pure rules over tables.

`merge` decides row by row; what it returns are runs, because the store keeps slices of immutable
objects: which runs of old rows stay, which end with this commit, and which runs of new rows enter.
All runs that are alive afterwards are disjoint in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from simutrador_core.errors import ConflictError, InvalidBarsError
from simutrador_core.models.bars import I64, BoolArray, SeriesKey, from_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.storage.table import OPENED, Table, join, widen

Run: TypeAlias = tuple[int, int]
"""Rows `[first, last)` of a table."""
Range: TypeAlias = tuple[int, int]
"""Instants `[start, end)` in microseconds."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a change does to one series.

    Attributes:
        rows: The rows that enter.
        entering: Runs of `rows` with no old row that stays between them.
        staying: Runs of the old rows that live on; none crosses a segment or an entering row.
        ending: Runs of the old rows that are replaced or removed; none crosses a segment.
        added: How many entering rows stand where none stood.
        replaced: How many take the place of a different row.
        removed: How many old rows inside a covered range the source no longer gives.
    """

    rows: Table
    entering: list[Run]
    staying: list[Run]
    ending: list[Run]
    added: int
    replaced: int
    removed: int

    @property
    def changes_nothing(self) -> bool:
        """Whether every row already stood there."""
        return not (self.added or self.replaced or self.removed)


def join_pages(pages: Sequence[Table], series: SeriesKey) -> Table:
    """Return the rows of pages in any order as one table; equal rows given twice count once.

    Raises:
        InvalidBarsError: two pages hold different rows of one instant.
    """
    table = join(pages)
    times = table[OPENED]
    if len(pages) < 2 or bool(np.all(times[1:] > times[:-1])):
        return table
    table = np.take(table, np.argsort(times, kind="stable"), axis=1)
    again = table[OPENED, 1:] == table[OPENED, :-1]
    differs = again & (table[:, 1:] != table[:, :-1]).any(axis=0)
    if differs.any():
        at = from_us(int(table[OPENED, 1:][differs][0]))
        raise InvalidBarsError(f"two pages of {series} hold different bars at {at.isoformat()}")
    return np.compress(np.concatenate(([True], ~again)), table, axis=1)


def merge(
    old: Table,
    new: Table,
    *,
    series: SeriesKey,
    on_conflict: OnConflict,
    covered: Sequence[Range] = (),
    owners: I64 | None = None,
    fences: I64 | None = None,
) -> Merged:
    """Return what a change does to the rows that stand.

    Args:
        old: The rows that stand where the change could touch them, ascending.
        new: The rows given, ascending and unique.
        series: Named in errors.
        on_conflict: What happens where a different row stands.
        covered: Ranges in which, with `REPLACE`, old rows not given again are removed.
        owners: int64 (rows of `old`,): the number of the segment each old row lies in.
        fences: Instants, ascending, that no entering run may cross: where segments begin that
            are not in `old`.

    Raises:
        ConflictError: `FAIL` met a different row.
    """
    width = max(len(old), len(new))
    old, new = widen(old, width), widen(new, width)
    times: I64 = new[OPENED]
    position = np.searchsorted(old[OPENED], times)
    known = _is_known(old[OPENED], times, position)
    differs = np.zeros(len(known), dtype=np.bool_)
    differs[known] = _differs(old, new, position, known)
    ends = np.zeros(old.shape[1], dtype=np.bool_)
    enters, removed = ~known, 0
    if on_conflict is OnConflict.FAIL and differs.any():
        raise _conflict(series, int(new[OPENED][differs][0]), int(differs.sum()))
    if on_conflict is OnConflict.REPLACE:
        ends = is_inside(old[OPENED], covered)
        ends[position[known]] = False
        removed = int(ends.sum())
        ends[position[differs]] = True
        enters = enters | differs
    rows = new if enters.all() else np.compress(enters, new, axis=1)
    return Merged(
        rows,
        entering=_entering(rows[OPENED], old[OPENED][~ends], fences),
        staying=_staying(old[OPENED], ~ends, rows[OPENED], owners),
        ending=_old_runs(np.flatnonzero(ends), owners),
        added=int((~known).sum()),
        replaced=int(differs.sum()) if on_conflict is OnConflict.REPLACE else 0,
        removed=removed,
    )


def all_enter(rows: Table) -> Merged:
    """Return what a change does whose rows touch none that stands: an append, as a rule."""
    count = rows.shape[1]
    whole = [(0, count)] if count else []
    return Merged(rows, whole, [], [], added=count, replaced=0, removed=0)


def is_inside(times: I64, ranges: Sequence[Range]) -> BoolArray:
    """Return which ascending times lie in one of the ranges."""
    inside = np.zeros(len(times), dtype=np.bool_)
    for start, end in ranges:
        first, last = np.searchsorted(times, [start, end])
        inside[int(first) : int(last)] = True
    return inside


def _is_known(old: I64, new: I64, position: I64) -> BoolArray:
    known = position < len(old)
    known[known] = old[position[known]] == new[known]
    return known


def _differs(old: Table, new: Table, position: I64, known: BoolArray) -> BoolArray:
    """Return, for each new row whose instant stands, whether the row that stands is another."""
    index = position[known]
    if len(index) == len(known) and len(index) and index[-1] - index[0] == len(index) - 1:
        # The rows given are a run of those that stand, as a rule: nothing needs to be picked.
        return (old[:, index[0] : index[-1] + 1] != new).any(axis=0)
    found = np.zeros(len(index), dtype=np.bool_)
    for stands, given in zip(old, new, strict=True):  # row by row needs little memory
        found |= stands[index] != given[known]
    return found


def _conflict(series: SeriesKey, at: int, count: int) -> ConflictError:
    return ConflictError(
        f"a different bar of {series} stands at {from_us(at).isoformat()} ({count} differ in all); "
        "commit with REPLACE to restate them, or KEEP to leave them"
    )


def _entering(times: I64, staying: I64, fences: I64 | None) -> list[Run]:
    rank = np.searchsorted(staying, times)
    if fences is not None and len(fences):
        rank = rank + np.searchsorted(fences, times)
    return _runs(np.arange(len(times)), rank[1:] != rank[:-1])


def _staying(old: I64, stays: BoolArray, entering: I64, owners: I64 | None) -> list[Run]:
    index = np.flatnonzero(stays)
    before = np.searchsorted(entering, old[index])
    return _old_runs(index, owners, before[1:] != before[:-1])


def _old_runs(index: I64, owners: I64 | None, cut: BoolArray | None = None) -> list[Run]:
    breaks = index[1:] != index[:-1] + 1
    if owners is not None:
        breaks |= owners[index[1:]] != owners[index[:-1]]
    return _runs(index, breaks if cut is None else breaks | cut)


def _runs(index: I64, breaks: BoolArray) -> list[Run]:
    if not len(index):
        return []
    if not breaks.any():
        return [(int(index[0]), int(index[-1]) + 1)]
    edges = np.flatnonzero(breaks) + 1
    firsts = index[np.concatenate(([0], edges))].tolist()
    lasts = index[np.concatenate((edges - 1, [len(index) - 1]))].tolist()
    return [(first, last + 1) for first, last in zip(firsts, lasts, strict=True)]


__all__ = ["Merged", "Run", "Range", "merge", "all_enter", "join_pages", "is_inside"]

"""What a change does to one series: which files end, which rows go into new ones.

Files are never changed: one that loses a row is written anew without it. New rows stand beside the
old files, one new file a UTC year, until compaction joins them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simutrador_core.interfaces.storage import Change
from simutrador_core.models.bars import I64
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.storage.answers import Answer, answers_to
from simutrador_data.services.storage.delta.events import Edges
from simutrador_data.services.storage.delta.index import FileRef, overlapping
from simutrador_data.services.storage.delta.ledger import Entry
from simutrador_data.services.storage.delta.rows import in_order, stored
from simutrador_data.services.storage.delta.state import State
from simutrador_data.services.storage.merge import Merged, Range, all_enter, merge
from simutrador_data.services.storage.planning import Given
from simutrador_data.services.storage.table import (
    EARLIEST_US,
    LATEST_US,
    OPENED,
    Table,
    session_at,
)

_NO_TIMES: Final[I64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change does to one series, as it stood with the files `standing`.

    Attributes:
        given: What the change says about it.
        change: The number that the new rows carry, and the files they go into.
        standing: The files of the series the plan was made for.
        removed: Those that end.
        rows: Stored rows that go into new files, ascending.
        merged: Counts.
        answers: Ranges asked for, once each.
        rows_after: Bars of the series afterwards.
        edges: Its first and last bar afterwards, None without bars.
    """

    given: Given
    change: int
    standing: tuple[FileRef, ...]
    removed: tuple[FileRef, ...]
    rows: Table
    merged: Merged
    answers: tuple[Answer, ...]
    rows_after: int
    edges: Edges | None


def plan_series(state: State, given: Given, change: Change) -> Plan:
    """Return what a change does to one series as it stands.

    Raises:
        ConflictError: `FAIL` met a different row.
        CorruptDataError: a file it has to look into is gone or damaged.
    """
    number = secrets.randbits(62)
    standing = state.index.get(given.key, ())
    replaces = change.on_conflict is OnConflict.REPLACE
    covered = given.covered if replaces else []
    touched = [ref for ref in standing if _is_touched(ref, given.rows[OPENED], covered)]
    merged, ended = _merge(state, touched, given, change.on_conflict, covered)
    removed: list[FileRef] = []
    pool = [stored(merged.rows, number)] if merged.rows.shape[1] else []
    for ref in touched:
        whole = _without(state, ref, ended)
        if whole is not None:
            removed.append(ref)
            pool.append(whole)
    rows = in_order(pool)
    before = state.ledger.newest(given.key)
    staying = [ref for ref in standing if ref not in removed]
    return Plan(
        given,
        number,
        standing,
        tuple(removed),
        rows,
        merged,
        tuple(answers_to(given.covered, given.rows[OPENED])),
        (before.touched.rows if before else 0) + merged.added - merged.removed,
        _edges(state, staying, rows, before),
    )


def _is_touched(ref: FileRef, times: I64, covered: Sequence[Range]) -> bool:
    first, last = np.searchsorted(times, [ref.first_us, ref.last_us + 1])
    return bool(first < last) or any(
        start <= ref.last_us and ref.first_us < end for start, end in covered
    )


def _merge(
    state: State,
    touched: Sequence[FileRef],
    given: Given,
    on_conflict: OnConflict,
    covered: Sequence[Range],
) -> tuple[Merged, I64]:
    """Return what the change does to the rows that stand, and the instants of those that end."""
    if not touched:
        return all_enter(given.rows), _NO_TIMES
    times = given.rows[OPENED]
    ranges = [*covered, (int(times[0]), int(times[-1]) + 1)] if len(times) else list(covered)
    start, end = min(r[0] for r in ranges), max(r[1] for r in ranges)
    old = in_order([_read(state, ref, start, end, changes=False) for ref in touched])
    merged = merge(old, given.rows, series=given.key, on_conflict=on_conflict, covered=covered)
    ended = [old[OPENED, first:last] for first, last in merged.ending]
    return merged, np.concatenate(ended) if ended else _NO_TIMES


def _without(state: State, ref: FileRef, ended: I64) -> Table | None:
    """Return the rows of a file that do not end, or None when all of them stay."""
    first, last = np.searchsorted(ended, [ref.first_us, ref.last_us + 1])
    if first == last:
        return None
    whole = _read(state, ref, EARLIEST_US, LATEST_US + 1, changes=True)
    stays = ~np.isin(whole[OPENED], ended, assume_unique=True)
    return None if stays.all() else np.compress(stays, whole, axis=1)


def _read(state: State, ref: FileRef, start_us: int, end_us: int, *, changes: bool) -> Table:
    file = state.open(ref)
    try:
        return file.read(start_us, end_us, changes=changes)
    finally:
        file.close()


def _edges(
    state: State, staying: Sequence[FileRef], rows: Table, before: Entry | None
) -> Edges | None:
    """Return the first and last bar of a series of some files and rows beside them."""
    first = [ref.first_us for ref in staying] + rows[OPENED, :1].tolist()
    last = [ref.last_us for ref in staying] + rows[OPENED, -1:].tolist()
    if not first:
        return None
    ends = min(first), max(last)
    sessions = [_session(state, staying, rows, before, at) for at in ends]
    return Edges(*ends, *sessions)


def _session(
    state: State, staying: Sequence[FileRef], rows: Table, before: Entry | None, at: int
) -> int | None:
    index = int(np.searchsorted(rows[OPENED], at))
    if index < rows.shape[1] and rows[OPENED, index] == at:
        return session_at(rows, index)
    edges = before.touched.edges if before else None
    if edges and at == edges.first_us:
        return edges.first_session
    if edges and at == edges.last_us:
        return edges.last_session
    (ref,) = [ref for ref in overlapping(staying, at, at + 1) if at in (ref.first_us, ref.last_us)]
    return session_at(_read(state, ref, at, at + 1, changes=False), 0)


__all__ = ["Plan", "plan_series"]

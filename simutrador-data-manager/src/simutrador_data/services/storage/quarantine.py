"""Putting a damaged object aside: its file moves to `quarantine/`, its rows leave the store.

It is a commit like any other, from the source `verify`: history names it, and older versions stay
as they were, so one that needs the object refuses to be read. What sources answered where rows are
lost is withdrawn: the gap ledger then says `not_fetched`, and fetching again is no `no_op`.
"""

from __future__ import annotations

import sqlite3
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from simutrador_core.interfaces.storage import Covered
from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import OnConflict
from simutrador_data.services.storage.answers import withdraw
from simutrador_data.services.storage.digests import months_of
from simutrador_data.services.storage.file_ops import FileOps, make_folders
from simutrador_data.services.storage.segment_list import (
    ObjectRef,
    SeriesRow,
    Slice,
    latest_commit,
    latest_instant,
    list_series,
    slices,
)
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US
from simutrador_data.services.storage.writing import code_version

QUARANTINE: Final = "quarantine"
SOURCE: Final = "verify"
_OWNERS: Final = (
    "SELECT DISTINCT series_id FROM segments WHERE object_id = ? AND superseded IS NULL"
)
_END: Final = "UPDATE segments SET superseded = ? WHERE object_id = ? AND superseded IS NULL"
_CHANGED: Final = """INSERT OR IGNORE INTO months (series_id, month, commit_id)
    SELECT DISTINCT series_id, month, ? FROM months WHERE series_id = ? AND month BETWEEN ? AND ?"""
_SHRINK: Final = """UPDATE series SET head = ?2, rows = rows - ?3,
    (first_us, first_session) = (SELECT first_us, first_session FROM segments
        WHERE series_id = ?1 AND superseded IS NULL ORDER BY last_us LIMIT 1),
    (last_us, last_session) = (SELECT last_us, last_session FROM segments
        WHERE series_id = ?1 AND superseded IS NULL ORDER BY last_us DESC LIMIT 1)
    WHERE id = ?1"""


class Loss(NamedTuple):
    """Segments of one series whose rows are lost, with no sound one between them."""

    series: SeriesRow
    pieces: list[Slice]

    @property
    def rows(self) -> int:
        """How many rows are lost."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last instant lost."""
        return self.pieces[0].first_us, self.pieces[-1].last_us


def put_aside(
    connection: sqlite3.Connection, root: Path, ops: FileOps, ref: ObjectRef, *, at_us: int
) -> list[Covered]:
    """Take an object out of use; return the ranges of the newest version whose rows are lost.

    The caller holds the catalogue for writing and commits. After a failure the object is still in
    use; when its file has moved already, the next attempt finds it where it is.

    Raises:
        OSError: the file could not be moved.
    """
    path = None if ref.path is None else _move(root, ops, ref.path)
    losses = _losses(connection, ref)
    if losses:
        commit = _enter_commit(connection, ref, losses, at_us=at_us)
        connection.execute(_END, (commit, ref.id))
        for loss in losses:
            _forget(connection, loss, commit)
    connection.execute(
        "UPDATE objects SET place = ?, path = ? WHERE id = ?", (QUARANTINE, path, ref.id)
    )
    return [
        Covered(loss.series.key, from_us(loss.bounds[0]), from_us(loss.bounds[1] + 1))
        for loss in losses
    ]


def _move(root: Path, ops: FileOps, path: str) -> str:
    target = f"{QUARANTINE}/{path}"
    if (root / path).exists():
        make_folders(ops, (root / target).parent)
        ops.rename(root / path, root / target)
        ops.sync_folder((root / target).parent)
    return target


def _losses(connection: sqlite3.Connection, ref: ObjectRef) -> list[Loss]:
    owners = {series_id for (series_id,) in connection.execute(_OWNERS, (ref.id,))}
    found: list[Loss] = []
    for series in list_series(connection, None) if owners else []:
        if series.id in owners:
            live = slices(connection, series, start_us=EARLIEST_US, end_us=LATEST_US + 1)
            runs = groupby(live, key=lambda piece: piece.object.id == ref.id)
            found.extend(Loss(series, list(run)) for is_lost, run in runs if is_lost)
    return found


def _enter_commit(
    connection: sqlite3.Connection, ref: ObjectRef, losses: list[Loss], *, at_us: int
) -> int:
    commit = latest_commit(connection) + 1
    at_us = max(at_us, latest_instant(connection))
    request = f"put aside {ref.path or f'block {ref.id}'}, which is damaged"
    removed = sum(loss.rows for loss in losses)
    connection.execute(
        "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
        (commit, at_us, SOURCE, request, at_us, str(OnConflict.REPLACE), code_version(), removed),
    )
    connection.executemany(
        "INSERT INTO commit_series VALUES (?, ?)",
        [(series_id, commit) for series_id in {loss.series.id for loss in losses}],
    )
    return commit


def _forget(connection: sqlite3.Connection, loss: Loss, commit: int) -> None:
    first, last = loss.bounds
    months = months_of(np.array([first, last], dtype=np.int64))
    known = (commit, loss.series.id, months[0], months[-1])
    connection.execute(_CHANGED, known)
    connection.execute(_SHRINK, (loss.series.id, commit, loss.rows))
    withdraw(connection, loss.series.id, start_us=first, end_us=last + 1, commit=commit)


__all__ = ["put_aside", "QUARANTINE", "SOURCE"]

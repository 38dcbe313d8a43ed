"""`ActionStore`: the corporate actions of a store on this machine, every version kept.

They stand in the store's own catalogue, so they share its guarantees: one change is one durable
transaction, writers take turns, readers never wait, a backup holds them. They share its commit
numbers too: `as_of` names one version of bars and actions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from simutrador_core.errors import ConflictError
from simutrador_core.models.bars import from_us, to_us
from simutrador_data.services.corporate_actions import tables
from simutrador_data.services.corporate_actions.local_actions import LocalActions
from simutrador_data.services.corporate_actions.planning import Plan, plan_change
from simutrador_data.services.corporate_actions.records import (
    ActionChange,
    ActionCommit,
    Answer,
)
from simutrador_data.services.storage.catalogue import Catalogue, open_catalogue
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.local_bars import utc_now
from simutrador_data.services.storage.segment_list import latest_commit, latest_instant
from simutrador_data.services.storage.writing import code_version


class ActionStore(LocalActions):
    """The corporate actions beside the bars of a folder, to be read and written.

    Threads, processes and instances may read and write the same folder at once.
    """

    def __init__(
        self,
        root: Path,
        *,
        ops: FileOps | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Open a store, making it when there is none.

        Args:
            root: The store's folder.
            ops: The disk; tests pass one that fails.
            clock: Gives the instant of a commit, aware UTC.

        Raises:
            StoreFormatError: a newer release wrote it.
            CorruptDataError: the catalogue is damaged.
        """
        super().__init__(root)
        self._ops = ops or FileOps()
        self._clock = clock
        self._opened = self._open()

    def _open(self) -> Catalogue:
        return open_catalogue(self._root, self._ops)

    def commit(self, change: ActionChange, *, base: int | None = None) -> ActionCommit:
        """Record a change atomically and durably.

        When everything stands there already and the question was answered before, the result is a
        `no_op`, and the answer moves forward in time.

        Args:
            change: What to record.
            base: The latest commit of these symbols' actions the writer knows; None skips the
                check.

        Raises:
            ConflictError: a later commit than `base` touched one of the symbols' actions.
            DiskError: the disk is full, read-only or failing; nothing was recorded.
        """
        symbols = sorted(
            {one.symbol for one in change.asked} | {action.symbol for action in change.actions}
        )
        with self._catalogue.write() as connection:
            tables.make_tables(connection)
            _check_base(connection, symbols, base)
            plan = plan_change(tables.live(connection, symbols), change)
            latest = latest_commit(connection)
            given = _answers(change, commit=latest + 1)
            fresh = [one for one in given if not tables.is_answered(connection, one)]
            if not (plan.ended or plan.begun or fresh):
                for one in given:
                    tables.answer(connection, one, fetched_us=to_us(change.fetched_at))
                return ActionCommit(latest, change.fetched_at, no_op=True)
            at_us = max(to_us(self._clock()), latest_instant(connection))
            _enter(connection, plan, change, given, at_us=at_us, commit=latest + 1)
        removed = tuple(action for _, action in plan.ended)
        return ActionCommit(latest + 1, from_us(at_us), plan.begun, removed)


def _check_base(connection: sqlite3.Connection, symbols: list[str], base: int | None) -> None:
    touched = tables.commits_of(connection, symbols) if base is not None else []
    if base is not None and touched and touched[-1] > base:
        raise ConflictError(
            f"the actions of {', '.join(symbols[:3])} were changed by commit {touched[-1]}, after "
            f"{base}; read them again"
        )


def _answers(change: ActionChange, *, commit: int) -> list[Answer]:
    """Return what the change settles; an action outside of the questions settles its own day."""
    settled = {(one.symbol, kind, one.start, one.end) for one in change.asked for kind in one.kinds}
    days = {
        (action.symbol, action.kind, action.effective, action.effective + timedelta(days=1))
        for action in change.actions
        if not any(one.settles(action) for one in change.asked)
    }
    return [
        Answer(symbol, kind, start, end, change.source, change.fetched_at, commit)
        for symbol, kind, start, end in sorted(settled | days)
    ]


def _enter(
    connection: sqlite3.Connection,
    plan: Plan,
    change: ActionChange,
    given: list[Answer],
    *,
    at_us: int,
    commit: int,
) -> None:
    fetched_us = to_us(change.fetched_at)
    connection.execute(
        "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
        (commit, at_us, change.source, change.request, fetched_us, "replace", code_version()),
    )
    tables.end(connection, (number for number, _ in plan.ended), commit=commit)
    tables.add(connection, plan.begun, source=change.source, fetched_us=fetched_us, commit=commit)
    for one in given:
        tables.answer(connection, one, fetched_us=fetched_us)


__all__ = ["ActionStore"]

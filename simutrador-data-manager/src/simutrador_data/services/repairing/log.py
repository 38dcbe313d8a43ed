"""`RepairLog`: which patches were applied and undone, in a table beside the store.

An entry is on the disk before the store is changed, and learns the commit afterwards. One without a
commit was interrupted; the bar itself tells whether it took place, and undoing goes by the bar.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from simutrador_core.errors import StoreError
from simutrador_core.models.bars import SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.repairing.patches import Patch, Rule

LOG_NAME: Final = "repairs.sqlite"
"""The file in the folder of the store."""

_TABLE: Final = """CREATE TABLE IF NOT EXISTS repairs (
    number INTEGER PRIMARY KEY, action TEXT NOT NULL, patch_id TEXT NOT NULL, symbol TEXT NOT NULL,
    patch TEXT NOT NULL, at_us INTEGER NOT NULL, commit_id INTEGER)"""
_INSERT: Final = """INSERT INTO repairs (action, patch_id, symbol, patch, at_us)
    VALUES (?, ?, ?, ?, ?)"""
_SELECT: Final = "SELECT number, action, patch, at_us, commit_id FROM repairs"


class Action(StrEnum):
    """What was done with a patch."""

    APPLY = "apply"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; `commit` is the version it made, None where it was interrupted."""

    number: int
    action: Action
    patch: Patch
    at: datetime
    commit: int | None


class RepairLog:
    """The log of one store; every write is one transaction."""

    def __init__(self, root: Path) -> None:
        """Keep the folder of the store; the file is made by the first entry."""
        self._path = root / LOG_NAME

    def begin(self, action: Action, patches: Sequence[Patch], *, at: datetime) -> list[int]:
        """Note that patches are about to be applied or undone; return the numbers of the entries.

        Raises:
            StoreError: the log cannot be written.
        """
        at_us = to_us(at)
        with self._opened() as connection, connection:
            connection.execute(_TABLE)
            numbers: list[int] = []
            for one in patches:
                row = (action, one.id, one.series.symbol, _text(one), at_us)
                number = connection.execute(_INSERT, row).lastrowid
                assert number is not None
                numbers.append(number)
            return numbers

    def finish(self, numbers: Sequence[int], *, commit: int) -> None:
        """Note which commit entries became.

        Raises:
            StoreError: the log cannot be written.
        """
        rows = [(commit, number) for number in numbers]
        with self._opened() as connection, connection:
            connection.executemany("UPDATE repairs SET commit_id = ? WHERE number = ?", rows)

    def entries(self, symbol: str | None = None) -> list[Entry]:
        """Return all entries (of a symbol), oldest first.

        Raises:
            StoreError: the log cannot be read.
        """
        if symbol is None:
            return self._read("", ())
        return self._read("WHERE symbol = ?", (symbol,))

    def applied(self, patch_id: str) -> Entry | None:
        """Return the newest entry that applied a patch, None where none did.

        Raises:
            StoreError: the log cannot be read.
        """
        where = "WHERE patch_id = ? AND action = ?"
        found = self._read(where, (patch_id, str(Action.APPLY)))
        return found[-1] if found else None

    def _read(self, where: str, values: tuple[str, ...]) -> list[Entry]:
        if not self._path.is_file():
            return []
        with self._opened() as connection:
            rows = connection.execute(f"{_SELECT} {where} ORDER BY number", values).fetchall()
        return [
            Entry(number, Action(action), _patch(text), from_us(at_us), commit)
            for number, action, text, at_us, commit in rows
        ]

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                yield connection
        except sqlite3.Error as e:
            raise StoreError(
                f"the log of repairs {self._path} cannot be used ({e}); let the process write to "
                "that folder, or restore the file from a copy"
            ) from e


def _text(patch: Patch) -> str:
    series = patch.series
    return json.dumps(
        {
            "series": [series.symbol, str(series.timeframe), str(series.adjustment)],
            "opened_at_us": patch.opened_at,
            "session": None if patch.session is None else patch.session.isoformat(),
            "old": patch.old,
            "new": patch.new,
            "rule": str(patch.rule),
            "evidence": patch.evidence,
        }
    )


def _patch(text: str) -> Patch:
    data: dict[str, Any] = json.loads(text)
    symbol, timeframe, adjustment = data["series"]
    session = data["session"]
    return Patch(
        SeriesKey(symbol, Timeframe(timeframe), Adjustment(adjustment)),
        data["opened_at_us"],
        None if session is None else date.fromisoformat(session),
        tuple(data["old"]),
        tuple(data["new"]),
        Rule(data["rule"]),
        data["evidence"],
    )


__all__ = ["RepairLog", "Entry", "Action", "LOG_NAME"]

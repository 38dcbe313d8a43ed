"""The tables of corporate actions in a store's catalogue, made when the first one is recorded.

They are additions: a store without them has no actions, and the format of the bars is the same.
Commits are those of the store, so that one number names a version of bars and actions together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import from_us
from simutrador_data.services.corporate_actions.planning import Live
from simutrador_data.services.corporate_actions.records import Answer, RecordedAction

_MAKE: Final = (
    # An action stands from commit `added` on, until `superseded`. Dates are ISO 8601, numbers text.
    """CREATE TABLE IF NOT EXISTS actions (
        id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, kind TEXT NOT NULL, effective TEXT NOT NULL,
        ratio TEXT, amount TEXT, successor TEXT, known_on TEXT,
        source TEXT NOT NULL, fetched_us INTEGER NOT NULL,
        added INTEGER NOT NULL, superseded INTEGER)""",
    "CREATE INDEX IF NOT EXISTS actions_by_symbol ON actions (symbol, effective)",
    """CREATE INDEX IF NOT EXISTS actions_of_names ON actions (kind, effective)
        WHERE kind IN ('rename', 'delisting')""",
    # What a source settled: one kind of action of a symbol in effect in [start, end).
    """CREATE TABLE IF NOT EXISTS action_answers (
        symbol TEXT NOT NULL, kind TEXT NOT NULL, first TEXT NOT NULL, past TEXT NOT NULL,
        source TEXT NOT NULL, fetched_us INTEGER NOT NULL, commit_id INTEGER NOT NULL,
        PRIMARY KEY (symbol, kind, first, past, source)) WITHOUT ROWID""",
)
_SELECT: Final = """SELECT id, symbol, kind, effective, ratio, amount, successor, known_on,
    source, fetched_us, added FROM actions"""
_INSERT: Final = """INSERT INTO actions (symbol, kind, effective, ratio, amount, successor,
    known_on, source, fetched_us, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_OF_VERSION: Final = "added <= ? AND (superseded IS NULL OR superseded > ?)"
_ORDER: Final = "ORDER BY symbol, effective, kind, id"
_NEWEST: Final = 2**62
_MANY: Final = 500
"""Symbols named in one statement at most."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none; part of the caller's transaction."""
    for statement in _MAKE:
        connection.execute(statement)


def has_tables(connection: sqlite3.Connection) -> bool:
    """Return whether anything was ever recorded."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'action_answers'")
    return found.fetchone() is not None


def live(connection: sqlite3.Connection, symbols: Iterable[str]) -> list[Live]:
    """Return the records of the newest version under some symbols."""
    rows = _of_symbols(connection, symbols, _NEWEST)
    return [(row[0], _to_action(row)) for row in rows]


def recorded(
    connection: sqlite3.Connection, symbols: Iterable[str], *, as_of: int | None
) -> list[RecordedAction]:
    """Return what a version says of some symbols, by symbol and date."""
    version = _NEWEST if as_of is None else as_of
    rows = _of_symbols(connection, symbols, version)
    return [RecordedAction(_to_action(row), row[8], from_us(row[9]), row[10]) for row in rows]


def namings(connection: sqlite3.Connection, *, as_of: int | None) -> list[CorporateAction]:
    """Return every rename and delisting of a version."""
    version = _NEWEST if as_of is None else as_of
    rows = connection.execute(
        f"{_SELECT} WHERE kind IN ('rename', 'delisting') AND {_OF_VERSION} {_ORDER}",
        (version, version),
    )
    return [_to_action(row) for row in rows]


def all_symbols(connection: sqlite3.Connection) -> list[str]:
    """Return every symbol anything was recorded of, sorted."""
    rows = connection.execute(
        "SELECT symbol FROM actions UNION SELECT symbol FROM action_answers ORDER BY symbol"
    )
    return [row[0] for row in rows]


def answers(connection: sqlite3.Connection, *, as_of: int | None) -> list[Answer]:
    """Return what sources settled up to a version."""
    rows = connection.execute(
        """SELECT symbol, kind, first, past, source, fetched_us, commit_id FROM action_answers
        WHERE commit_id <= ? ORDER BY symbol, kind, first, past""",
        (_NEWEST if as_of is None else as_of,),
    )
    return [
        Answer(
            symbol,
            ActionKind(kind),
            date.fromisoformat(first),
            date.fromisoformat(past),
            source,
            from_us(fetched),
            commit,
        )
        for symbol, kind, first, past, source, fetched, commit in rows
    ]


def end(connection: sqlite3.Connection, numbers: Iterable[int], *, commit: int) -> None:
    """Let records stand no longer from a commit on."""
    connection.executemany(
        "UPDATE actions SET superseded = ? WHERE id = ?", ((commit, number) for number in numbers)
    )


def add(
    connection: sqlite3.Connection,
    actions: Iterable[CorporateAction],
    *,
    source: str,
    fetched_us: int,
    commit: int,
) -> None:
    """Let actions stand from a commit on."""
    connection.executemany(
        _INSERT, ((*_to_row(action), source, fetched_us, commit) for action in actions)
    )


def answer(connection: sqlite3.Connection, given: Answer, *, fetched_us: int) -> None:
    """Note an answer; one to the same question by the same source moves forward."""
    key = (given.symbol, str(given.kind), str(given.start), str(given.end), given.source)
    connection.execute(
        """INSERT INTO action_answers VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET fetched_us = excluded.fetched_us""",
        (*key, fetched_us, given.commit),
    )


def is_answered(connection: sqlite3.Connection, given: Answer) -> bool:
    """Return whether that source has answered that question before."""
    row = connection.execute(
        """SELECT 1 FROM action_answers
        WHERE symbol = ? AND kind = ? AND first = ? AND past = ? AND source = ?""",
        (given.symbol, str(given.kind), str(given.start), str(given.end), given.source),
    ).fetchone()
    return row is not None


def commits_of(connection: sqlite3.Connection, symbols: Iterable[str]) -> list[int]:
    """Return the commits that recorded anything of some symbols, ascending."""
    found: set[int] = set()
    for name in symbols:
        found.update(
            row[0]
            for row in connection.execute(
                """SELECT added FROM actions WHERE symbol = ?1
                UNION SELECT superseded FROM actions WHERE symbol = ?1 AND superseded IS NOT NULL
                UNION SELECT commit_id FROM action_answers WHERE symbol = ?1""",
                (name,),
            )
        )
    return sorted(found)


def _of_symbols(
    connection: sqlite3.Connection, symbols: Iterable[str], version: int
) -> list[tuple[Any, ...]]:
    wanted = sorted(set(symbols))
    found: list[tuple[Any, ...]] = []
    for at in range(0, len(wanted), _MANY):
        some = wanted[at : at + _MANY]
        marks = ", ".join("?" * len(some))
        query = f"{_SELECT} WHERE symbol IN ({marks}) AND {_OF_VERSION} {_ORDER}"
        found.extend(connection.execute(query, (*some, version, version)))
    return found


def _to_action(row: tuple[Any, ...]) -> CorporateAction:
    _, symbol, kind, effective, ratio, amount, successor, known_on = row[:8]
    return CorporateAction(
        symbol,
        ActionKind(kind),
        date.fromisoformat(effective),
        ratio=None if ratio is None else Decimal(ratio),
        amount=None if amount is None else Decimal(amount),
        successor=successor,
        known_on=None if known_on is None else date.fromisoformat(known_on),
    )


def _to_row(action: CorporateAction) -> tuple[str | None, ...]:
    return (
        action.symbol,
        str(action.kind),
        str(action.effective),
        None if action.ratio is None else str(action.ratio),
        None if action.amount is None else str(action.amount),
        action.successor,
        None if action.known_on is None else str(action.known_on),
    )

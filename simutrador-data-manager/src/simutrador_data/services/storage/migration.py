"""Bringing a store of an older format up to date, with a copy to go back to.

The copy is the whole catalogue as it was, `catalogue.sqlite.format-N`, durable before anything
changes. Data files are never rewritten by a migration: a newer release reads the older ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import uuid4

from simutrador_data.services.storage.file_ops import FileOps, make_folders
from simutrador_data.services.storage.schema import FORMAT, SEGMENT_INDEXES, TABLES

_SCRATCH: Final = "tmp"
_COVERAGE_OF_3: Final = """CREATE TABLE coverage (
    series_id INTEGER NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    provider TEXT NOT NULL, commit_id INTEGER NOT NULL,
    asked_us INTEGER NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (series_id, start_us, end_us, provider, commit_id)
) WITHOUT ROWID"""


def migrate(connection: sqlite3.Connection, path: Path, ops: FileOps) -> None:
    """Turn a catalogue into `FORMAT`; nothing happens when it already is.

    A fault on the way leaves the old format, readable by the old release and by a new attempt.
    """
    connection.execute("BEGIN IMMEDIATE")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if 0 < found < FORMAT:
        _keep_copy(path, ops, number=found)
        for number in range(found, FORMAT):
            _STEPS[number](connection)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    ops.commit(connection, path)


def rollback_copy(path: Path, number: int) -> Path:
    """Return where the catalogue of format `number` is kept."""
    return path.with_name(f"{path.name}.format-{number}")


def _keep_copy(path: Path, ops: FileOps, *, number: int) -> None:
    scratch = path.parent / _SCRATCH / f"{uuid4().hex}.sqlite"
    make_folders(ops, scratch.parent)
    try:
        ops.snapshot(path, scratch)
        ops.rename(scratch, rollback_copy(path, number))
    except OSError:
        ops.remove(scratch)
        raise
    ops.sync_folder(path.parent)


def _to_2(connection: sqlite3.Connection) -> None:
    """Change no table: number columns of Parquet files may be DECIMAL or int64 from now on."""


def _to_3(connection: sqlite3.Connection) -> None:
    """Note for each series which versions vacuum took, and every answer beside the one before."""
    connection.execute("ALTER TABLE series ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0")
    connection.execute("DROP INDEX segments_by_object")
    connection.execute("CREATE INDEX segments_by_object ON segments (object_id, row_from)")
    # The first stores kept one answer to a question; some of them already say format 2.
    keys = {row[1] for row in connection.execute("PRAGMA table_info(coverage)") if row[5]}
    if "commit_id" not in keys:
        connection.execute("ALTER TABLE coverage RENAME TO coverage_before")
        connection.execute(_COVERAGE_OF_3)
        connection.execute(
            """INSERT INTO coverage SELECT series_id, start_us, end_us, provider, commit_id,
            asked_us, rows FROM coverage_before"""
        )
        connection.execute("DROP TABLE coverage_before")


def _to_4(connection: sqlite3.Connection) -> None:
    """Give rows a sum of their numbers; digests of months are made again, none had one."""
    connection.execute("UPDATE months SET digest = NULL, first_us = NULL, last_us = NULL")
    for table, statement in TABLES.items():
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
        connection.execute(statement)
        columns = ", ".join(names)
        connection.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_before"  # noqa: S608
        )
        connection.execute(f"DROP TABLE {table}_before")
    for statement in SEGMENT_INDEXES.split(";\n"):
        connection.execute(statement)


_STEPS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {1: _to_2, 2: _to_3, 3: _to_4}
"""What turns the tables of a format into those of the next."""

__all__ = ["migrate", "rollback_copy"]

"""Bringing a store of an older format up to date, with a copy to go back to.

The copy is the whole catalogue as it was, `catalogue.sqlite.format-N`, durable before anything
changes. Data files are never rewritten by a migration: a newer release reads the older ones.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final
from uuid import uuid4

from simutrador_data.services.storage.file_ops import FileOps, make_folders
from simutrador_data.services.storage.schema import FORMAT

STEPS: Final[dict[int, str]] = {
    1: "",  # format 2: number columns of Parquet files may be DECIMAL or int64; same tables
}
"""What turns the tables of a format into those of the next, as SQL."""
_SCRATCH: Final = "tmp"


def migrate(connection: sqlite3.Connection, path: Path, ops: FileOps) -> None:
    """Turn a catalogue into `FORMAT`; nothing happens when it already is.

    A fault on the way leaves the old format, readable by the old release and by a new attempt.
    """
    connection.execute("BEGIN IMMEDIATE")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if 0 < found < FORMAT:
        _keep_copy(path, ops, number=found)
        for step in range(found, FORMAT):
            for statement in filter(None, STEPS[step].split(";\n")):
                connection.execute(statement)
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


__all__ = ["migrate", "rollback_copy", "STEPS"]

"""The folder of a backup: one backup at a time goes into it, and always of the same store."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from simutrador_core.errors import CorruptDataError, InputError, StoreError
from simutrador_data.services.storage.file_ops import DiskError
from simutrador_data.services.storage.manifest import NAME, read_manifest

LOCK: Final = "backup.lock"
_COMMIT: Final = """SELECT at_us, source, request, fetched_us, added, replaced, removed
    FROM commits WHERE id = ?"""


@contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Keep other backups out of a folder; the system lets go of the lock when its holder dies.

    Raises:
        StoreError: another backup is going into it.
        DiskError: the folder cannot be written.
    """
    path = folder / LOCK
    # SQLite's lock of a file is the one that works everywhere; nothing is written into it.
    with closing(_opened(path)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = MEMORY")  # otherwise one more file
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise _refused(path, e) from e
            raise StoreError(
                f"another backup is being written into {folder}; wait for it, or name another "
                "folder"
            ) from e
        yield


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.OperationalError as e:
        raise _refused(path, e) from e


def _refused(path: Path, error: sqlite3.OperationalError) -> DiskError:
    return DiskError(OSError(errno.EACCES, str(error), str(path)))


def check_lineage(folder: Path, store: sqlite3.Connection) -> None:
    """Refuse to put a store's backup in the place of one it does not go on from.

    A store that was lost and begun anew would otherwise replace the very backup that could bring
    it back. A backup that is damaged itself is replaced.

    Args:
        folder: Where the backup goes.
        store: The catalogue that goes into it.

    Raises:
        InputError: the backup there holds commits that this store has not.
    """
    if not (folder / NAME).is_file():
        return
    with suppress(CorruptDataError, sqlite3.DatabaseError):
        there = read_manifest(folder)
        uri = f"{(folder / there.catalogue.path).absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as catalogue:
            known = _commit(catalogue, there.latest_commit)
        if known != _commit(store, there.latest_commit):
            raise InputError(
                f"{folder} holds a backup of another store, or of commits this store lost (up to "
                f"{there.latest_commit}); name another folder, or delete that backup first",
                field="target",
            )


def _commit(catalogue: sqlite3.Connection, number: int) -> Any:
    return catalogue.execute(_COMMIT, (number,)).fetchone()


__all__ = ["locked", "check_lineage", "LOCK"]

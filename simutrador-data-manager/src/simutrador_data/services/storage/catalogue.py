"""The catalogue: one SQLite file that is the store's transaction log, and how it is opened.

Write-ahead log, full sync, one writer at a time (`BEGIN IMMEDIATE`), any number of readers, each
of one snapshot. Connections are lent from a pool and never cross a fork.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections import deque
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from simutrador_core.errors import CorruptDataError, StoreError, StoreFormatError
from simutrador_data.services.storage.addresses import Address, may_write, read_only_address
from simutrador_data.services.storage.file_ops import (
    DiskError,
    FileOps,
    disk_errors,
    is_full,
    make_folders,
)
from simutrador_data.services.storage.migration import migrate
from simutrador_data.services.storage.schema import APPLICATION_ID, FORMAT, SCHEMA

CATALOGUE_NAME: Final = "catalogue.sqlite"
BUSY_SECONDS: Final = 60.0
_IDLE_CONNECTIONS: Final = 8
_DISK_CODES: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,  # also for reading: SQLite makes a file beside it
}
_CORRUPT_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_abandoned: list[sqlite3.Connection] = []  # a parent's: closing them here would harm its locks


class Catalogue:
    """A pool of connections to one catalogue file."""

    def __init__(self, path: Path, ops: FileOps, *, read_only: bool = False) -> None:
        """Keep the address; `open_catalogue` and `open_read_only` make it ready."""
        self.path = path
        self.read_only = read_only
        self._ops = ops
        self._address = read_only_address(path) if read_only else Address.of(path, mode="rwc")
        self._idle: deque[sqlite3.Connection] = deque()
        self._pid = os.getpid()
        self._closed = False

    def close(self) -> None:
        """Close the connections; those lent are closed when they come back."""
        self._closed = True
        self._forget_the_parents()
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection, None, None]:
        """Lend a connection whose statements all see one committed version."""
        with self.lend() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    @contextmanager
    def write(
        self, *, patience_s: float = BUSY_SECONDS
    ) -> Generator[sqlite3.Connection, None, None]:
        """Lend a connection as the only writer; commit at the end, roll back after an error.

        Raises:
            StoreError: another writer held the catalogue for longer than `patience_s`.
            DiskError: the disk is full, read-only or failing; nothing was changed.
        """
        if self.read_only:
            reason = "the store can only be read here"
            raise DiskError(OSError(errno.EROFS, reason, str(self.path)))
        with self.lend() as connection:
            if patience_s != BUSY_SECONDS:
                connection.execute(f"PRAGMA busy_timeout = {int(patience_s * 1000)}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            finally:
                if patience_s != BUSY_SECONDS:
                    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            yield connection
            self._ops.commit(connection, self.path)

    @contextmanager
    def lend(self) -> Generator[sqlite3.Connection, None, None]:
        """Lend a connection outside of any transaction."""
        try:
            connection = self._take()
            try:
                yield connection
            except BaseException:
                self._give_back_after_error(connection)
                raise
            self._give_back(connection)
        except StoreError:
            raise
        except (sqlite3.DatabaseError, UnicodeDecodeError, OSError) as e:
            raise _translated(e, self.path) from e

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"the store at {self.path.parent} is closed; open it again")
        self._forget_the_parents()
        if self._address.is_outdated(self.path):
            while self._idle:
                self._idle.pop().close()
            self._address = read_only_address(self.path)
        try:
            return self._idle.pop()
        except IndexError:
            return _connect(self._address.uri)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed or len(self._idle) >= _IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)

    def _give_back_after_error(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                connection.close()
        else:
            self._give_back(connection)

    def _forget_the_parents(self) -> None:
        if self._pid != os.getpid():
            _abandoned.extend(self._idle)
            self._idle = deque()
            self._pid = os.getpid()


def open_catalogue(root: Path, ops: FileOps) -> Catalogue:
    """Open a store's catalogue, making folder and file when there are none.

    Raises:
        StoreFormatError: a newer release wrote it, or the file is someone else's. An older format
            is migrated, except where it can only be read.
        CorruptDataError: the catalogue is damaged, or gone while bars are still there.
        DiskError: there is no store yet and the folder cannot be written.
    """
    path = root / CATALOGUE_NAME
    if path.is_file() and not may_write(path):
        return open_read_only(root, ops)
    if not path.exists() and any((root / "bars").glob("*/*/*/*.parquet")):
        raise CorruptDataError(
            f"{path} is missing but {root / 'bars'} holds files; restore it from a backup, "
            "or import those files into a new store"
        )
    catalogue = Catalogue(path, ops)
    with disk_errors():
        make_folders(ops, root)
    with _kept_if_sound(catalogue), catalogue.lend() as connection:
        found = _format_of(connection, path)
        if found == 0:
            _create(connection)
            ops.sync_folder(root)
        elif found < FORMAT:
            migrate(connection, path, ops)
        if found:
            _switch_to_wal(connection)  # a copy put in its place is no write-ahead log yet
    return catalogue


def open_read_only(root: Path, ops: FileOps) -> Catalogue:
    """Open the catalogue of an existing store without ever writing to it.

    Raises:
        StoreError: the folder holds no store.
        StoreFormatError: a newer or an older release wrote it, or the file is someone else's.
    """
    path = root / CATALOGUE_NAME
    nothing = StoreError(
        f"{root} holds no bar store ({CATALOGUE_NAME} is missing); import bars first or correct "
        "the path"
    )
    if not path.is_file():
        raise nothing
    catalogue = Catalogue(path, ops, read_only=True)
    with _kept_if_sound(catalogue), catalogue.lend() as connection:
        found = _format_of(connection, path)
        if found == 0:
            raise nothing
        if found < FORMAT:
            raise StoreFormatError(
                f"{path} has the older format {found}; open it for writing once, which brings it "
                f"to format {FORMAT} and keeps a copy"
            )
    return catalogue


@contextmanager
def _kept_if_sound(catalogue: Catalogue) -> Generator[None, None, None]:
    try:
        yield
    except BaseException:
        catalogue.close()
        raise


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        with suppress(sqlite3.OperationalError):  # a damaged file is reported by its first use
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:  # a damaged schema may be no text at all
        connection.close()
        raise
    return connection


def _format_of(connection: sqlite3.Connection, path: Path) -> int:
    # Tables first: where another process makes them meanwhile, what is read next has their names.
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if tables and application != APPLICATION_ID:
        raise StoreFormatError(f"{path} is an SQLite file of another program, not a bar store")
    if found > FORMAT:
        raise StoreFormatError(
            f"{path} has format {found}, this release reads up to {FORMAT}; "
            "upgrade simutrador-data-manager"
        )
    return found


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _switch_to_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        with closing(connection.cursor()) as cursor:
            for statement in SCHEMA.split(";\n"):
                cursor.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for others here, so two processes creating one store take turns.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF not in _LOCKED_CODES or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _translated(
    error: sqlite3.DatabaseError | UnicodeDecodeError | OSError, path: Path
) -> StoreError:
    """Return what an error of SQLite or the operating system means for the store."""
    if isinstance(error, OSError):
        return DiskError(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # What SQLite says of a damaged schema quotes it, and may be no text.
    if isinstance(error, UnicodeDecodeError) or code in _CORRUPT_CODES:
        return CorruptDataError(f"{path} is damaged ({error}); restore it from a backup")
    if code in _DISK_CODES:
        return DiskError(_disk_error(code, str(error), path))
    if code in _LOCKED_CODES:
        return StoreError(f"{path}: other writers kept it busy; try again ({error})")
    return StoreError(f"{path}: {error}")


def _disk_error(code: int, text: str, path: Path) -> OSError:
    if code == sqlite3.SQLITE_IOERR and is_full(path.parent):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return OSError(_DISK_CODES[code], text, str(path))


__all__ = ["Catalogue", "open_catalogue", "open_read_only", "CATALOGUE_NAME"]

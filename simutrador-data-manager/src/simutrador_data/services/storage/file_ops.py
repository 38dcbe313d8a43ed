"""Every touch of the disk the store makes, as one small object that tests can replace.

The store calls nothing of `os` itself. A test passes a subclass that fails, writes short or stops
the process at the k-th call of `before`. Files become visible by rename only and are durable
before a transaction names them: `create` (write + fsync), `rename`, `sync_folder`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from simutrador_core.errors import StoreError

Buffer: TypeAlias = bytes | memoryview
_COPIED_AT_ONCE: Final = 1024 * 1024
_LEAST_FREE_BYTES: Final = 65_536


_NEXT_STEP: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "make the store's folder writable"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more open files (ulimit -n)"),
}
"""What helps, by what the operating system said; for the rest, the disk must be looked at."""


class DiskError(StoreError, OSError):
    """The disk refused: full, read-only or failing. `errno` and `filename` say what and where."""

    def __init__(self, error: OSError) -> None:
        """Wrap what the operating system said."""
        reason = error.strerror or str(error) or type(error).__name__
        place = f"{error.filename}: " if error.filename else ""
        step = _NEXT_STEP.get(error.errno or 0, "check the disk and the store's folder")
        super().__init__(f"{place}{reason}; {step}, then try again")
        self.errno = error.errno
        self.strerror = error.strerror
        self.filename = error.filename

    def __str__(self) -> str:
        """Return the text; `OSError` would format its own."""
        return str(self.args[0])


@contextmanager
def _naming(path: Path) -> Generator[None, None, None]:
    """Name the file in errors of calls that know only a descriptor."""
    try:
        yield
    except OSError as e:
        e.filename = e.filename or str(path)
        raise


@contextmanager
def _naming_a_full_disk(path: Path) -> Generator[None, None, None]:
    """Name the file SQLite writes: it is full there, not where the source lies."""
    try:
        yield
    except sqlite3.DatabaseError as e:
        code = getattr(e, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and is_full(path.parent)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from e
        raise


def is_full(folder: Path) -> bool:
    """Return whether there is no room for what SQLite lays out beside a file.

    It calls that an I/O error, not a full disk.
    """
    return shutil.disk_usage(folder).free < _LEAST_FREE_BYTES


@contextmanager
def disk_errors() -> Generator[None, None, None]:
    """Turn an `OSError` of the operating system into a `DiskError`."""
    try:
        yield
    except StoreError:
        raise
    except OSError as e:
        raise DiskError(e) from e


class FileOps:
    """The real disk. Each public method is one operation and calls `before` first."""

    def before(self, operation: str, path: Path) -> None:
        """Do nothing; tests override this to fail or crash at the k-th operation."""

    def create(self, path: Path, parts: Sequence[Buffer]) -> None:
        """Write a new file and wait until its bytes are on the disk."""
        self.before("create", path)
        with _naming(path), path.open("xb") as file:
            self._write(file.fileno(), parts)
            os.fsync(file.fileno())

    def create_derived(self, path: Path, parts: Sequence[Buffer]) -> None:
        """Write a new file that can be made again: nobody waits for the disk."""
        self.before("create_derived", path)
        with _naming(path), path.open("xb") as file:
            self._write(file.fileno(), parts)

    def copy(self, source: Path, target: Path) -> str:
        """Copy a file of any size to a new one, on the disk when this returns; return its SHA-256.

        What is returned is the digest of the bytes read; the caller compares it.
        """
        self.before("copy", target)
        digest = hashlib.sha256()
        with _naming(target), source.open("rb") as given, target.open("xb") as file:
            while part := given.read(_COPIED_AT_ONCE):
                digest.update(part)
                self._write(file.fileno(), [part])
            os.fsync(file.fileno())
        return digest.hexdigest()

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file of any size."""
        self.before("digest", path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def rename(self, source: Path, target: Path) -> None:
        """Move a file within the store, replacing the target."""
        self.before("rename", target)
        source.replace(target)

    def make_folder(self, path: Path) -> None:
        """Make a folder, its parent being there; its name is on the disk when this returns."""
        self.before("make_folder", path)
        path.mkdir(exist_ok=True)
        self._sync(path.parent)

    def sync_folder(self, path: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        self.before("sync_folder", path)
        self._sync(path)

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file."""
        self.before("read", path)
        return path.read_bytes()

    def remove(self, path: Path) -> int:
        """Delete a file and return its size; 0 when it is gone already."""
        self.before("remove", path)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def files(self, folder: Path) -> list[Path]:
        """Return every file below a folder, sorted; none when there is no such folder."""
        self.before("files", folder)
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        """Make the open transaction of the catalogue durable: the moment a change happens."""
        self.before("commit", path)
        connection.execute("COMMIT")

    def snapshot(self, database: Path, path: Path) -> None:
        """Copy the committed state of a database into a new file, on the disk when this returns."""
        # A connection of its own: SQLite would wait for ever for one that is in a transaction.
        with closing(sqlite3.connect(database)) as source:
            self.snapshot_of(source, path)

    def snapshot_of(self, source: sqlite3.Connection, path: Path) -> None:
        """Copy what a connection, outside of any transaction, sees; otherwise the same."""
        self.before("snapshot", path)
        with _naming_a_full_disk(path), closing(sqlite3.connect(path)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, complete by itself
        with path.open("rb+") as file:
            os.fsync(file.fileno())

    def _write(self, descriptor: int, parts: Sequence[Buffer]) -> None:
        for part in parts:
            left = memoryview(part).cast("B")
            while left:
                left = left[os.write(descriptor, left) :]

    def _sync(self, folder: Path) -> None:
        if os.name == "nt":  # Windows cannot open a folder; NTFS journals names itself
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with _naming(folder):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folders(ops: FileOps, path: Path) -> None:
    """Make a folder and its missing parents, each durable."""
    missing = [path] if not path.is_dir() else []
    while missing and not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        ops.make_folder(folder)


__all__ = ["FileOps", "DiskError", "disk_errors", "is_full", "make_folders", "Buffer"]

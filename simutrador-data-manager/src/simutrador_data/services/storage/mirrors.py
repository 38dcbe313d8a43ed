"""Mirrors: a Parquet file's table as `.npy`, mapped into memory for hot reads.

A mirror is named by the digest of its file, never changes, and may be deleted at any time. After
the array follow a mark and the CRC-32 of each chunk of 8,192 rows: a chunk is checked the first
time a process serves it, so a damaged or half-written mirror is found and made again.
"""

from __future__ import annotations

import errno
import io
import threading
import zlib
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np

from simutrador_core.errors import StoreError
from simutrador_data.services.storage.file_ops import FileOps, make_folders
from simutrador_data.services.storage.mapping import map_array
from simutrador_data.services.storage.table import WIDE, Table

CHUNK: Final = 8_192
_MARK: Final = b"SIMUTRADOR-CRC-1"
_OPEN_AT_ONCE: Final = 512
_WITH_DESCRIPTOR: Final = 64
"""How many maps of a store may keep a file descriptor, of which a process has few."""
_OUT_OF_MEANS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class DamagedMirrorError(StoreError):
    """A mirror is not what its file holds; it is deleted and made again, nobody sees this."""


class Mirror:
    """One mapped table; `rows` checks what it hands out."""

    def __init__(self, path: Path, *, rows: int, keeps_descriptor: bool = True) -> None:
        """Map a mirror file; see `map_array`.

        Raises:
            DamagedMirrorError: it does not hold a table of so many rows, and their checksums.
            OSError: there is no such file, or the process may not map one more.
        """
        self.path = path
        try:
            self._table, tail = map_array(path, keeps_descriptor=keeps_descriptor)
            self._sums = _sums_of(tail, self._table)
        except (OSError, ValueError, EOFError, SyntaxError) as e:
            if isinstance(e, FileNotFoundError) or getattr(e, "errno", None) in _OUT_OF_MEANS:
                raise
            raise DamagedMirrorError(f"{path.name}: {e}") from e
        if self._table.shape[1] != rows:
            raise DamagedMirrorError(f"{path.name} holds another table")
        self._checked = bytearray(len(self._sums))

    def rows(self, first: int, last: int) -> Table:
        """Return rows `[first, last)` as a read-only view.

        Raises:
            DamagedMirrorError: a chunk of them does not match its checksum.
        """
        for chunk in range(first // CHUNK, -(-last // CHUNK)):
            if not self._checked[chunk]:
                if _chunk_sum(self._table, chunk) != self._sums[chunk]:
                    raise DamagedMirrorError(f"{self.path.name}: rows from {chunk * CHUNK}")
                self._checked[chunk] = 1
        return self._table[:, first:last]


class Mirrors:
    """The folder of mirrors: finds, makes and evicts them. Failing to make one is no error."""

    def __init__(self, folder: Path, ops: FileOps, *, scratch: Path, limit_bytes: int) -> None:
        """Keep mirrors in `folder`, together at most `limit_bytes`; 0 makes none."""
        self.folder = folder
        self._ops = ops
        self._scratch = scratch
        self._limit_bytes = limit_bytes
        self._room = 0
        self._mapped = 0
        self._open: OrderedDict[str, Mirror] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: str, *, rows: int) -> Mirror | None:
        """Return the mirror of a file, or None when it cannot be used; a damaged one is deleted."""
        with self._lock:
            mirror = self._open.get(digest)
            if mirror is not None:
                self._open.move_to_end(digest)
                return mirror
            self._mapped += 1
            keeps_descriptor = self._mapped <= _WITH_DESCRIPTOR
        try:
            mirror = Mirror(self._path(digest), rows=rows, keeps_descriptor=keeps_descriptor)
        except OSError:
            return None
        except DamagedMirrorError:
            self.drop(digest)
            return None
        self._keep(digest, mirror)
        return mirror

    def accepts(self, rows: int) -> bool:
        """Return whether a mirror of so many rows is within the limit."""
        return rows * WIDE * 8 <= self._limit_bytes

    def make(self, digest: str, table: Table) -> None:
        """Write the mirror of a file, as far as that works."""
        size = table.nbytes
        scratch = self._scratch / f"{uuid4().hex}.npy"
        with suppress(OSError):
            self._make_room(size)
            make_folders(self._ops, self.folder)
            make_folders(self._ops, self._scratch)
            try:
                self._ops.create_derived(scratch, _parts(table))
                self._ops.rename(scratch, self._path(digest))
            except OSError:
                self._ops.remove(scratch)
                raise

    def drop(self, digest: str) -> int:
        """Forget and delete a mirror; return the bytes freed."""
        with self._lock:
            self._open.pop(digest, None)
        try:
            return self._ops.remove(self._path(digest))
        except OSError:
            return 0

    def forget(self) -> None:
        """Let go of every mapped mirror."""
        with self._lock:
            self._open.clear()

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.npy"

    def _keep(self, digest: str, mirror: Mirror) -> None:
        with self._lock:
            self._open[digest] = mirror
            while len(self._open) > _OPEN_AT_ONCE:
                self._open.popitem(last=False)

    def _make_room(self, size: int) -> None:
        """Delete the oldest mirrors where the next one would not fit.

        The folder is looked at anew whenever a sixteenth of the limit was added: other processes
        add mirrors too.
        """
        with self._lock:
            self._room -= size
            if self._room >= 0:
                return
        allowed = self._limit_bytes - size
        found = [(path.stat(), path) for path in self._ops.files(self.folder)]
        total = sum(stat.st_size for stat, _ in found)
        for stat, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            if total <= allowed:
                break
            total -= stat.st_size
            self.drop(path.stem)
        with self._lock:
            self._room = min(allowed - total, self._limit_bytes // 16)


def _parts(table: Table) -> list[bytes | memoryview]:
    table = np.ascontiguousarray(table)
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<i8", "fortran_order": False, "shape": table.shape}
    )
    chunks = range(-(-table.shape[1] // CHUNK))
    sums = np.array([_chunk_sum(table, chunk) for chunk in chunks], dtype="<u4")
    return [head.getvalue(), table.data, _MARK + sums.tobytes()]


def _sums_of(tail: bytes, table: Table) -> list[int]:
    chunks = -(-table.shape[1] // CHUNK)
    if tail[: len(_MARK)] != _MARK or len(tail) != len(_MARK) + 4 * chunks:
        raise ValueError("the end is missing")
    return np.frombuffer(tail[len(_MARK) :], dtype="<u4").tolist()


def _chunk_sum(table: Table, chunk: int) -> int:
    total = 0
    for row in table:
        total = zlib.crc32(row[chunk * CHUNK : (chunk + 1) * CHUNK], total)
    return total


__all__ = ["Mirror", "Mirrors", "DamagedMirrorError"]

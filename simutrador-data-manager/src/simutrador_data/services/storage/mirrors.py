"""Mirrors: a Parquet file's table as `.npy`, mapped into memory for hot reads.

A mirror is named by the digest of its file, never changes, and may be deleted at any time. After
the array follow a mark and the CRC-32 of each chunk of 8,192 rows: a chunk is checked the first
time a process serves it, so a damaged or half-written mirror is found and made again.
"""

from __future__ import annotations

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
from simutrador_data.services.storage.table import WIDE, Table

CHUNK: Final = 8_192
_MARK: Final = b"SIMUTRADOR-CRC-1"
_OPEN_AT_ONCE: Final = 512


class DamagedMirrorError(StoreError):
    """A mirror is not what its file holds; it is deleted and made again, nobody sees this."""


class Mirror:
    """One mapped table; `rows` checks what it hands out."""

    def __init__(self, path: Path, *, rows: int) -> None:
        """Map a mirror file.

        Raises:
            DamagedMirrorError: header or size are not those of a table of so many rows.
        """
        self.path = path
        try:
            self._table: Table = np.load(path, mmap_mode="r", allow_pickle=False)
            sums = self._read_sums()
        except FileNotFoundError:
            raise
        except (OSError, ValueError, EOFError, SyntaxError) as e:
            raise DamagedMirrorError(f"{path.name}: {e}") from e
        if self._table.ndim != 2 or self._table.shape[1] != rows or self._table.dtype != np.int64:
            raise DamagedMirrorError(f"{path.name} holds another table")
        self._sums = sums
        self._checked = bytearray(len(sums))

    def _read_sums(self) -> list[int]:
        size = self.path.stat().st_size
        chunks = -(-self._table.shape[-1] // CHUNK)
        data_end = int(getattr(self._table, "offset", 0)) + self._table.nbytes
        with self.path.open("rb") as file:
            file.seek(data_end)
            tail = file.read()
        if data_end + len(tail) != size or tail[: len(_MARK)] != _MARK:
            raise ValueError("the end is missing")
        sums = np.frombuffer(tail[len(_MARK) :], dtype="<u4").tolist()
        if len(sums) != chunks:
            raise ValueError("the number of checksums is wrong")
        return sums

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
        return np.asarray(self._table)[:, first:last]


class Mirrors:
    """The folder of mirrors: finds, makes and evicts them. Failing to make one is no error."""

    def __init__(self, folder: Path, ops: FileOps, *, scratch: Path, limit_bytes: int) -> None:
        """Keep mirrors in `folder`, together at most `limit_bytes`; 0 makes none."""
        self.folder = folder
        self._ops = ops
        self._scratch = scratch
        self._limit_bytes = limit_bytes
        self._room = 0
        self._open: OrderedDict[str, Mirror] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: str, *, rows: int) -> Mirror | None:
        """Return the mirror of a file, or None; a damaged one is deleted."""
        with self._lock:
            mirror = self._open.get(digest)
            if mirror is not None:
                self._open.move_to_end(digest)
                return mirror
        try:
            mirror = Mirror(self._path(digest), rows=rows)
        except FileNotFoundError:
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


def _chunk_sum(table: Table, chunk: int) -> int:
    total = 0
    for row in table:
        total = zlib.crc32(row[chunk * CHUNK : (chunk + 1) * CHUNK], total)
    return total


__all__ = ["Mirror", "Mirrors", "DamagedMirrorError"]

"""The bytes behind the segment list: objects are checked, decoded and mapped here.

Every object is compared with its checksum in the catalogue before this process first serves it:
a block whenever it is decoded, a Parquet file when it is first used, a mirror chunk by chunk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from uuid import uuid4

from simutrador_core.errors import CorruptDataError, StoreError
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.storage import blocks, parquet_file
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.file_ops import FileOps, disk_errors, make_folders
from simutrador_data.services.storage.mirrors import DamagedMirrorError, Mirrors
from simutrador_data.services.storage.names import encode_name
from simutrador_data.services.storage.segment_list import ObjectRef, read_block
from simutrador_data.services.storage.table import Table

SCRATCH: Final = "tmp"
MIRRORS: Final = "mirrors"
_DECODED_BLOCKS: Final = 256


class ObjectGoneError(StoreError):
    """An object a reader still names was vacuumed: take a fresh snapshot and try again."""


class Contents:
    """Reads and writes the objects of one store."""

    def __init__(self, root: Path, catalogue: Catalogue, ops: FileOps, mirrors: Mirrors) -> None:
        """Keep the store's folder, its catalogue (for blocks) and its mirrors."""
        self._root = root
        self._catalogue = catalogue
        self._ops = ops
        self._mirrors = mirrors
        self._blocks: OrderedDict[int, Table] = OrderedDict()
        self._lock = threading.Lock()
        self._intact: set[str] = set()

    def rows(self, ref: ObjectRef, first: int, last: int, connection: sqlite3.Connection) -> Table:
        """Return rows `[first, last)` of an object, a view of its mirror where there is one.

        A Parquet file without a mirror gets one.

        Raises:
            ObjectGoneError: it was vacuumed since the segment list was read.
            CorruptDataError: its bytes do not match their checksum.
        """
        if ref.path is None:
            return self._block(ref, connection)[:, first:last]
        data = None if ref.digest in self._intact else self.file_bytes(ref)
        found = self._mirrored(ref, first, last)
        if found is not None:
            return found
        data = self.file_bytes(ref) if data is None else data
        if not self._mirrors.accepts(ref.rows):
            return self._decoded(ref, data, first, last)
        table = self._decoded(ref, data, 0, ref.rows)
        self._mirrors.make(ref.digest, table)
        return table[:, first:last]

    def row(self, ref: ObjectRef, number: int, connection: sqlite3.Connection) -> Table:
        """Return one row of an object, a copy: who keeps it keeps no map or table alive.

        A Parquet file without a mirror gets none for it.

        Raises:
            ObjectGoneError: it was vacuumed since the segment list was read.
            CorruptDataError: its bytes do not match their checksum.
        """
        if ref.path is None:
            return self._block(ref, connection)[:, number : number + 1].copy()
        data = None if ref.digest in self._intact else self.file_bytes(ref)
        found = self._mirrored(ref, number, number + 1)
        if found is None:
            data = self.file_bytes(ref) if data is None else data
            found = self._decoded(ref, data, number, number + 1)
        return found.copy()

    def rows_once(self, ref: ObjectRef, first: int, last: int) -> Table:
        """Return the same without making or mapping a mirror: for long reads in little memory.

        Raises:
            ObjectGoneError: it was vacuumed since the segment list was read.
            CorruptDataError: its bytes do not match their checksum.
        """
        if ref.path is not None:
            return self._decoded(ref, self.file_bytes(ref), first, last)
        with self._catalogue.lend() as connection:
            return self._block(ref, connection)[:, first:last]

    def file_bytes(self, ref: ObjectRef) -> bytes:
        """Return the bytes of a Parquet object, checked.

        Raises:
            ObjectGoneError: there is no such file.
            CorruptDataError: its bytes do not match their checksum.
        """
        path = self._path(ref)
        try:
            with disk_errors():
                data = self._ops.read(path)
        except OSError as e:
            if isinstance(e.__cause__, FileNotFoundError):
                raise ObjectGoneError(f"{path} is gone") from e
            raise
        self._check(ref, data)
        self._intact.add(ref.digest)
        return data

    def write_files(
        self,
        parts: Sequence[tuple[str, Table]],
        series: SeriesKey,
        *,
        place: str,
        written: list[ObjectRef],
    ) -> list[ObjectRef]:
        """Write labelled tables as durable Parquet files below `place`, in their order.

        Several are encoded and synced side by side. Their ids are 0 until the catalogue names them;
        each is appended to `written` once it has its name, so that whoever fails later can delete
        it.

        Raises:
            DiskError: one could not be written; nothing but unnamed files can be left behind.
            ObjectGoneError: one was vacuumed before it was done.
        """
        if not parts:
            return []
        where = (place, str(series.timeframe), str(series.adjustment), encode_name(series.symbol))
        folder = self._root.joinpath(*where)
        with disk_errors():
            make_folders(self._ops, folder)
            make_folders(self._ops, self._root / SCRATCH)
            scratch = [
                self._root / SCRATCH / f"{label}-{uuid4().hex}.parquet" for label, _ in parts
            ]
            tables = [table for _, table in parts]
            try:
                digests = self._create(scratch, tables, series)
                for path, digest, table in zip(scratch, digests, tables, strict=True):
                    self._ops.rename(path, folder / path.name)
                    name = "/".join((*where, path.name))
                    written.append(ObjectRef(0, name, digest, table.shape[1]))
                self._ops.sync_folder(folder)
            except FileNotFoundError as e:  # a vacuum took it, as compaction works without the lock
                raise ObjectGoneError(f"{e.filename} is gone") from e
            except OSError:
                self.remove_unnamed([*scratch, *(folder / path.name for path in scratch)])
                raise
        return written[-len(parts) :]

    def _create(
        self, paths: Sequence[Path], tables: Sequence[Table], series: SeriesKey
    ) -> list[str]:
        """Write tables into new files, on the disk when this returns, and return their digests."""

        def create(path: Path, table: Table) -> str:
            data = parquet_file.encode(table, series)
            self._ops.create(path, [data])
            return blocks.digest_of(data)

        if len(paths) == 1:  # as a rule: a thread would only cost time
            return [create(paths[0], tables[0])]
        # Two more than processors, as some wait for the disk.
        with ThreadPoolExecutor(min(len(paths), 2 + (os.cpu_count() or 1))) as pool:
            return list(pool.map(create, paths, tables))

    def fresh_rows(self, ref: ObjectRef) -> int:
        """Return how many rows an object decodes to, reading all of it from the disk again.

        Raises:
            ObjectGoneError: it was vacuumed.
            CorruptDataError: its bytes do not match their checksum.
        """
        if ref.path is not None:
            return self._decoded(ref, self.file_bytes(ref), 0, ref.rows).shape[1]
        with self._catalogue.lend() as connection:
            return self._decode_block(ref, connection).shape[1]

    def require(self, ref: ObjectRef) -> None:
        """Do nothing when a file is there.

        Raises:
            ObjectGoneError: there is no such file.
        """
        if not self._path(ref).exists():
            raise ObjectGoneError(f"{self._path(ref)} is gone")

    def size_of(self, ref: ObjectRef) -> int:
        """Return how many bytes a file holds; 0 when it is gone."""
        path = self._path(ref)
        return path.stat().st_size if path.exists() else 0

    def remove_unnamed(self, paths: list[Path] | list[ObjectRef]) -> None:
        """Delete files no transaction named, as far as that works; vacuum finds the rest."""
        for path in paths:
            target = path if isinstance(path, Path) else self._path(path)
            try:
                self._ops.remove(target)
            except OSError:
                return

    def _path(self, ref: ObjectRef) -> Path:
        assert ref.path is not None
        return self._root / ref.path

    def _mirrored(self, ref: ObjectRef, first: int, last: int) -> Table | None:
        mirror = self._mirrors.find(ref.digest, rows=ref.rows)
        try:
            return None if mirror is None else mirror.rows(first, last)
        except DamagedMirrorError:
            self._mirrors.drop(ref.digest)
            return None

    def _block(self, ref: ObjectRef, connection: sqlite3.Connection) -> Table:
        with self._lock:
            table = self._blocks.get(ref.id)
            if table is not None:
                self._blocks.move_to_end(ref.id)
                return table
        table = self._decode_block(ref, connection)
        with self._lock:
            self._blocks[ref.id] = table
            while len(self._blocks) > _DECODED_BLOCKS:
                self._blocks.popitem(last=False)
        return table

    def _decode_block(self, ref: ObjectRef, connection: sqlite3.Connection) -> Table:
        data = read_block(connection, ref.id)
        if data is None:
            raise ObjectGoneError(f"block {ref.id} is gone")
        self._check(ref, data)
        return blocks.decode(data)

    def _check(self, ref: ObjectRef, data: bytes) -> None:
        if blocks.digest_of(data) != ref.digest:
            raise CorruptDataError(
                f"{self.name_of(ref)} does not match its checksum, nothing of it is served; "
                "`simutrador-data store verify` puts it aside and lists the bars to fetch again"
            )

    def name_of(self, ref: ObjectRef) -> str:
        """Return where an object lies, for people."""
        if ref.path is None:
            return f"block {ref.id} of {self._catalogue.path}"
        return str(self._root / ref.path)

    def _decoded(self, ref: ObjectRef, data: bytes, first: int, last: int) -> Table:
        try:
            return parquet_file.decode(data, first=first, last=last)
        except CorruptDataError as e:
            raise CorruptDataError(f"{self.name_of(ref)}: {e}") from e


__all__ = ["Contents", "ObjectGoneError", "SCRATCH", "MIRRORS"]

"""Backup: one committed version of everything, copied while others read and write.

The catalogue is copied first, by SQLite, which sees one committed state; then the files it names,
which never change. A file that compaction and vacuum took away meanwhile means that the copy is
out of date: a fresh one is taken, and files copied already are kept. A second backup into the
same folder copies only what is new. Files are copies, not links: damage to one is not in both.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from simutrador_core.errors import CorruptDataError, InputError, StoreError
from simutrador_data.services.storage.backup_folder import LOCK, check_lineage, locked
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.file_ops import FileOps, disk_errors, make_folders
from simutrador_data.services.storage.manifest import (
    MANIFEST_FORMAT,
    NAME,
    FileEntry,
    Manifest,
    read_manifest,
    state_of,
)
from simutrador_data.services.storage.quarantine import QUARANTINE
from simutrador_data.services.storage.schema import FORMAT
from simutrador_data.services.storage.segment_list import latest_commit
from simutrador_data.services.storage.watching import Watch, nobody

_ATTEMPTS: Final = 5
_SCRATCH: Final = "tmp"
_BESIDE: Final = ("assets.toml",)
"""What users keep beside the catalogue, and want back with it."""
_OURS: Final = {_SCRATCH, LOCK, "bars", "history", *_BESIDE}
_FILES: Final = """SELECT path, digest, bytes FROM objects
    WHERE path IS NOT NULL AND place <> ? ORDER BY path"""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, and how many files and bytes were new to its folder."""

    folder: Path
    manifest: Manifest
    copied_files: int
    copied_bytes: int


def back_up(
    root: Path,
    catalogue: Catalogue,
    ops: FileOps,
    target: Path,
    *,
    made_at: datetime,
    watch: Watch = nobody,
) -> BackupReport:
    """Write a backup of the newest committed state, or bring the one in `target` up to date.

    Args:
        root: The store's folder.
        catalogue: Its catalogue.
        ops: The disk.
        target: Where to; an empty or absent folder, or one with a backup.
        made_at: Now, aware UTC.
        watch: Told how many files are done.

    Raises:
        InputError: the target lies in the store, or holds something else: files, or the backup of
            a store that this one does not go on from.
        StoreError: another backup is being written into it.
        CorruptDataError: a file does not match its checksum; run `verify` first.
        DiskError: the target is full or read-only. A backup that was there stays whole.
    """
    _check_target(root, target)
    with disk_errors():
        make_folders(ops, target / _SCRATCH)
        with locked(target):
            for number in range(1, _ATTEMPTS + 1):
                copier = _Copier(root, target, ops)
                # What is vacuumed away under every attempt has no other way: writers wait for the
                # last one, which copies only what those before have not.
                alone = number == _ATTEMPTS and not catalogue.read_only
                try:
                    with catalogue.write() if alone else nullcontext():
                        return copier.run(catalogue, made_at=made_at, watch=watch)
                except FileNotFoundError:
                    continue
    raise StoreError(
        f"a file that {root} names is missing; run `simutrador-data store verify`, which lists "
        "what to fetch again, then back up again"
    )


def _check_target(root: Path, target: Path) -> None:
    if root.resolve() in (target.resolve(), *target.resolve().parents):
        raise InputError(f"{target} lies in the store itself; name another folder", field="target")
    if (target / NAME).exists() or not target.is_dir():
        return
    for path in target.iterdir():  # what an interrupted first backup leaves is ours
        if path.name not in _OURS and not path.match("catalogue-*.sqlite"):
            raise InputError(
                f"{target} holds {path.name}, which is no backup; name an empty folder",
                field="target",
            )


class _Copier:
    """One attempt at a backup."""

    def __init__(self, root: Path, target: Path, ops: FileOps) -> None:
        self._root = root
        self._target = target
        self._ops = ops
        self._files = 0
        self._bytes = 0

    def run(self, catalogue: Catalogue, *, made_at: datetime, watch: Watch) -> BackupReport:
        scratch = self._target / _SCRATCH / f"{uuid4().hex}.sqlite"
        try:
            with catalogue.lend() as connection:
                self._ops.snapshot_of(connection, scratch)
            with closing(sqlite3.connect(scratch)) as copy:
                check_lineage(self._target, copy)
                entries = [FileEntry(*row) for row in copy.execute(_FILES, (QUARANTINE,))]
                state, latest = state_of(copy), latest_commit(copy)
            for done, entry in enumerate(entries):
                watch(done, len(entries))
                self._copy(entry)
            watch(len(entries), len(entries))
            beside = [self._copy_beside(name) for name in _BESIDE if (self._root / name).is_file()]
            named = self._name_catalogue(scratch)
        finally:
            self._ops.remove(scratch)
        manifest = Manifest(
            MANIFEST_FORMAT,
            FORMAT,
            made_at.isoformat(),
            latest,
            state,
            named,
            (*entries, *beside),
        )
        self._publish(manifest)
        return BackupReport(self._target, manifest, self._files, self._bytes)

    def _copy(self, entry: FileEntry) -> None:
        path = self._target / entry.path
        if path.exists() and path.stat().st_size == entry.bytes:
            return  # names are never used twice, so this is the same file
        if self._copied(self._root / entry.path, path) != entry.sha256:
            self._ops.remove(path)
            raise CorruptDataError(
                f"{self._root / entry.path} does not match its checksum; run "
                "`simutrador-data store verify`, which puts it aside, then back up again"
            )

    def _copy_beside(self, name: str) -> FileEntry:
        path = self._target / name
        digest = self._copied(self._root / name, path)
        return FileEntry(name, digest, path.stat().st_size)

    def _copied(self, source: Path, path: Path) -> str:
        scratch = self._target / _SCRATCH / f"{uuid4().hex}{path.suffix}"
        make_folders(self._ops, path.parent)
        try:
            digest = self._ops.copy(source, scratch)
            self._ops.rename(scratch, path)
            self._ops.sync_folder(path.parent)
        except OSError:
            self._ops.remove(scratch)
            raise
        self._files += 1
        self._bytes += path.stat().st_size
        return digest

    def _name_catalogue(self, scratch: Path) -> FileEntry:
        digest = self._ops.digest(scratch)
        name = f"catalogue-{digest[:16]}.sqlite"
        size = scratch.stat().st_size
        self._ops.rename(scratch, self._target / name)
        self._ops.sync_folder(self._target)
        return FileEntry(name, digest, size)

    def _publish(self, manifest: Manifest) -> None:
        """Make this the backup, then delete what only the one before needed."""
        scratch = self._target / _SCRATCH / f"{uuid4().hex}.json"
        self._ops.create(scratch, [manifest.to_json()])
        self._ops.rename(scratch, self._target / NAME)
        self._ops.sync_folder(self._target)
        named = {NAME, manifest.catalogue.path, *(entry.path for entry in manifest.files)}
        for place in ("bars", "history", _SCRATCH):
            for path in self._ops.files(self._target / place):
                if path.relative_to(self._target).as_posix() not in named:
                    self._ops.remove(path)
        for path in self._target.glob("catalogue-*.sqlite"):
            if path.name not in named:
                self._ops.remove(path)


def verify_backup(folder: Path, ops: FileOps, *, watch: Watch = nobody) -> list[str]:
    """Return what is wrong with a backup, each with its file; nothing when it can be restored.

    Raises:
        StoreError: the folder holds no backup, or its manifest cannot be read.
    """
    manifest = read_manifest(folder)
    entries = (manifest.catalogue, *manifest.files)
    problems: list[str] = []
    for done, entry in enumerate(entries):
        watch(done, len(entries))
        path = folder / entry.path
        try:
            if ops.digest(path) != entry.sha256:
                problems.append(f"{path} does not match its checksum; use another backup")
        except FileNotFoundError:
            problems.append(f"{path} is missing; use another backup")
        except OSError as e:
            problems.append(f"{path}: {e.strerror or e}; check the disk")
    watch(len(entries), len(entries))
    return problems


__all__ = ["back_up", "verify_backup", "BackupReport"]

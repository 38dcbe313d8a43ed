"""Restore: a folder becomes the store a backup was made of, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import uuid4

from simutrador_core.errors import CorruptDataError, InputError
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.file_ops import FileOps, disk_errors, make_folders
from simutrador_data.services.storage.manifest import FileEntry, Manifest, read_manifest
from simutrador_data.services.storage.watching import Watch, nobody

_OURS: Final = ("bars", "history")


def restore(folder: Path, root: Path, ops: FileOps, *, watch: Watch = nobody) -> Manifest:
    """Make a store of a backup; every byte is compared with its digest on the way.

    The catalogue comes last: until then the folder holds no store. A failure takes back what was
    written.

    Args:
        folder: The backup.
        root: Where to; it must not hold bars yet.
        ops: The disk.
        watch: Told how many files are done.

    Raises:
        StoreError: the folder holds no backup.
        InputError: `root` holds a store, bars, or another file of the backup's already.
        CorruptDataError: a file of the backup is missing or damaged; nothing was restored.
        DiskError: the disk refused; nothing was restored.
    """
    manifest = read_manifest(folder)
    _check_free(root, manifest)
    written: list[Path] = []
    total = len(manifest.files) + 1
    with disk_errors():
        make_folders(ops, root / "tmp")
        try:
            for done, entry in enumerate(manifest.files):
                watch(done, total)
                _copy(folder, root, ops, entry, entry.path, written)
            _copy(folder, root, ops, manifest.catalogue, CATALOGUE_NAME, written)
            watch(total, total)
        except BaseException:
            for path in written:
                ops.remove(path)
            raise
    return manifest


def _check_free(root: Path, manifest: Manifest) -> None:
    taken = [root / CATALOGUE_NAME, *(path for place in _OURS for path in (root / place).glob("*"))]
    taken += [root / entry.path for entry in manifest.files]
    for path in taken:
        if path.exists():
            raise InputError(
                f"{root} holds {path.relative_to(root)} already; restore into an empty folder, "
                "then put that in its place",
                field="root",
            )


def _copy(
    folder: Path, root: Path, ops: FileOps, entry: FileEntry, name: str, written: list[Path]
) -> None:
    source, target = folder / entry.path, root / name
    scratch = root / "tmp" / f"{uuid4().hex}{target.suffix}"
    make_folders(ops, target.parent)
    written.append(scratch)
    try:
        digest = ops.copy(source, scratch)
    except FileNotFoundError as e:
        raise CorruptDataError(f"{source} is missing; use another backup") from e
    if digest != entry.sha256:
        raise CorruptDataError(f"{source} does not match its checksum; use another backup")
    written.append(target)
    ops.rename(scratch, target)
    ops.sync_folder(target.parent)


__all__ = ["restore"]

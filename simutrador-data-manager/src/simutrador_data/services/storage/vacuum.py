"""Vacuum: delete what no segment names, and no file that is not ours.

Every version stays readable, unless the caller says since when versions are kept. A reader that
planned with the list of a moment ago may miss an object that was compacted since: it takes a fresh
snapshot of the same version and goes on.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Final

from simutrador_core.interfaces.storage import Report
from simutrador_core.models.enums import Maintenance
from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import MIRRORS, SCRATCH, Contents
from simutrador_data.services.storage.file_ops import FileOps, disk_errors
from simutrador_data.services.storage.mirrors import Mirrors
from simutrador_data.services.storage.retention import drop_versions_before, version_at

PLACES: Final = ("bars", "history")
_OUR_NAME: Final = re.compile(r"(-?[0-9]{4}|all|past)-[0-9a-f]{32}\.parquet")
_OUR_SCRATCH: Final = re.compile(r"(.+-)?[0-9a-f]{32}\.(parquet|npy|sqlite(-journal)?)")
_UNUSED = """FROM objects WHERE NOT EXISTS
    (SELECT 1 FROM segments WHERE segments.object_id = objects.id)"""


def vacuum(
    root: Path,
    catalogue: Catalogue,
    contents: Contents,
    mirrors: Mirrors,
    ops: FileOps,
    *,
    keep_versions_since: int | datetime | None = None,
) -> Report:
    """Delete unused objects, files a failure left behind and mirrors without a file.

    Args:
        root: The store's folder.
        catalogue: Its catalogue.
        contents: Its objects.
        mirrors: Its mirrors.
        ops: The disk.
        keep_versions_since: Versions before this commit, or before the one that was newest at
            this instant, are dropped; None drops none.

    Raises:
        InvalidRangeError: there is no such commit.
    """
    with catalogue.write() as connection:
        if keep_versions_since is not None:
            drop_versions_before(connection, version_at(connection, keep_versions_since))
        blocks_freed, forgotten = _forget_unused(connection)
    # Under the lock no commit is between writing its files and naming them. Compaction writes
    # without the lock, but looks under it whether its file is still there.
    with catalogue.write() as connection, disk_errors():
        named = {path for (path,) in connection.execute("SELECT path FROM objects") if path}
        digests = {row[0] for row in connection.execute("SELECT digest FROM objects")}
        freed, removed = 0, 0
        for path in _leftovers(root, ops, named, digests):
            size = mirrors.drop(path.stem) if path.parent.name == MIRRORS else ops.remove(path)
            freed, removed = freed + size, removed + 1
    with catalogue.lend() as connection:
        connection.execute("PRAGMA incremental_vacuum").fetchall()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return Report(
        Maintenance.VACUUM,
        checked=len(named),
        changed=forgotten + removed,
        freed_bytes=blocks_freed + freed,
    )


def is_ours(path: Path) -> bool:
    """Return whether a file below `bars` or `history` carries a name the store gives."""
    return _OUR_NAME.fullmatch(path.name) is not None


def _forget_unused(connection: sqlite3.Connection) -> tuple[int, int]:
    """Take unused objects off the catalogue; return blocks' bytes and how many blocks."""
    size, count = connection.execute(
        f"SELECT coalesce(sum(bytes), 0), count(*) {_UNUSED} AND path IS NULL"
    ).fetchone()
    connection.execute(f"DELETE {_UNUSED}")
    return size, count


def _leftovers(root: Path, ops: FileOps, named: set[str], digests: set[str]) -> list[Path]:
    files = [path for place in PLACES for path in ops.files(root / place) if is_ours(path)]
    found = [path for path in files if path.relative_to(root).as_posix() not in named]
    found += [p for p in ops.files(root / SCRATCH) if _OUR_SCRATCH.fullmatch(p.name)]
    found += [p for p in ops.files(root / MIRRORS) if p.suffix == ".npy" and p.stem not in digests]
    return found


__all__ = ["vacuum", "is_ours", "PLACES"]

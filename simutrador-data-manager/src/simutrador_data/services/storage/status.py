"""What a store consists of: counts and sizes, from the catalogue alone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simutrador_data.services.storage.catalogue import Catalogue
from simutrador_data.services.storage.contents import MIRRORS
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.quarantine import QUARANTINE
from simutrador_data.services.storage.schema import FORMAT
from simutrador_data.services.storage.segment_list import latest_commit

_PLACES: Final = "SELECT place, count(*), sum(rows), sum(bytes) FROM objects GROUP BY place"
_UNUSED: Final = """SELECT count(*), coalesce(sum(bytes), 0) FROM objects WHERE NOT EXISTS
    (SELECT 1 FROM segments WHERE segments.object_id = objects.id)"""


@dataclass(frozen=True, slots=True)
class PlaceStatus:
    """How much lies in one place, or of one kind."""

    objects: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store consists of.

    Attributes:
        root: The store's folder.
        format: Of its catalogue.
        read_only: Whether it can only be read here.
        series: How many there are.
        rows: Bars of the newest version.
        commits: How many were ever made.
        latest_commit: The newest version; 0 in an empty store.
        oldest_commit: The oldest version that every series can still be read at.
        blocks: Rows of small commits, inside the catalogue.
        files: Parquet files with rows of the newest version.
        history: Rows that only older versions read.
        quarantine: What `verify` put aside.
        unused: What the next vacuum deletes, files a failure left behind not counted.
        catalogue_bytes: Size of the catalogue with its log.
        mirror_bytes: Size of the mirrors.
    """

    root: Path
    format: int
    read_only: bool
    series: int
    rows: int
    commits: int
    latest_commit: int
    oldest_commit: int
    blocks: PlaceStatus
    files: PlaceStatus
    history: PlaceStatus
    quarantine: PlaceStatus
    unused: PlaceStatus
    catalogue_bytes: int
    mirror_bytes: int


def status_of(root: Path, catalogue: Catalogue, ops: FileOps) -> StoreStatus:
    """Return what a store consists of; no data file is opened."""
    with catalogue.read() as connection:
        places = {row[0]: PlaceStatus(*row[1:]) for row in connection.execute(_PLACES)}
        series, rows, oldest = connection.execute(
            "SELECT count(*), coalesce(sum(rows), 0), coalesce(max(kept_from), 0) FROM series"
        ).fetchone()
        unused, unused_bytes = connection.execute(_UNUSED).fetchone()
        return StoreStatus(
            root=root,
            format=FORMAT,
            read_only=catalogue.read_only,
            series=series,
            rows=rows,
            commits=_count_commits(connection),
            latest_commit=latest_commit(connection),
            oldest_commit=oldest,
            blocks=places.get("block", PlaceStatus()),
            files=places.get("bars", PlaceStatus()),
            history=places.get("history", PlaceStatus()),
            quarantine=places.get(QUARANTINE, PlaceStatus()),
            unused=PlaceStatus(unused, 0, unused_bytes),
            catalogue_bytes=_size([catalogue.path, Path(f"{catalogue.path}-wal")]),
            mirror_bytes=_size(ops.files(root / MIRRORS)),
        )


def _count_commits(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM commits").fetchone()[0])


def _size(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # evicted, or checkpointed, meanwhile
            continue
    return total


__all__ = ["StoreStatus", "PlaceStatus", "status_of"]

"""What a backup holds: every file with its digest, and one digest for the state of the store.

A backup has the folders of a store, but its catalogue bears another name, so that nobody opens it
as one. `manifest.json` is written last: what it does not name is no part of the backup.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from simutrador_core.errors import CorruptDataError, StoreError, StoreFormatError
from simutrador_data.services.storage.schema import FORMAT

NAME: Final = "manifest.json"
MANIFEST_FORMAT: Final = 1
_STATE: Final = (
    """SELECT symbol, timeframe, adjustment, since, head, rows, first_us, last_us, kept_from
    FROM series ORDER BY 1, 2, 3""",
    "SELECT * FROM commits ORDER BY id",
    """SELECT c.commit_id, s.symbol, s.timeframe, s.adjustment FROM commit_series c
    JOIN series s ON s.id = c.series_id ORDER BY 1, 2, 3, 4""",
    """SELECT s.symbol, s.timeframe, s.adjustment, g.first_us, g.added, g.superseded, g.last_us,
    o.digest, g.row_from, g.row_to FROM segments g JOIN series s ON s.id = g.series_id
    JOIN objects o ON o.id = g.object_id ORDER BY 1, 2, 3, 4, 5, 6""",
    """SELECT s.symbol, s.timeframe, s.adjustment, c.start_us, c.end_us, c.provider, c.commit_id,
    c.asked_us, c.rows FROM coverage c JOIN series s ON s.id = c.series_id
    ORDER BY 1, 2, 3, 4, 5, 6, 7""",
)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a backup: its path below the folder, SHA-256 and size."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a backup holds.

    Attributes:
        format: Of this document.
        store_format: Of the catalogue inside.
        made_at: When, ISO 8601 in UTC.
        latest_commit: The newest version it holds.
        state: Digest of every version, its rows and its history; see `state_of`.
        catalogue: The catalogue's file.
        files: Data files, and `assets.toml` where the store has one, by path.
    """

    format: int
    store_format: int
    made_at: str
    latest_commit: int
    state: str
    catalogue: FileEntry
    files: tuple[FileEntry, ...]

    def to_json(self) -> bytes:
        """Return it as a document."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        StoreError: the folder holds no backup.
        StoreFormatError: a newer release made it.
        CorruptDataError: the manifest cannot be read.
    """
    path = folder / NAME
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        for key in ("format", "store_format"):
            _check_format(path, int(document[key]), FORMAT if key[0] == "s" else MANIFEST_FORMAT)
        files = tuple(FileEntry(**entry) for entry in document.pop("files"))
        catalogue = FileEntry(**document.pop("catalogue"))
        if any(not _is_below(entry.path) for entry in (catalogue, *files)):
            raise ValueError("it names files elsewhere")
        return Manifest(**document, catalogue=catalogue, files=files)
    except (FileNotFoundError, NotADirectoryError) as e:
        raise StoreError(
            f"{folder} holds no backup ({NAME} is missing); name the folder that was given to "
            "`store backup`"
        ) from e
    except (ValueError, TypeError, KeyError) as e:
        raise CorruptDataError(f"{path} is damaged ({e}); use another backup") from e


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and "\\" not in path


def _check_format(path: Path, found: int, known: int) -> None:
    if found > known:
        raise StoreFormatError(
            f"{path} has format {found}, this release reads up to {known}; "
            "upgrade simutrador-data-manager"
        )


def state_of(connection: sqlite3.Connection) -> str:
    """Return the SHA-256 of all a catalogue says: every version's rows, commits and answers.

    Equal states mean that nobody can tell two stores apart; object numbers, memos and the order
    in which SQLite keeps its pages are left out.
    """
    digest = hashlib.sha256(b"simutrador-state-1\n")
    for query in _STATE:
        for row in connection.execute(query):
            digest.update(json.dumps(row).encode() + b"\n")
        digest.update(b"\n")
    return digest.hexdigest()


__all__ = ["FileEntry", "Manifest", "read_manifest", "state_of", "NAME", "MANIFEST_FORMAT"]

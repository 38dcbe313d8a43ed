"""How SQLite is asked to open the catalogue: for writing, for reading, or as a file at rest.

A read of a write-ahead log shares an index beside the file, which SQLite makes when it is absent.
Where it may not (a read-only mount, a folder of someone else's), a catalogue that nobody has open
is read as a file at rest instead. It ceases to be at rest when its owner opens it: `is_outdated`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Self

from simutrador_core.errors import StoreError


class Stamp(NamedTuple):
    """What tells that a file at rest was touched."""

    size: int
    modified_ns: int
    in_use: bool


class Address(NamedTuple):
    """A URI of SQLite, and what the file looked like if it counts on the file being at rest."""

    uri: str
    at_rest: Stamp | None = None

    @classmethod
    def of(cls, path: Path, *, mode: str) -> Self:
        """Return the address of a file that SQLite watches itself: `rwc` to write, `ro` to read."""
        return cls(f"{path.absolute().as_uri()}?mode={mode}")

    def is_outdated(self, path: Path) -> bool:
        """Return whether the file is no longer as it was when it was at rest."""
        return self.at_rest is not None and _stamp(path) != self.at_rest


def may_write(path: Path) -> bool:
    """Return whether this process may write a catalogue and the files beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def read_only_address(path: Path) -> Address:
    """Return how to read a catalogue without writing to it.

    Raises:
        StoreError: commits stand in the log beside it, which cannot be read without writing.
    """
    shared = Address.of(path, mode="ro")
    if os.access(path.parent, os.W_OK) or _beside(path, "shm").exists():
        return shared
    stamp = _stamp(path)
    log = _beside(path, "wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{log} holds commits that can only be read where its folder may be written; open the "
            "store once as a user who may, or copy its folder elsewhere and read that"
        )
    return Address(f"{shared.uri}&immutable=1", at_rest=stamp)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}-{ending}")


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return Stamp(found.st_size, found.st_mtime_ns, _beside(path, "shm").exists())


__all__ = ["Address", "Stamp", "may_write", "read_only_address"]

"""What the commits of a table said, gathered: opening it reads one file for many versions.

Delta's checkpoints keep files but not what commits say, and a request for each version would make
a long history slow to open. So the texts of each hundred versions, and of each ten thousand, are
gathered in a file below `_simutrador`, a folder that other tools leave alone. Its content follows
from the log: a gathered file that is absent or half written costs time, nothing else.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from simutrador_core.errors import StoreError
from simutrador_data.services.storage.delta.events import METADATA
from simutrador_data.services.storage.delta.files import FileGoneError, Files

Text: TypeAlias = str | None
"""What a commit said: JSON of an event, None for a commit of another program."""
SIZES: Final = (10_000, 100)
"""Versions that one gathered file holds, the largest first; each divides the one before."""
_MOST_BYTES: Final = 32 * 1024**2
"""Largest gathered file that goes into a larger one."""


class Chronicle:
    """The texts of a table's commits by version."""

    def __init__(self, files: Files, name: str) -> None:
        """Keep where the table's files are, and what errors call it."""
        self._files = files
        self._name = name
        self._missed: set[tuple[int, int]] = set()

    def texts(self, after: int, upto: int) -> Iterator[tuple[int, Text]]:
        """Yield version and text of the commits after a version, up to another, oldest first.

        Raises:
            StoreError: a commit's file was cleaned away.
        """
        at = after + 1
        while at <= upto:
            found = self._gathered_from(at, upto)
            for text in found:
                yield at, text
                at += 1

    def _gathered_from(self, first: int, upto: int) -> list[Text]:
        for size in SIZES:
            if first % size == 0 and first + size - 1 <= upto:
                found = self._read(size, first)
                if found is not None:
                    return found
                self._missed.add((size, first))
        return [self._text_of(first)]

    def gather_missed(self) -> None:
        """Write the gathered files that reading missed; a writer was killed before it wrote them.

        Raises:
            StoreError: a commit's file was cleaned away, or a file cannot be written.
        """
        for size, first in sorted(self._missed):
            self._write(size, first)
        self._missed.clear()

    def gather_last(self, version: int) -> None:
        """Write what a version completes, as a rule nothing; nobody fails when that does."""
        with suppress(StoreError):
            for size in reversed(SIZES):
                if (version + 1) % size == 0:
                    self._write(size, version + 1 - size)

    def _read(self, size: int, first: int) -> list[Text] | None:
        try:
            found = json.loads(zlib.decompress(self._files.read(_name(size, first))))
        except (FileGoneError, zlib.error, ValueError):
            return None
        return found if len(found) == size else None

    def _write(self, size: int, first: int) -> None:
        texts = [text for _, text in self.texts(first - 1, first + size - 1)]
        data = zlib.compress(json.dumps(texts).encode(), 1)
        if size == SIZES[-1] or len(data) <= _MOST_BYTES:
            self._files.remove(_name(size, first))
            self._files.put(_name(size, first), data)

    def _text_of(self, version: int) -> Text:
        # `DeltaTable.history` of a handle that others overtook gives their commits the numbers of
        # earlier versions (deltalake 1.6), so the log's files are read themselves.
        name = f"_delta_log/{version:020}.json"
        try:
            lines = self._files.read(name).splitlines()
        except FileGoneError as e:
            raise StoreError(
                f"{self._name}/{name} is gone; another program cleaned the log: restore it from a "
                "backup"
            ) from e
        for line in lines:
            info = json.loads(line).get("commitInfo")
            if info is not None:
                return info.get(METADATA)
        return None


def _name(size: int, first: int) -> str:
    return f"_simutrador/commits/{first:020}-{size}.json.z"


__all__ = ["Chronicle", "SIZES"]

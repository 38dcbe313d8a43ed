"""The list of rejected rows of one file, for people to look through."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from simutrador_core.errors import ImportFileError
from simutrador_data.services.data_providers.files import RejectedRow


class Quarantine:
    """Writes rejected rows to `folder/NAME-DIGEST.csv`; the file appears whole, or not at all.

    Every field is quoted, and one that a spreadsheet would take for a formula gets a `'` before it.
    """

    def __init__(self, folder: Path, name: str, digest: str) -> None:
        """Name the list after the file it belongs to; nothing is written until a row comes."""
        self.path = folder / f"{name}-{digest[:8]}.csv"
        self._part = self.path.with_suffix(f".csv.{os.getpid()}.part")
        self._file: IO[str] | None = None

    def add(self, rows: Iterable[RejectedRow]) -> None:
        """Add rows to the list.

        Raises:
            ImportFileError: it cannot be written.
        """
        try:
            for row in rows:
                if self._file is None:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    self._file = self._part.open("w", encoding="utf-8", newline="")
                    self._write("line", "kind", "reason", "row")
                self._write(str(row.line), row.kind, row.reason, row.text)
        except OSError as e:
            raise ImportFileError(
                f"the list of rejected rows cannot be written: {e.strerror or e}",
                path=str(self.path),
            ) from e

    def close(self) -> str | None:
        """Put the list in its place; return its path, or None when no row came."""
        if self._file is None:
            return None
        self._file.close()
        self._part.replace(self.path)
        return str(self.path)

    def _write(self, *fields: str) -> None:
        if self._file is not None:
            safe = [f"'{text}" if text[:1] in "=+-@\t\r" and text else text for text in fields]
            csv.writer(self._file, quoting=csv.QUOTE_ALL).writerow(safe)

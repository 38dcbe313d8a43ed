"""Which rows of a page were rejected, and why; the first reason of a row stands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simutrador_core.models.bars import I64, BoolArray
from simutrador_data.services.data_providers.files.model import RejectedRow


class Verdicts:
    """Collects rejections of one page's rows, by row number."""

    def __init__(self, lines: I64, texts: Callable[[I64], list[str]]) -> None:
        """Judge rows that stand in the file's `lines`; `texts` gives what they say."""
        self._lines = lines
        self._texts = texts
        self._is_sound = np.ones(len(lines), dtype=np.bool_)
        self._groups: list[tuple[I64, str, str]] = []

    def reject(self, rows: I64, kind: str, reason: str) -> None:
        """Reject rows that still stand."""
        if not len(rows):
            return
        rows = rows[self._is_sound[rows]]
        if len(rows):
            self._is_sound[rows] = False
            self._groups.append((rows, kind, reason))

    def is_sound(self, rows: I64) -> BoolArray:
        """Return which rows still stand."""
        return self._is_sound[rows]

    def rejected(self) -> list[RejectedRow]:
        """Return the rejected rows by line."""
        if not self._groups:
            return []
        rows = np.concatenate([group for group, _, _ in self._groups])
        texts = iter(self._texts(rows))
        lines = iter(self._lines[rows].tolist())
        found = [
            RejectedRow(next(lines), kind, reason, next(texts))
            for group, kind, reason in self._groups
            for _ in range(len(group))
        ]
        return sorted(found, key=lambda row: row.line)

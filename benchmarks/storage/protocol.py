"""What is measured of a store: one adapter each, all of the same shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import pandas as pd

RULES: Final = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
"""How a longer bar is made of shorter ones, in the words pandas and ArcticDB share."""


class Store(Protocol):
    """A store under test. A range is `[start, end)`; a frame has `opened_at` as column or index.

    One that inherits has longer bars made by pandas, and nothing to tidy or to let go of.

    Attributes:
        name: What the table calls it.
        durability: What a write has waited for when it returns.
    """

    name: str
    durability: str

    def prepare(self, symbol: str, frame: pd.DataFrame) -> Any:
        """Return rows in the form the store takes, which is not timed."""
        ...

    def write(self, symbol: str, rows: Any) -> None:
        """Write the first rows of a symbol."""
        ...

    def append(self, symbol: str, rows: Any) -> None:
        """Add a session behind the last one."""
        ...

    def replace(self, symbol: str, rows: Any) -> None:
        """Put a session in the place of the one that stands."""
        ...

    def read(self, symbol: str, start: datetime, end: datetime) -> pd.DataFrame:
        """Return the rows of a range."""
        ...

    def read_many(
        self, symbols: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[pd.DataFrame]:
        """Return the rows of many symbols, by what the store has for that."""
        ...

    def latest(self, symbols: Sequence[str]) -> list[float]:
        """Return the newest close of each symbol."""
        ...

    def resample(self, symbol: str, start: datetime, end: datetime, minutes: int) -> pd.DataFrame:
        """Return longer bars made of a range."""
        return _by_pandas(self.read(symbol, start, end), minutes)

    def tidy(self) -> None:
        """Do what the store recommends after many writes."""

    def size(self) -> int:
        """Return how many bytes hold the rows."""
        ...

    def close(self) -> None:
        """Let go of every file."""


def folder_size(folder: Path, pattern: str = "*") -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def _by_pandas(frame: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Return longer bars as pandas makes them."""
    return frame.set_index("opened_at").resample(f"{minutes}min").agg(RULES).dropna()


def sync(*paths: Path) -> None:
    """Wait until files, and the names in the folders given, are on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

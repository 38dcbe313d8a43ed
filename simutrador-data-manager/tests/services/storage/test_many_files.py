"""A service over thousands of series holds neither their tables nor a descriptor for each file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simutrador_core.models.bars import BarQuery, SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.blocks import MAX_ROWS
from simutrador_data.services.storage.parquet_store import ParquetStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")

SERIES = 80
KEPT = 64
"""Docs: so many maps of a store keep a descriptor."""


def descriptors() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def written(folder: Path) -> list[SeriesKey]:
    """Write a file for each of many series and return them."""
    symbols = [f"S{number:02}" for number in range(SERIES)]
    with ParquetStore(folder) as store:
        store.commit(make_change(*(make_bars(symbol, n=MAX_ROWS + 1) for symbol in symbols)))
    return [SeriesKey(symbol, Timeframe.MINUTE_1) for symbol in symbols]


def test_bars_of_many_files_are_held_with_few_descriptors(tmp_path: Path) -> None:
    keys = written(tmp_path)
    end = START.replace(year=2025)
    queries = [BarQuery(key.symbol, key.timeframe, START, end) for key in keys]
    with ParquetStore(tmp_path) as store:
        store.read_many(queries)  # makes the mirrors
    with ParquetStore(tmp_path) as store:
        before = descriptors()
        held = store.read_many(queries)
        assert len(list((tmp_path / "mirrors").iterdir())) == SERIES
        assert descriptors() - before <= KEPT + 2  # and SQLite's
    for key, bars in zip(keys, held, strict=True):
        assert_same_bars(bars, make_bars(key.symbol, n=MAX_ROWS + 1))


def test_last_bars_hold_no_file_and_make_no_mirror(tmp_path: Path) -> None:
    keys = written(tmp_path)
    with ParquetStore(tmp_path) as store:
        before = descriptors()
        found = store.latest(keys)
        assert descriptors() - before <= 2  # SQLite's
    assert not (tmp_path / "mirrors").exists()
    for key, bar in found.items():
        assert_same_bars(bar, make_bars(key.symbol, n=MAX_ROWS + 1).take(slice(-1, None)))

"""Every page is what a slow cut of all bars gives, and no page reads all bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.serving import paging
from simutrador_data.services.serving.paging import read_page
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE = timedelta(minutes=1)


def pieces() -> Bars:
    """Return 400 bars in clumps: many at once, then nothing for years, then a few."""
    rng = np.random.default_rng(7)
    steps = np.where(rng.random(400) < 0.02, 10**14, 60_000_000)
    times = 1_500_000_000_000_000 + np.cumsum(steps)
    close = 100 + np.arange(400) / 100
    return Bars(
        "AAPL", Timeframe.MINUTE_1, Adjustment.RAW, times, close, close, close, close, close
    )


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
def test_pages_are_the_cuts_of_all_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_first: bool, size: int
) -> None:
    monkeypatch.setattr(paging, "FEW_ROWS", 16)
    bars = pieces()
    rows = bars.opened_at.tolist()
    with ParquetStore(tmp_path) as store:
        for first in range(0, 400, 80):
            store.commit(make_change(bars.take(slice(first, first + 80))))
        store.maintain(Maintenance.COMPACT)
        ordered = rows[::-1] if newest_first else rows
        for page in {1, 2, 3, -(-400 // size), -(-400 // size) + 1, 10**9}:
            found = read_page(
                store, query_all(), page=page, page_size=size, newest_first=newest_first
            )
            expected = sorted(ordered[(page - 1) * size : page * size])
            assert (found.bars.opened_at.tolist(), found.total) == (expected, 400)


def test_a_page_of_a_part_of_the_range_counts_that_part_only() -> None:
    store = MemoryStore()
    store.commit(make_change(make_bars(n=50)))
    query = BarQuery("AAPL", Timeframe.MINUTE_1, START + 10 * MINUTE, START + 20 * MINUTE)
    found = read_page(store, query, page=2, page_size=4, newest_first=True)
    assert found.total == 10
    assert_same_bars(found.bars, make_bars(n=50).take(slice(12, 16)))


def test_a_page_of_many_bars_reads_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = make_bars(start=datetime(2020, 1, 1, tzinfo=UTC), n=200_000)
    read: list[int] = []
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(bars))
        original = ParquetStore.read

        def counted(self: ParquetStore, query: BarQuery, /) -> Bars:
            found = original(self, query)
            read.append(len(found))
            return found

        monkeypatch.setattr(ParquetStore, "read", counted)
        found = read_page(store, query_all(), page=100, page_size=1_000, newest_first=True)
    assert_same_bars(found.bars, bars.take(slice(100_000, 101_000)))
    assert sum(read) < 40_000


def test_a_page_and_its_total_are_of_one_version() -> None:
    store = MemoryStore()
    store.commit(make_change(make_bars(n=5)))
    found = read_page(store, query_all(as_of=1), page=1, page_size=10, newest_first=False)
    store.commit(make_change(make_bars(n=5, price=9), on_conflict=OnConflict.REPLACE))
    assert_same_bars(found.bars, make_bars(n=5))


def test_an_unknown_series_says_what_is_stored() -> None:
    store = MemoryStore()
    store.commit(make_change(make_bars("AAPL", Timeframe.DAILY)))
    with pytest.raises(UnknownSymbolError, match="stored are daily"):
        read_page(store, query_all("AAPL"), page=1, page_size=10, newest_first=True)
    split = query_all("AAPL", Timeframe.DAILY, adjustment=Adjustment.SPLIT)
    with pytest.raises(UnknownSymbolError, match="stored are daily"):
        read_page(store, split, page=1, page_size=10, newest_first=True)

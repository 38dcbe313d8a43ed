"""A writer keeps its series in few pieces by itself, and no commit fails because of that."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from simutrador_core.errors import CorruptDataError
from simutrador_core.interfaces.storage import BarStore, Change
from simutrador_core.models.bars import Bars, concat
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import tidying
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.segment_list import ObjectRef
from simutrador_data.services.storage.table import Table

MINUTE: Final = timedelta(minutes=1)
NOW: Final = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def crowded_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let eight pieces be many."""
    monkeypatch.setattr(tidying, "CROWDED", 8)


def nth(number: int, symbol: str = "AAPL") -> Change:
    """Return the change that appends three bars."""
    return make_change(make_bars(symbol, start=START + 3 * number * MINUTE, n=3))


def objects(store: ParquetStore) -> list[tuple[str, int]]:
    with store._catalogue.read() as connection:
        return connection.execute("SELECT place, rows FROM objects ORDER BY id").fetchall()


def test_the_year_written_to_becomes_one_file_and_its_blocks_go(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        for number in range(8):
            store.commit(nth(number))
        assert objects(store) == [("bars", 24)]
        for number in range(8, 14):
            store.commit(nth(number))
        assert len(objects(store)) == 7
        store.commit(nth(14))
        assert objects(store) == [("bars", 45)]
        assert len(list(tmp_path.rglob("*.parquet"))) == 1
        written = concat([nth(number).pages[0] for number in range(15)])
        assert_same_bars(store.read(query_all()), written)


def test_no_version_reads_anything_else(fast_path: Path) -> None:
    oracle: BarStore = MemoryStore(clock=lambda: NOW)
    with ParquetStore(fast_path, clock=lambda: NOW) as store:
        for number in range(40):
            start = START + (number * 7 % 50) * MINUTE
            bars = make_bars(start=start, n=6, price=10 + number)
            change = make_change(bars, on_conflict=OnConflict.REPLACE)
            oracle.commit(change)
            store.commit(change)
        assert facts_of(store) == facts_of(oracle)
        assert len(objects(store)) < 20
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_writers_that_tidy_the_same_year_at_once_go_on_tidying(fast_path: Path) -> None:
    def write(store: ParquetStore, numbers: range) -> None:
        for number in numbers:
            store.commit(nth(number))

    with ParquetStore(fast_path) as one, ParquetStore(fast_path) as two:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(write, s, range(i, 80, 2)) for i, s in ((0, one), (1, two))]:
                done.result()
        write(one, range(80, 90))
        write(two, range(90, 100))
        assert len(objects(one)) < 20
        assert len(one.read(query_all())) == 300


def test_one_commit_compacts_a_few_series_and_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    symbols = [f"S{i}" for i in range(6)]
    with ParquetStore(tmp_path) as store:
        for number in range(8):
            store.commit(make_change(*(p for s in symbols for p in nth(number, s).pages)))
        assert len(list(tmp_path.rglob("*.parquet"))) == tidying.MOST_AT_ONCE
        store.commit(make_change(*(p for s in symbols for p in nth(8, s).pages)))
        assert len(list(tmp_path.rglob("*.parquet"))) == len(symbols)


def test_a_vendor_who_restates_bars_all_over_leaves_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    real = Contents.rows_once

    def counted(self: Contents, ref: ObjectRef, first: int, last: int) -> Table:
        decoded.append(last - first)
        return real(self, ref, first, last)

    monkeypatch.setattr(Contents, "rows_once", counted)
    whole = make_bars(n=20_000)
    some = whole.take(np.arange(0, 20_000, 100))
    restated = Bars(
        "AAPL",
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        some.opened_at,
        some.open,
        some.high,
        some.low,
        some.close,
        some.volume + 1,
    )
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(whole))
        store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        assert objects(store) == [("bars", 20_000), ("history", 200)]
        assert len(decoded) == 3  # the file, the block, and of the file what old versions read
        assert_same_bars(store.read(query_all(as_of=1)), whole)


def test_a_damaged_piece_does_not_stop_the_writer(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        for number in range(7):
            store.commit(nth(number))
    with ParquetStore(tmp_path) as store:
        with store._catalogue.write() as connection:
            connection.execute("UPDATE objects SET data = zeroblob(9) WHERE id = 1")
        for number in range(7, 12):
            assert store.commit(nth(number)).added == 3
        with pytest.raises(CorruptDataError):
            store.read(query_all())
        store.maintain(Maintenance.VERIFY)
        assert len(store.read(query_all())) == 33


def test_a_reader_at_an_older_list_goes_on(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        for number in range(7):
            store.commit(nth(number))
        stream = store.stream(query_all(), rows=3)
        parts = [next(stream)]
        store.commit(nth(7))
        parts.extend(stream)
        assert sum(len(part) for part in parts) == 21


@pytest.mark.parametrize("kind", ["eio", "enospc", "short write", "crash", "power loss"])
def test_a_fault_at_any_step_leaves_the_commit_whole_or_undone(
    disk: Any, fast_path: Path, kind: str
) -> None:
    def opened(root: Path, ops: FileOps | None = None) -> ParquetStore:
        return ParquetStore(root, ops=ops or disk.ops(), clock=lambda: NOW)

    with opened(fast_path / "template") as store:
        for number in range(7):
            store.commit(nth(number))
        old = facts_of(store)
    with opened(Path(shutil.copytree(fast_path / "template", fast_path / "whole"))) as store:
        store.commit(nth(7))
        new = facts_of(store)
    for at in range(1, 100):
        root = Path(shutil.copytree(fast_path / "template", fast_path / str(at)))
        ops = disk.ops()
        store = opened(root, ops)
        ops.arm(kind, at)
        try:
            store.commit(nth(7))
        except (disk.Crash, DiskError):
            assert ops.fired
        store.close()
        with opened(root) as store:
            assert facts_of(store) in (old, new)
            store.commit(nth(7))
            assert facts_of(store) == new
            assert store.maintain(Maintenance.VERIFY).problems == ()
            store.maintain(Maintenance.VACUUM)
            assert facts_of(store) == new
        if not ops.fired:
            assert at > 6
            return
    pytest.fail("tidying never ends")

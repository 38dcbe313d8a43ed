"""A damaged object is put aside once, the rest goes on, and fetching again heals the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from simutrador_core.errors import CorruptDataError
from simutrador_core.interfaces.storage import Covered
from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import (
    START,
    covering,
    make_bars,
    make_change,
    make_covered,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.file_ops import DiskError
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE: Final = timedelta(minutes=1)
OLD: Final = make_bars("AAPL", n=9_000)
LATER: Final = make_bars("AAPL", start=START + 9_000 * MINUTE, n=30)


def flip(root: Path) -> Path:
    """Damage the only Parquet file; return its path."""
    (file,) = (root / "bars").rglob("*.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return file


def remove(root: Path) -> Path:
    """Delete the only Parquet file; return its path."""
    (file,) = (root / "bars").rglob("*.parquet")
    file.unlink()
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a store with a file of 9,000 minutes and a block of 30 more."""
    with ParquetStore(tmp_path, mirror_limit_bytes=0) as store:
        asked = make_covered("AAPL", end=START + timedelta(days=7))
        store.commit(make_change(OLD, covered=[asked], source="acme"))
        store.commit(make_change(LATER))
    return tmp_path


@pytest.mark.parametrize("harm", [flip, remove])
def test_lost_rows_are_listed_and_the_rest_goes_on(
    root: Path, harm: Callable[[Path], Path]
) -> None:
    file = harm(root)
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        report = store.maintain(Maintenance.VERIFY)
        assert report.refetch == (covering(OLD),)
        assert_same_bars(store.read(query_all("AAPL")), LATER)
        (info,) = store.symbols()
        assert (info.rows, info.first) == (30, START + 9_000 * MINUTE)
        assert file.name in store.history("AAPL", Timeframe.MINUTE_1)[-1].request
        assert store.coverage(query_all("AAPL")) == []
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_fetching_again_heals_the_store(root: Path) -> None:
    flip(root)
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        store.maintain(Maintenance.VERIFY)
        asked = make_covered("AAPL", end=START + timedelta(days=7))
        commit = store.commit(make_change(OLD, covered=[asked], source="acme"))
        assert commit.added == 9_000
        assert len(store.read(query_all("AAPL"))) == 9_030
        assert [c.rows for c in store.coverage(query_all("AAPL"))] == [9_000]
        store.maintain(Maintenance.COMPACT)
        store.maintain(Maintenance.VACUUM)
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_an_older_version_names_the_file_and_reads_again_once_it_is_back(root: Path) -> None:
    (file,) = (root / "bars").rglob("*.parquet")
    shutil.copy(file, root / "whole")
    flip(root)
    query = replace(query_all("AAPL"), as_of=1)
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        store.maintain(Maintenance.VERIFY)
        with pytest.raises(CorruptDataError, match=rf"quarantine.*{file.name}"):
            store.read(query)
        shutil.copy(root / "whole", root / "quarantine" / file.relative_to(root))
        assert_same_bars(store.read(query), OLD)


def test_rows_between_two_lost_ranges_stay(root: Path) -> None:
    restated = make_bars("AAPL", start=START + 100 * MINUTE, n=5, price=50)
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        flip(root)
        report = store.maintain(Maintenance.VERIFY)
        assert report.refetch == (
            Covered(OLD.series, START, START + 99 * MINUTE + timedelta(microseconds=1)),
            Covered(OLD.series, START + 105 * MINUTE, from_us(OLD.opened_at[-1] + 1)),
        )
        assert len(store.read(query_all("AAPL"))) == 35


def test_a_folder_that_is_not_there_is_no_loss(root: Path) -> None:
    (root / "bars").rename(root / "unmounted")
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        report = store.maintain(Maintenance.VERIFY)
        assert len(report.problems) == 1
        assert report.refetch == ()
        (root / "unmounted").rename(root / "bars")
        assert len(store.read(query_all("AAPL"))) == 9_030


def test_a_damaged_block_is_put_aside_too(root: Path) -> None:
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        with store._catalogue.write() as connection:
            connection.execute("UPDATE objects SET data = zeroblob(99) WHERE path IS NULL")
        assert store.maintain(Maintenance.VERIFY).refetch == (covering(LATER),)
        assert_same_bars(store.read(query_all("AAPL")), OLD)
        store.maintain(Maintenance.COMPACT)
        store.commit(make_change(LATER))
        assert len(store.read(query_all("AAPL"))) == 9_030


def test_rows_only_old_versions_read_leave_the_newest_as_it_is(root: Path) -> None:
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        (file,) = (root / "bars").rglob("*.parquet")
        new = make_bars("AAPL", n=9_030, price=50)
        store.commit(make_change(new, on_conflict=OnConflict.REPLACE))
        file.write_bytes(file.read_bytes()[:-1])
        report = store.maintain(Maintenance.VERIFY)
        assert report.refetch == ()
        assert "only older versions" in report.problems[0]
        assert_same_bars(store.read(query_all("AAPL")), new)
        assert len(store.history("AAPL", Timeframe.MINUTE_1)) == 3


@pytest.mark.parametrize("kind", ["eio", "enospc", "crash", "power loss"])
def test_a_fault_while_a_file_is_put_aside_loses_nothing_else(
    disk: Any, root: Path, fast_path: Path, kind: str
) -> None:
    flip(root)
    for at in range(1, 60):
        copy = Path(shutil.copytree(root, fast_path / str(at)))
        ops = disk.ops()
        store = ParquetStore(copy, ops=ops, mirror_limit_bytes=0)
        ops.arm(kind, at)
        with suppress(disk.Crash, DiskError):
            store.maintain(Maintenance.VERIFY)
        store.close()
        with ParquetStore(copy, mirror_limit_bytes=0) as store:
            store.maintain(Maintenance.VERIFY)
            assert_same_bars(store.read(query_all("AAPL")), LATER)
            assert store.maintain(Maintenance.VERIFY).problems == ()
            aside = len(list((copy / "quarantine").rglob("*.parquet")))
            assert aside == 1 or kind == "power loss"  # a damaged file may be lost with its name
            store.commit(make_change(OLD))
            assert len(store.read(query_all("AAPL"))) == 9_030
        if not ops.fired:
            assert at > 6
            return
    pytest.fail("verify never ends")

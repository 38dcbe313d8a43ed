"""What may stand where a store is opened: nothing, a store, another program's file, damage."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simutrador_core.errors import CorruptDataError, StoreError, StoreFormatError
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore


def test_reading_a_folder_that_is_no_store_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no bar store"):
        LocalBars(tmp_path / "absent")
    with pytest.raises(StoreError, match="holds no bar store"):
        LocalBars(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
def test_newer_format_is_refused(tmp_path: Path, opener: type[LocalBars]) -> None:
    ParquetStore(tmp_path).close()
    with sqlite3.connect(tmp_path / CATALOGUE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFormatError, match=r"format 99.*upgrade"):
        opener(tmp_path)


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
def test_catalogue_of_another_program_is_refused(tmp_path: Path, opener: type[LocalBars]) -> None:
    with sqlite3.connect(tmp_path / CATALOGUE_NAME) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(StoreFormatError, match="another program"):
        opener(tmp_path)


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
def test_damaged_catalogue_is_named(tmp_path: Path, opener: type[LocalBars]) -> None:
    (tmp_path / CATALOGUE_NAME).write_bytes(b"no catalogue at all" * 100)
    with pytest.raises(CorruptDataError, match=CATALOGUE_NAME):
        opener(tmp_path)


def test_lost_catalogue_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=3)))
        store.maintain(Maintenance.COMPACT)
    (tmp_path / CATALOGUE_NAME).unlink()
    with pytest.raises(CorruptDataError, match="restore it"):
        ParquetStore(tmp_path)
    assert not (tmp_path / CATALOGUE_NAME).exists()


def test_leftovers_of_a_killed_writer_do_not_hinder_the_start(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=3)))
    leftover = tmp_path / "tmp" / f"2024-{'0' * 32}.parquet"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half a fi")
    with ParquetStore(tmp_path) as store:
        assert_same_bars(store.read(query_all()), make_bars(n=3))
        assert store.maintain(Maintenance.VACUUM).freed_bytes >= 9
    assert not leftover.exists()


def test_vacuum_leaves_files_of_others_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "bars" / "mine.parquet"
    with ParquetStore(tmp_path) as store:
        foreign.parent.mkdir()
        foreign.write_bytes(b"mine")
        store.maintain(Maintenance.VACUUM)
        assert foreign.read_bytes() == b"mine"
        assert [str(foreign) in text for text in store.maintain(Maintenance.VERIFY).problems] == [
            True
        ]


def test_many_may_create_one_store_at_once(tmp_path: Path) -> None:
    def write(number: int) -> int:
        with ParquetStore(tmp_path / "new") as store:
            return store.commit(make_change(make_bars(f"S{number}", n=3))).id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(write, range(16)))
    assert sorted(ids) == list(range(1, 17))


def test_closed_store_says_so(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.read(query_all())

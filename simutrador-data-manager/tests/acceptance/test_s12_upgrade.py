"""S12: a store of each older format is brought up to date, and can be taken back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from simutrador_core.errors import StoreFormatError
from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_data.services.storage import migration
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.schema import FORMAT

STORES: Final = Path(__file__).parents[1] / "fixtures" / "stores"
_OF_THE_SECOND_RECIPE: Final = [
    "fbd3e2fb01ea068af5f1abcc02377000609539e6fe939b748cc765856c7b1434",
    "6ae6c856965120bdb32d671ca4caa2c47d57a2a39a28ab6e5245095bcf69595d",
    "66c4cebe4f6c4d3ca7731517cca1a3e7de308c8e73e3fe1ef4adb9ebe76a777b",
]
IDS: Final = {
    "format-1": [
        "9160476290e864b4fcaa087520c14a75fd1f7cf7c3d28c71d18a1ab9fe0a0852",
        "6ae6c856965120bdb32d671ca4caa2c47d57a2a39a28ab6e5245095bcf69595d",
        "66c4cebe4f6c4d3ca7731517cca1a3e7de308c8e73e3fe1ef4adb9ebe76a777b",
    ],
    "format-1-first": _OF_THE_SECOND_RECIPE,  # kept one answer to a question, not each
    "format-2": _OF_THE_SECOND_RECIPE,
    "format-3": [
        "100d972edf097171ed5b00231e7dc7e887f654351ff976b4dfe5023df4d24702",
        "6ae6c856965120bdb32d671ca4caa2c47d57a2a39a28ab6e5245095bcf69595d",
        "c92a2da7bce3202a900b12427b21dea8bcccec04d5551ed73dfacc0132adfc0d",
    ],
}
"""What the release that wrote each store printed: AAPL now, AAPL after commit 1, IBM daily."""


def ids_of(source: LocalBars) -> list[str]:
    """Return the dataset ids of the three reads in `IDS`."""
    queries = [query_all("AAPL"), query_all("AAPL", as_of=1), query_all("IBM", Timeframe.DAILY)]
    return [source.dataset_id([query]) for query in queries]


def unpacked(name: str, folder: Path) -> Path:
    """Return a store as the release that wrote it left it."""
    shutil.unpack_archive(STORES / f"{name}.zip", folder)
    return folder


def number_of(name: str) -> int:
    """Return the format that the name of a fixture says."""
    return int(name.split("-")[1])


def answers_of(source: LocalBars) -> list[tuple[datetime, int, str]]:
    """Return what AAPL minutes were asked for: start, rows given, source."""
    return [(c.start, c.rows, c.provider) for c in source.coverage(query_all("AAPL"))]


def format_of(path: Path) -> int:
    """Return the format a catalogue file says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def keeps_no_copy() -> AbstractContextManager[object]:
    """Fault: a store is migrated without a copy to go back to."""
    return patch.object(migration, "_keep_copy", lambda *_, **__: None)


@pytest.mark.acceptance("S12", package="data-manager", breaks=keeps_no_copy)
def test_each_older_format_is_read_the_same_after_its_upgrade_and_can_go_back(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    assert {number_of(name) for name in IDS} == set(range(1, FORMAT))
    for name, expected in IDS.items():
        number, root = number_of(name), unpacked(name, fast_path / name)
        with pytest.raises(StoreFormatError, match="older format"):
            LocalBars(root)
        with ParquetStore(root) as store:
            assert ids_of(store) == expected
            assert (START, 60, "acme") in answers_of(store)
            assert store.maintain(Maintenance.VERIFY).problems == ()
            store.commit(make_change(make_bars("AAPL", start=START + timedelta(days=9), n=30)))
            store.maintain(Maintenance.COMPACT)
            assert ids_of(store)[1:] == expected[1:]
        catalogue = root / CATALOGUE_NAME
        assert format_of(catalogue) == FORMAT
        copy = migration.rollback_copy(catalogue, number)
        assert format_of(copy) == number
        for stale in (*root.glob("*-wal"), *root.glob("*-shm")):
            stale.unlink()
        shutil.copy(copy, catalogue)
        with ParquetStore(root) as store:  # all that the copy names is still there
            assert ids_of(store) == expected
    figure(f"{len(IDS)} stores of {FORMAT - 1} older formats upgraded and taken back")


@pytest.mark.parametrize("kind", ["eio", "enospc", "short write", "crash", "power loss"])
def test_a_fault_during_an_upgrade_leaves_the_old_store_or_the_new(
    disk: Any, fast_path: Path, kind: str
) -> None:
    for at in range(1, 100):
        root = unpacked("format-1-first", fast_path / str(at))
        ops = disk.ops()
        ops.arm(kind, at)
        try:
            ParquetStore(root, ops=ops).close()
        except (disk.Crash, DiskError):
            assert ops.fired
        assert format_of(root / CATALOGUE_NAME) in (1, FORMAT)
        with ParquetStore(root, ops=FileOps()) as store:
            assert ids_of(store) == IDS["format-1-first"]
        if not ops.fired:
            assert at > 4
            return
    pytest.fail("the upgrade never ends")

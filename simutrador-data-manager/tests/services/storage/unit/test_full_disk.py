"""A full disk is named as the cause, costs nothing that was acknowledged, and heals by itself."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import FETCHED_AT, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.backup import verify_backup
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

SMALL = make_bars("AAPL", n=300)
LARGE = make_bars("IBM", n=60_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a disk of six megabytes."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can make a small disk")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def fill(folder: Path) -> Path:
    """Fill a disk to the last byte; return the file that does."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert os.statvfs(folder).f_bavail == 0
    return ballast


def test_a_writer_goes_on_by_itself_once_there_is_space(small_disk: Path) -> None:
    with ParquetStore(small_disk / "store") as store:
        store.commit(make_change(SMALL))
        ballast = fill(small_disk)
        for bars in (LARGE, make_bars("MSFT", n=9_000)):
            with pytest.raises(DiskError, match="free some space, then try again") as caught:
                store.commit(make_change(bars))
            assert caught.value.errno == errno.ENOSPC
            assert_same_bars(store.read(query_all("AAPL")), SMALL)
            assert [info.symbol for info in store.symbols()] == ["AAPL"]
        ballast.unlink()
        store.commit(make_change(LARGE))
        assert_same_bars(store.read(query_all("IBM")), LARGE)
        assert store.maintain(Maintenance.VERIFY).problems == ()


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
def test_opening_on_a_full_disk_names_the_cause(small_disk: Path, opener: type[LocalBars]) -> None:
    with ParquetStore(small_disk / "store") as store:
        store.commit(make_change(SMALL))
    ballast = fill(small_disk)
    with pytest.raises(DiskError, match="No space left on device; free some space"):
        opener(small_disk / "store")
    ballast.unlink()
    with opener(small_disk / "store") as source:
        assert_same_bars(source.read(query_all("AAPL")), SMALL)


def test_a_backup_onto_a_full_disk_leaves_the_one_that_is_there(
    small_disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ParquetStore(tmp_path_factory.mktemp("store")) as store:
        store.commit(make_change(LARGE))
        store.back_up(small_disk / "backup", made_at=FETCHED_AT)
        store.commit(make_change(make_bars("MSFT", n=20_000)))
        ballast = fill(small_disk)
        with pytest.raises(DiskError, match="free some space"):
            store.back_up(small_disk / "backup", made_at=FETCHED_AT)
        assert verify_backup(small_disk / "backup", FileOps()) == []
        ballast.unlink()
        made = store.back_up(small_disk / "backup", made_at=FETCHED_AT)
        assert made.copied_files == 1

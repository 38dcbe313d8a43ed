"""A store that cannot be written is read as it stands, and says why it takes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simutrador_core.errors import StoreError
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.file_ops import DiskError
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

BARS = make_bars("AAPL", n=9_000)


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that `seal` makes unwritable; root needs a mount for that."""
    (tmp_path / "store").mkdir()
    yield tmp_path / "store"
    if os.getuid() == 0:
        subprocess.run(["umount", "-l", tmp_path / "store"], check=False, capture_output=True)
    else:
        for folder in (tmp_path / "store", *(tmp_path / "store").rglob("*")):
            folder.chmod(0o755)


def seal(root: Path, *, shown: Path | None = None) -> None:
    """Take away the right to write below a folder; `shown` is another folder seen through it."""
    if os.getuid() != 0:
        for path in (*root.rglob("*"), root):
            path.chmod(0o555)
        return
    for arguments in (["--bind", shown or root, root], ["-o", "remount,ro,bind", root]):
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True)
        if done.returncode:
            pytest.skip("root may write everywhere, and may not mount here")


def write(root: Path) -> None:
    with ParquetStore(root) as store:
        store.commit(make_change(BARS))
        store.commit(make_change(make_bars("IBM")))


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
def test_a_store_at_rest_is_read_from_a_read_only_folder(
    sealed: Path, opener: type[LocalBars]
) -> None:
    write(sealed)
    seal(sealed)
    with opener(sealed) as store:
        assert_same_bars(store.read(query_all("AAPL")), BARS)
        assert [info.symbol for info in store.symbols()] == ["AAPL", "IBM"]
        assert len(store.dataset_id([query_all("IBM")])) == 64


def test_what_a_killed_writer_left_in_its_log_is_read_too(sealed: Path, tmp_path: Path) -> None:
    with ParquetStore(tmp_path / "live") as store:
        store.commit(make_change(make_bars("IBM")))
        shutil.copytree(tmp_path / "live", sealed, dirs_exist_ok=True)
    seal(sealed)
    with ParquetStore(sealed) as store:
        assert_same_bars(store.read(query_all("IBM")), make_bars("IBM"))


def test_commits_that_cannot_be_read_are_not_passed_over(sealed: Path, tmp_path: Path) -> None:
    with ParquetStore(tmp_path / "live") as store:
        store.commit(make_change(make_bars("IBM")))
        shutil.copytree(tmp_path / "live", sealed, dirs_exist_ok=True)
    (sealed / f"{CATALOGUE_NAME}-shm").unlink()
    seal(sealed)
    with pytest.raises(StoreError, match=r"sqlite-wal holds commits.*copy its folder"):
        ParquetStore(sealed)


def test_writing_where_only_reading_is_allowed_names_the_cause(sealed: Path) -> None:
    write(sealed)
    seal(sealed)
    with ParquetStore(sealed) as store:
        for act in (
            lambda: store.commit(make_change(make_bars("MSFT"))),
            lambda: store.maintain(Maintenance.VACUUM),
        ):
            with pytest.raises(DiskError, match="can only be read here; make the store's folder"):
                act()
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_a_reader_of_files_at_rest_notices_that_their_owner_writes(
    sealed: Path, tmp_path: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("showing one folder twice needs a mount")
    write(tmp_path / "live")
    seal(sealed, shown=tmp_path / "live")
    with LocalBars(sealed) as reader, ParquetStore(tmp_path / "live") as owner:
        assert len(reader.symbols()) == 2
        owner.commit(make_change(make_bars("MSFT")))
        assert [info.symbol for info in reader.symbols()] == ["AAPL", "IBM", "MSFT"]

"""Damaged bytes are never served; what can be made again is made again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simutrador_core.errors import CorruptDataError
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

ROWS = 20_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a store with one Parquet file and its mirror."""
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=ROWS)))
        store.read(query_all())
    return tmp_path


def only(root: Path, pattern: str) -> Path:
    (found,) = root.rglob(pattern)
    return found


@pytest.mark.parametrize("keep_mirror", [True, False])
@pytest.mark.parametrize("at", [10, -10, None])
def test_damaged_file_is_named_and_not_served(
    root: Path, at: int | None, keep_mirror: bool
) -> None:
    path = only(root, "*.parquet")
    data = bytearray(path.read_bytes())
    if at is None:
        del data[len(data) // 2 :]
    else:
        data[at] ^= 4
    path.write_bytes(data)
    if not keep_mirror:
        only(root, "*.npy").unlink()
    with ParquetStore(root) as store:
        with pytest.raises(CorruptDataError, match=path.name):
            store.read(query_all())
        (problem,) = store.maintain(Maintenance.VERIFY).problems
        assert str(path) in problem


def test_missing_file_is_named(root: Path) -> None:
    path = only(root, "*.parquet")
    path.unlink()
    with ParquetStore(root) as store:
        with pytest.raises(CorruptDataError, match=path.name):
            store.read(query_all())
        with pytest.raises(CorruptDataError, match=path.name):
            list(store.stream(query_all()))


def test_damaged_block_is_not_served(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=3)))
        with store._catalogue.write() as connection:
            connection.execute("UPDATE objects SET data = zeroblob(152)")
        with pytest.raises(CorruptDataError, match="block 1"):
            store.read(query_all())
        assert len(store.maintain(Maintenance.VERIFY).problems) == 1


@pytest.mark.parametrize("at", [0, 200, 500_000, -1])
def test_damaged_mirror_is_made_again(root: Path, at: int) -> None:
    path = only(root, "*.npy")
    good = path.read_bytes()
    path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + (good[at + 1 :] if at != -1 else b""))
    with ParquetStore(root) as store:
        assert_same_bars(store.read(query_all()), make_bars(n=ROWS))
    assert path.read_bytes() == good


def test_mirror_may_be_deleted_while_it_is_read(root: Path) -> None:
    with ParquetStore(root) as store:
        bars = store.read(query_all())
        only(root, "*.npy").unlink()
        assert_same_bars(bars, make_bars(n=ROWS))
        assert_same_bars(store.read(query_all()), make_bars(n=ROWS))


def test_reading_without_the_right_to_write_makes_no_mirror(root: Path) -> None:
    only(root, "*.npy").unlink()
    with LocalBars(root) as source:
        assert_same_bars(source.read(query_all()), make_bars(n=ROWS))
    assert list(root.rglob("*.npy")) == []


def test_compaction_leaves_one_file_a_year_with_only_live_rows(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=ROWS)))
        store.commit(make_change(make_bars(n=5, price=7.0), on_conflict=OnConflict.REPLACE))
        store.maintain(Maintenance.COMPACT)
        store.maintain(Maintenance.VACUUM)
    path = only(tmp_path, "*.parquet")
    assert path.parent == tmp_path / "bars" / "1min" / "raw" / "AAPL"
    assert path.name.startswith("2024-")
    assert pq.read_metadata(path).num_rows == ROWS

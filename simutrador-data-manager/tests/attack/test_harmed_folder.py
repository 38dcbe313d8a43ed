"""What may happen to a store's folder from outside: logs cut short, flipped bits, foreign files."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from simutrador_core.errors import StoreError
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars, find_difference
from simutrador_data.services.storage.parquet_store import ParquetStore


def test_a_log_cut_anywhere_opens_as_some_earlier_version(fast_path: Path) -> None:
    root, broken = fast_path / "store", fast_path / "broken"
    with ParquetStore(root) as store:
        for hour in range(10):
            store.commit(make_change(make_bars(start=START + timedelta(hours=hour), n=5)))
        log = (root / "catalogue.sqlite-wal").read_bytes()
        assert log
        for cut in range(0, len(log), len(log) // at_scale(12, 400)):
            shutil.copytree(root, broken)
            (broken / "catalogue.sqlite-shm").unlink()
            (broken / "catalogue.sqlite-wal").write_bytes(log[:cut])
            with ParquetStore(broken) as opened:
                for info in opened.symbols():
                    held = opened.read(query_all(info.symbol))
                    assert_same_bars(held, store.read(query_all()).take(slice(len(held))))
                    assert len(held) % 5 == 0
                assert opened.maintain(Maintenance.VERIFY).problems == ()
                opened.commit(make_change(make_bars("NEXT")))
            shutil.rmtree(broken)


def test_verify_finds_a_flipped_bit_of_the_catalogue_that_changes_the_newest_rows(
    fast_path: Path,
) -> None:
    root, broken = fast_path / "store", fast_path / "broken"
    bars = make_bars(n=100)
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        for price in range(50, 60):
            bars = make_bars(n=100, price=price)
            store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
    chance = random.Random(20240501)
    data = (root / "catalogue.sqlite").read_bytes()
    refused = 0
    for _ in range(at_scale(150, 2_000)):
        shutil.copytree(root, broken)
        flipped = bytearray(data)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        (broken / "catalogue.sqlite").write_bytes(flipped)
        try:
            with ParquetStore(broken, mirror_limit_bytes=0) as opened:
                if find_difference(opened.read(query_all()), bars):
                    assert opened.maintain(Maintenance.VERIFY).problems
        except StoreError:
            refused += 1
        shutil.rmtree(broken)
    assert refused


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1" + bytes(64) + b"\xff\xff\xff\x7fPAR1", b"PAR1" + bytes(8) + b"PAR1"],
    ids=["empty", "magic only", "footer of two gigabytes", "no footer"],
)
def test_foreign_files_and_links_are_named_and_left_alone(fast_path: Path, content: bytes) -> None:
    outside = fast_path / "outside"
    outside.mkdir()
    (outside / "diary.txt").write_text("mine")
    with ParquetStore(fast_path / "store") as store:
        bars = make_bars(n=9_000)
        store.commit(make_change(bars))
        folder = next((store.root / "bars").rglob("*.parquet")).parent
        foreign = folder / "2024-foreign.parquet"
        foreign.write_bytes(content)
        (folder / "link").symlink_to(outside)
        (folder / "loop").symlink_to(folder)
        (problem,) = store.maintain(Maintenance.VERIFY).problems
        assert foreign.name in problem
        assert "no file of this store" in problem
        for task in (Maintenance.COMPACT, Maintenance.VACUUM):
            store.maintain(task)
        assert_same_bars(store.read(query_all()), bars)
    assert foreign.read_bytes() == content
    assert (outside / "diary.txt").read_text() == "mine"

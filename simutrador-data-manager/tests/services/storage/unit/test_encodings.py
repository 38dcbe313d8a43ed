"""Blocks, Parquet files and mirrors hold a table exactly and notice damage."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simutrador_core.errors import CorruptDataError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.storage import blocks, parquet_file
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.mirrors import DamagedMirrorError, Mirror, Mirrors
from simutrador_data.services.storage.table import NARROW, NO_SESSION, SESSION, WIDE, Table

SERIES = SeriesKey("EUR/USD", Timeframe.MINUTE_1)


def any_table(rows: int, width: int = WIDE) -> Table:
    """Return a table of arbitrary finite numbers: every third session unknown, some synthetic."""
    rng = np.random.default_rng(rows)
    table = np.zeros((width, rows), dtype=np.int64)
    table[0] = np.arange(rows) * 60_000_000 + 1_704_205_800_000_000
    table[1:NARROW] = (rng.normal(size=(5, rows)) * 10.0 ** rng.integers(-9, 9, rows)).view(
        np.int64
    )
    table[SESSION : SESSION + 1] = np.where(np.arange(rows) % 3, 19_724, NO_SESSION)
    table[SESSION + 1 :] = np.arange(rows) % 5 == 0
    return table


@pytest.mark.parametrize("width", [6, 7, 8])
@pytest.mark.parametrize("rows", [1, 390, 512, 513, 8_192])
def test_block_holds_the_same_bits(rows: int, width: int) -> None:
    table = any_table(rows, width)
    assert np.array_equal(blocks.decode(blocks.encode(table)), table)


@pytest.mark.parametrize("rows", [390, 2_000])
def test_block_cut_short_is_refused(rows: int) -> None:
    data = blocks.encode(any_table(rows))
    for end in (0, 3, len(data) // 2, len(data) - 1):
        with pytest.raises(CorruptDataError):
            blocks.decode(data[:end])


@pytest.mark.parametrize("width", [6, 7, 8])
@pytest.mark.parametrize("rows", [1, 8_190, 8_191, 40_000])
def test_parquet_file_holds_the_same_bits(rows: int, width: int) -> None:
    table = any_table(rows, width)
    data = bytes(parquet_file.encode(table, SERIES))
    assert np.array_equal(parquet_file.decode(data), table)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (8_189, 8_192), (100, 20_000)])
def test_part_of_a_parquet_file_can_be_read(first: int, last: int) -> None:
    table = any_table(20_000)
    data = bytes(parquet_file.encode(table, SERIES))
    found = parquet_file.decode(data, first=first, last=last)
    assert np.array_equal(found, table[:, first:last])


def test_parquet_file_is_plain_for_other_tools(tmp_path: Path) -> None:
    table = any_table(10, width=7)
    (tmp_path / "bars.parquet").write_bytes(parquet_file.encode(table, SERIES))
    found = pq.read_table(tmp_path / "bars.parquet")
    assert [f"{field.name} {field.type}" for field in found.schema] == [
        "opened_at timestamp[us, tz=UTC]",
        "open double",
        "high double",
        "low double",
        "close double",
        "volume double",
        "session date32[day]",
    ]
    assert found["close"].to_pylist() == table[4].view(np.float64).tolist()
    assert found["session"].null_count == 4
    assert parquet_file.read_series((tmp_path / "bars.parquet").read_bytes()) == {
        "simutrador_format": "2",
        "symbol": "EUR/USD",
        "timeframe": "1min",
        "adjustment": "raw",
        "complete": "true",
    }


def cents(rows: int) -> Table:
    """Return minutes whose prices walk on a grid of cents, with whole volumes."""
    rng = np.random.default_rng(5)
    steps = rng.integers(-3, 4, rows).cumsum() + 18_551
    table = np.zeros((NARROW, rows), dtype=np.int64)
    table[0] = np.arange(rows) * 60_000_000 + 1_704_205_800_000_000
    for row, shift in zip(range(1, 5), (0, 4, -4, 1), strict=True):
        table[row] = ((steps + shift) / 100).view(np.int64)
    table[5] = rng.integers(0, 20_000, rows).astype(np.float64).view(np.int64)
    return table


def test_cents_stand_as_decimals_in_the_file(tmp_path: Path) -> None:
    table = cents(20_000)
    (tmp_path / "bars.parquet").write_bytes(parquet_file.encode(table, SERIES))
    found = pq.read_table(tmp_path / "bars.parquet")
    assert {str(found.schema.field(name).type) for name in ("open", "high", "low", "close")} == {
        "decimal32(9, 2)"
    }
    assert str(found.schema.field("volume").type) == "int64"
    texts = [str(value) for value in found["close"].to_pylist()]
    assert texts == [f"{value:.2f}" for value in table[4].view(np.float64).tolist()]


def test_minutes_on_a_grid_of_cents_take_few_bytes() -> None:
    assert len(parquet_file.encode(cents(98_280), SERIES)) / 98_280 <= 6.0


@pytest.mark.parametrize("rows", [1, 8_191, 20_000])
def test_file_of_decimals_holds_the_same_bits(rows: int) -> None:
    table = cents(rows)
    assert np.array_equal(parquet_file.decode(bytes(parquet_file.encode(table, SERIES))), table)


def test_first_file_format_can_still_be_read(tmp_path: Path) -> None:
    table = cents(100)
    names = ["open", "high", "low", "close", "volume"]
    times = pa.array(table[0], pa.timestamp("us", tz="UTC"))
    numbers = {name: table[row].view(np.float64) for row, name in enumerate(names, start=1)}
    pq.write_table(pa.table({"opened_at": times, **numbers}), tmp_path / "bars.parquet")
    assert np.array_equal(parquet_file.decode((tmp_path / "bars.parquet").read_bytes()), table)


def test_what_is_no_parquet_file_is_refused() -> None:
    with pytest.raises(CorruptDataError):
        parquet_file.decode(b"PAR1 and nothing else")


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "m", FileOps(), scratch=tmp_path / "t", limit_bytes=3_000_000)


def test_mirror_holds_the_same_bits(mirrors: Mirrors) -> None:
    table = any_table(20_000)
    mirrors.make("digest", table)
    mirror = mirrors.find("digest", rows=20_000)
    assert mirror is not None
    assert np.array_equal(mirror.rows(0, 20_000), table)
    assert np.array_equal(np.load(mirror.path), table)


@pytest.mark.parametrize("at", [0, 40, 130, 500_000, -70, -1])
def test_flipped_bit_in_a_mirror_is_found(mirrors: Mirrors, at: int) -> None:
    mirrors.make("digest", any_table(20_000))
    path = mirrors.folder / "digest.npy"
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedMirrorError):
        Mirror(path, rows=20_000).rows(0, 20_000)


@pytest.mark.parametrize("size", [0, 10, 128, 700_000, 1_280_000])
def test_half_written_mirror_is_deleted(mirrors: Mirrors, size: int) -> None:
    mirrors.make("digest", any_table(20_000))
    path = mirrors.folder / "digest.npy"
    path.write_bytes(path.read_bytes()[:size])
    assert mirrors.find("digest", rows=20_000) is None
    assert not path.exists()


def test_oldest_mirrors_make_room_for_new_ones(mirrors: Mirrors) -> None:
    for number, digest in enumerate(["a", "b", "c"]):
        mirrors.make(digest, any_table(20_000))  # 1.28 MB each, 3 MB allowed
        path = mirrors.folder / f"{digest}.npy"
        os.utime(path, (number, number))
    assert sorted(path.stem for path in mirrors.folder.iterdir()) == ["b", "c"]
    assert not mirrors.accepts(50_000)

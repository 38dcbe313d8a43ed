from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simutrador_core.errors import ImportFileError, SimutradorError
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.data_providers.files import ImportOptions, open_bar_file

MINUTES = [datetime(2024, 1, 2, 14, 30 + m) for m in range(3)]
PRICES: dict[str, Any] = {
    "open": [1.0, 2.0, 3.0],
    "high": [1.5, 2.5, 3.5],
    "low": [0.5, 1.5, 2.5],
    "close": [1.25, 2.25, 3.25],
    "volume": [10, 20, 30],
}


def saved(tmp_path: Path, table: Any, name: str = "AAPL.parquet", **how: Any) -> Path:
    path = tmp_path / name
    pq.write_table(table, path, **how)
    return path


def opens(bars: Any) -> list[str]:
    return [str(at)[:16] for at in bars.opened_at.view("datetime64[us]")]


@pytest.mark.parametrize(
    ("bars", "name"),
    [
        (make_bars("EUR/USD", close=[1.08127, 1.08131]), "export.parquet"),
        (make_bars("BTC-USD", adjustment=Adjustment.TOTAL, close=[97123.45678901]), "x.parquet"),
    ],
)
def test_our_own_tables_come_back_equal(
    tmp_path: Path, calendars: Any, bars: Any, name: str
) -> None:
    file = open_bar_file(saved(tmp_path, bars.to_arrow(), name), calendars=calendars)
    (page,) = list(file.pages())
    assert page.bars[0].equals(bars)
    assert file.description.how("symbol") == "metadata"


def test_our_own_daily_table_comes_back_equal(tmp_path: Path, calendars: Any) -> None:
    csv = tmp_path / "AAPL.csv"
    csv.write_text("date,open,high,low,close,volume\n2013-10-07,1,2,1,2,5\n2013-10-08,1,2,1,2,5\n")
    (bars,) = next(open_bar_file(csv, calendars=calendars).pages()).bars
    path = saved(tmp_path, bars.to_arrow(), "out.parquet")
    assert next(open_bar_file(path, calendars=calendars).pages()).bars[0].equals(bars)


def test_pandas_style_with_aware_times_and_decimals(tmp_path: Path, calendars: Any) -> None:
    table = pa.table(
        {
            "date": pa.array(MINUTES, pa.timestamp("us", "UTC")),
            **{n: [Decimal(str(v)) for v in PRICES[n]] for n in PRICES},
        }
    )
    (bars,) = next(open_bar_file(saved(tmp_path, table), calendars=calendars).pages()).bars
    assert opens(bars) == ["2024-01-02T14:30", "2024-01-02T14:31", "2024-01-02T14:32"]
    assert bars.close.tolist() == [1.25, 2.25, 3.25]


def test_an_index_without_name_is_the_time(tmp_path: Path, calendars: Any) -> None:
    table = pa.table({**PRICES, "__index_level_0__": pa.array(MINUTES, pa.timestamp("ns"))})
    path = saved(tmp_path, table)
    (bars,) = next(open_bar_file(path, ImportOptions(zone="UTC"), calendars=calendars).pages()).bars
    assert opens(bars)[0] == "2024-01-02T14:30"


def test_short_floats_stand_for_their_shortest_decimal(tmp_path: Path, calendars: Any) -> None:
    prices = {n: pa.array(np.full(3, 1.08127, dtype=np.float32)) for n in PRICES}
    table = pa.table({"t": pa.array(MINUTES, pa.timestamp("us", "UTC")), **prices})
    (bars,) = next(open_bar_file(saved(tmp_path, table), calendars=calendars).pages()).bars
    assert bars.close.tolist() == [1.08127] * 3


def test_dates_make_daily_bars(tmp_path: Path, calendars: Any) -> None:
    days = pa.array([date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 12)], pa.date32())
    path = saved(tmp_path, pa.table({"Date": days, **PRICES}))
    page = next(open_bar_file(path, calendars=calendars).pages())
    assert page.bars[0].timeframe is Timeframe.DAILY
    assert [(row.line, row.kind) for row in page.rejected] == [(3, "no session")]


def test_nulls_and_impossible_values_are_rejected_by_row(tmp_path: Path, calendars: Any) -> None:
    times = pa.array([*MINUTES[:2], None], pa.timestamp("us", "UTC"))
    table = pa.table({"time": times, **PRICES, "close": [1.25, None, 3.25]})
    page = next(open_bar_file(saved(tmp_path, table), calendars=calendars, options=None).pages())
    assert [(row.line, row.kind) for row in page.rejected] == [(2, "not a number"), (3, "no time")]
    assert len(page.bars[0]) == 1


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_every_row_group_is_read_in_order(tmp_path: Path, calendars: Any, codec: str) -> None:
    bars = make_bars(n=1000)
    path = saved(tmp_path, bars.to_arrow(), row_group_size=100, compression=codec)
    pages = list(open_bar_file(path, calendars=calendars).pages())
    assert sum(len(page.bars[0]) for page in pages) == 1000


def test_a_table_without_volume_is_refused(tmp_path: Path, calendars: Any) -> None:
    times = pa.array(MINUTES, pa.timestamp("us", "UTC"))
    table = pa.table({"time": times, **PRICES}).drop("volume")
    with pytest.raises(ImportFileError, match="column volume is missing"):
        open_bar_file(saved(tmp_path, table), calendars=calendars)


def test_a_table_without_rows_is_refused(tmp_path: Path, calendars: Any) -> None:
    with pytest.raises(ImportFileError, match="holds no rows"):
        open_bar_file(saved(tmp_path, make_bars(n=0).to_arrow()), calendars=calendars)


def test_every_cut_of_a_parquet_file_is_refused(tmp_path: Path, calendars: Any) -> None:
    path = saved(tmp_path, make_bars(n=50).to_arrow())
    data = path.read_bytes()
    for end in range(4, len(data), 97):
        path.write_bytes(data[:end])
        with pytest.raises(ImportFileError, match="damaged Parquet"):
            list(open_bar_file(path, calendars=calendars).pages())


def test_no_flipped_byte_of_a_parquet_file_ends_the_process(tmp_path: Path, calendars: Any) -> None:
    path = saved(tmp_path, make_bars(n=50).to_arrow())
    data = path.read_bytes()
    ended = 0
    for at in range(len(data) - 8, 4, -61):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            list(open_bar_file(path, calendars=calendars).pages())
        except SimutradorError:
            ended += 1
    assert ended > 0

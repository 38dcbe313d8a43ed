"""The formats bars leave in: exact, one schema, harmless to a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.formats import ExportFormat, write_parts
from simutrador_data.services.serving.text_formats import instants, neutral

arrow: Any = pa
parquet: Any = pq

EXACT = [1.08127, 0.00001234, 97123.45678901]


def written(parts: list[Bars], to: ExportFormat, symbols: tuple[str, ...]) -> bytes:
    """Return a whole answer."""
    answer = Answer(symbols, parts[0].timeframe, Adjustment.RAW, "ab" * 32, 1)
    return b"".join(write_parts(answer, parts, to=to))


def test_json_holds_columns_of_exact_numbers() -> None:
    bars = make_bars("EUR/USD", close=EXACT)
    document = json.loads(written([bars], ExportFormat.JSON, ("EUR/USD",)), parse_float=Decimal)
    assert (document["timeframe"], document["adjustment"]) == ("1min", "raw")
    assert document["dataset_id"] == "ab" * 32
    (series,) = document["series"]
    assert series["symbol"] == "EUR/USD"
    assert [str(close) for close in series["close"]] == ["1.08127", "0.00001234", "97123.45678901"]
    assert series["opened_at"] == bars.opened_at.tolist()
    assert "session" not in series


def test_json_of_daily_bars_holds_their_sessions() -> None:
    bars = make_bars(timeframe=Timeframe.DAILY, n=2)
    (series,) = json.loads(written([bars], ExportFormat.JSON, ("AAPL",)))["series"]
    assert series["session"] == ["2024-01-02", "2024-01-03"]


def test_json_without_any_part_is_still_a_document() -> None:
    answer = Answer(("AAPL",), Timeframe.DAILY, Adjustment.RAW, "00", 1)
    assert json.loads(b"".join(write_parts(answer, [], to=ExportFormat.JSON)))["series"] == []


def test_csv_reads_back_exactly() -> None:
    bars = make_bars("EUR/USD", close=EXACT)
    text = written([bars], ExportFormat.CSV, ("EUR/USD",)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["symbol", "opened_at", "open", "high", "low", "close", "volume"]
    assert [float(row["close"]) for row in rows] == EXACT
    assert rows[0]["opened_at"] == "2024-01-02T14:30:00Z"
    assert text.endswith("\r\n")


@pytest.mark.parametrize("symbol", ["=CMD", "+A", "-A", "@SUM", "\tA", "\rA"])
def test_csv_takes_the_force_from_a_formula(symbol: str) -> None:
    text = written([make_bars(symbol, n=1)], ExportFormat.CSV, (symbol,)).decode()
    row = next(iter(csv.DictReader(io.StringIO(text, newline=""))))
    assert row["symbol"] == f"'{symbol}"


def test_an_ordinary_symbol_is_left_alone() -> None:
    assert neutral("^GSPC") == "^GSPC"


def test_instants_between_seconds_keep_their_fraction() -> None:
    at = make_bars(n=1).opened_at + 1
    assert instants(at) == ["2024-01-02T14:30:00.000001Z"]


def test_csv_is_the_same_however_it_is_cut_into_parts() -> None:
    times = make_bars(n=6).opened_at.copy()
    times[3] += 1  # one bar between two seconds
    bars = replace(make_bars(n=6), opened_at=times)
    whole = written([bars], ExportFormat.CSV, ("AAPL",))
    for cuts in ([0, 3, 6], [0, 4, 6], [0, 1, 2, 3, 4, 5, 6]):
        parts = [bars.take(slice(first, last)) for first, last in pairwise(cuts)]
        assert written(parts, ExportFormat.CSV, ("AAPL",)) == whole
    stamps = [row["opened_at"] for row in csv.DictReader(io.StringIO(whole.decode()))]
    assert stamps[2:5] == [
        "2024-01-02T14:32:00Z",
        "2024-01-02T14:33:00.000001Z",
        "2024-01-02T14:34:00Z",
    ]


@pytest.mark.parametrize("to", [ExportFormat.ARROW, ExportFormat.PARQUET])
def test_arrow_and_parquet_hold_several_symbols_in_one_schema(to: ExportFormat) -> None:
    parts = [
        make_bars("AAPL", Timeframe.DAILY, n=2),
        make_bars("MSFT", Timeframe.DAILY, n=1),
        Bars.empty("IBM", Timeframe.DAILY),
    ]
    data = written(parts, to, ("AAPL", "MSFT", "IBM"))
    if to is ExportFormat.ARROW:
        table = arrow.ipc.open_stream(data).read_all()
    else:
        table = parquet.read_table(io.BytesIO(data))
    assert table.column("symbol").to_pylist() == ["AAPL", "AAPL", "MSFT"]
    assert [str(day) for day in table.column("session").to_pylist()] == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-02",
    ]
    assert table.column("close").to_pylist() == [100.01, 100.02, 100.01]
    assert table.schema.metadata[b"dataset_id"] == b"ab" * 32
    assert b"symbol" not in table.schema.metadata


@pytest.mark.parametrize("to", [ExportFormat.ARROW, ExportFormat.PARQUET])
def test_sessions_and_marks_survive_also_where_a_later_part_has_none(to: ExportFormat) -> None:
    bars = make_bars(n=4, synthetic=[False, True, False, False])
    days = np.array(["2024-01-02"] * 2, dtype="datetime64[D]")
    parts = [replace(bars.take(slice(0, 2)), sessions=days), bars.take(slice(2, 4))]
    data = written(parts, to, ("AAPL",))
    read = arrow.ipc.open_stream(data).read_all if to is ExportFormat.ARROW else None
    table = read() if read else parquet.read_table(io.BytesIO(data))
    assert table.column("synthetic").to_pylist() == [False, True, False, False]
    assert [str(day) for day in table.column("session").to_pylist()] == [
        "2024-01-02",
        "2024-01-02",
        "None",
        "None",
    ]


def test_an_arrow_stream_of_one_symbol_reads_back_as_bars() -> None:
    from simutrador_core.models.bars import concat

    bars = make_bars("EUR/USD", close=EXACT)
    data = written(
        [bars.take(slice(0, 2)), bars.take(slice(2, 3))], ExportFormat.ARROW, ("EUR/USD",)
    )
    table = arrow.ipc.open_stream(data).read_all()
    assert table.schema.metadata[b"symbol"] == b"EUR/USD"
    back = Bars(
        "EUR/USD",
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        table.column("opened_at").cast(arrow.int64()).to_numpy(),
        *(table.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")),
    )
    assert back.equals(concat([bars]))


@pytest.mark.parametrize("to", list(ExportFormat))
def test_memory_stays_bounded_by_a_part_and_the_next(to: ExportFormat) -> None:
    part = make_bars(n=10_000)
    answer = Answer(("AAPL",), Timeframe.MINUTE_1, Adjustment.RAW, "00", 1)
    taken = 0

    def parts() -> Any:
        nonlocal taken
        for at in range(20):
            taken += 1
            shifted = part.opened_at + at * 10_000 * 60_000_000
            yield Bars(
                "AAPL", Timeframe.MINUTE_1, Adjustment.RAW, shifted,
                part.open, part.high, part.low, part.close, part.volume,
            )  # fmt: skip

    chunks = write_parts(answer, parts(), to=to)
    first = [next(chunks), next(chunks)]
    assert all(first)
    assert taken <= 3
    assert sum(1 for _ in chunks) >= 18


ARROW_ALONE = """
import sys
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.serving.answer import Answer
from simutrador_data.services.serving.arrow_formats import arrow_parts, parquet_parts
answer = Answer(("AAPL", "BRK.B"), Timeframe.MINUTE_1, Adjustment.RAW, "ab" * 32, 1)
for parts in (arrow_parts, parquet_parts):
    assert b"".join(parts(answer, [make_bars("BRK.B", n=3)]))
print("pandas" in sys.modules)
"""


def test_no_column_costs_the_import_of_pandas() -> None:
    # 60 MB and half a second in the first request of a service.
    done = subprocess.run(
        [sys.executable, "-c", ARROW_ALONE], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_symbols_of_any_script_read_back() -> None:
    bars = make_bars("ÄÖ-€", n=2)
    data = written([bars], ExportFormat.ARROW, ("AAPL", "ÄÖ-€"))
    (batch,) = arrow.ipc.open_stream(data)
    assert batch.column("symbol").to_pylist() == ["ÄÖ-€", "ÄÖ-€"]
    assert batch.column("symbol").dictionary.to_pylist() == ["AAPL", "ÄÖ-€"]

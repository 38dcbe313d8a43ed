"""Prices come out as they went in, through every border: file, store, wire and export."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from simutrador_data.cli.commands import app as cli
from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.main import create_app

arrow: Any = pa
parquet: Any = pq

PRICES: Final = [
    "1.08127", "0.00001234", "97123.45678901", "0.1", "0.3", "185.5", "100", "1e-8", "2.675",
    "0.00000001", "999999999.999999", "123456789012.345", "4.35", "1.005", "33.333333333333",
    *(f"{random.Random(n).randrange(10**14, 10**15)}e-{n % 16}" for n in range(60)),
]  # fmt: skip
"""Up to 15 significant digits: what a float64 keeps exactly."""

NUMBERS: Final = [float(price) for price in PRICES]
QUERY: Final = {"symbols": "BTC-USD", "timeframe": "1min"}
BARS: Final = "/trading-data/bars"


def text_file(path: Path) -> Path:
    rows = [
        f"2024-01-02T{14 + n // 60:02}:{n % 60:02}:00Z,{p},{p},{p},{p},0.00012345"
        for n, p in enumerate(PRICES)
    ]
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service whose store the command line filled from a text file."""
    file = text_file(tmp_path / "BTC-USD.csv")
    done = CliRunner().invoke(cli, ["import", str(file), "--data", str(tmp_path / "s"), "--json"])
    assert done.exit_code == 0, done.output
    storage = DataStorageSettings(base_path=tmp_path / "s", candles_path=Path())
    app = create_app(Settings(data_storage=storage))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8002"
        ) as opened,
    ):
        yield opened


def columns_of(format_: str, content: bytes) -> tuple[list[float], list[float]]:
    """Return the closes and volumes of an answer, read by the reader of its format."""
    if format_ == "json":
        (series,) = json.loads(content)["series"]
        return series["close"], series["volume"]
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        return [float(row["close"]) for row in rows], [float(row["volume"]) for row in rows]
    if format_ == "arrow":
        table = arrow.ipc.open_stream(content).read_all()
    else:
        table = parquet.read_table(io.BytesIO(content))
    return table.column("close").to_pylist(), table.column("volume").to_pylist()


@pytest.mark.parametrize("format_", ["json", "csv", "arrow", "parquet"])
async def test_every_format_gives_the_prices_of_the_file(
    client: httpx.AsyncClient, format_: str
) -> None:
    answer = await client.get(BARS, params={**QUERY, "format": format_})
    assert answer.status_code == 200
    assert columns_of(format_, answer.content) == (NUMBERS, [0.00012345] * len(NUMBERS))


async def test_decimal_strings_are_equal_as_decimals(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/data/BTC-USD", params={"order_by": "asc"})
    candles = answer.json()["candles"]
    assert len(candles) == len(PRICES)
    for candle, price in zip(candles, PRICES, strict=True):
        for name in ("open", "high", "low", "close"):
            assert Decimal(candle[name]) == Decimal(price)
            assert "e" not in candle[name].lower()
            assert len(candle[name].partition(".")[2]) >= 2
        assert Decimal(candle["volume"]) == Decimal("0.00012345")


async def test_a_csv_export_imports_to_the_same_rows(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.get(BARS, params={**QUERY, "format": "csv"})
    (tmp_path / "again.csv").write_bytes(answer.content)
    done = CliRunner().invoke(
        cli, ["import", str(tmp_path / "again.csv"), "--data", str(tmp_path / "two"), "--json"]
    )
    assert orjson.loads(done.stdout)["added"] == len(PRICES)
    out = CliRunner().invoke(
        cli, ["bars", "BTC-USD", "--data", str(tmp_path / "two"), "--json", "-t", "1min"]
    )
    document = orjson.loads(out.stdout)
    assert document["series"][0]["close"] == NUMBERS
    assert answer.headers["X-Dataset-Id"] == document["dataset_id"]

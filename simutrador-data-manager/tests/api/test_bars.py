"""Many bars at once, in every format."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_data.services.storage.parquet_store import ParquetStore

arrow: Any = pa
parquet: Any = pq

DAILY = {"timeframe": "daily"}


async def test_json_gives_columns_of_every_symbol(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/bars", params={"symbols": "brk.b,AAPL", **DAILY})
    assert answer.status_code == 200
    document = answer.json()
    assert [series["symbol"] for series in document["series"]] == ["BRK.B", "AAPL"]
    assert document["series"][1]["session"] == ["2024-01-02", "2024-01-04", "2024-01-05"]
    assert document["series"][1]["close"] == [100.0, 101.0, 102.0]
    # 2024-01-02 14:30 UTC
    assert document["series"][1]["opened_at"][0] == 1_704_205_800_000_000


async def test_the_range_is_half_open(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/bars",
        params={"symbols": "BRK.B", **DAILY, "start": "2024-01-03", "end": "2024-01-05"},
    )
    assert answer.json()["series"][0]["session"] == ["2024-01-03", "2024-01-04"]


async def test_numbers_are_exact(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/bars", params={"symbols": "EUR/USD"})
    assert json.loads(answer.content)["series"][0]["close"] == [1.08127, 0.00001234, 97123.45678901]


async def test_the_dataset_id_names_the_rows(
    client: httpx.AsyncClient, store: ParquetStore
) -> None:
    answer = await client.get("/trading-data/bars", params={"symbols": "EUR/USD"})
    expected = store.dataset_id([query_all("EUR/USD")])
    assert answer.json()["dataset_id"] == answer.headers["X-Dataset-Id"] == expected


async def test_an_unchanged_answer_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/trading-data/bars", params={"symbols": "EUR/USD"})
    again = await client.get(
        "/trading-data/bars",
        params={"symbols": "EUR/USD"},
        headers={"If-None-Match": first.headers["ETag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_csv_has_a_symbol_column(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/bars", params={"symbols": "AAPL,BRK.B", **DAILY, "format": "csv"}
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["symbol"] for row in rows] == ["AAPL"] * 3 + ["BRK.B"] * 4
    assert rows[0]["session"] == "2024-01-02"


@pytest.mark.parametrize("name", ["arrow", "parquet"])
async def test_binary_formats_hold_the_same_rows(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(
        "/trading-data/bars", params={"symbols": "AAPL,BRK.B", **DAILY, "format": name}
    )
    if name == "arrow":
        table = arrow.ipc.open_stream(answer.content).read_all()
    else:
        table = parquet.read_table(io.BytesIO(answer.content))
    assert table.column("symbol").to_pylist() == ["AAPL"] * 3 + ["BRK.B"] * 4
    assert table.column("close").to_pylist() == [100.0, 101.0, 102.0, 350.0, 351.0, 352.0, 353.0]


async def test_an_older_version_can_be_read(client: httpx.AsyncClient, store: ParquetStore) -> None:
    before = store.history("EUR/USD", Timeframe.MINUTE_1)[-1].id
    changed = make_bars("EUR/USD", close=[2.0, 2.0, 2.0])
    store.commit(make_change(changed, on_conflict=OnConflict.REPLACE))
    now = await client.get("/trading-data/bars", params={"symbols": "EUR/USD"})
    old = await client.get("/trading-data/bars", params={"symbols": "EUR/USD", "as_of": before})
    assert now.json()["series"][0]["close"] == [2.0, 2.0, 2.0]
    assert old.json()["series"][0]["close"] == [1.08127, 0.00001234, 97123.45678901]


async def test_an_empty_range_is_an_empty_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/bars", params={"symbols": "EUR/USD", "start": "2030-01-01T00:00:00Z"}
    )
    assert answer.status_code == 200
    assert sum(len(series["close"]) for series in answer.json()["series"]) == 0


async def test_a_long_series_is_streamed_in_parts(
    client: httpx.AsyncClient, store: ParquetStore
) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    bars = make_bars("BTC-USD", start=start, n=150_000)
    store.commit(make_change(bars))
    answer = await client.get("/trading-data/bars", params={"symbols": "BTC-USD"})
    parts = answer.json()["series"]
    assert "content-length" not in answer.headers
    assert len(parts) > 1
    assert {part["symbol"] for part in parts} == {"BTC-USD"}
    joined = [at for part in parts for at in part["opened_at"]]
    assert (
        joined
        == store.read(
            BarQuery("BTC-USD", Timeframe.MINUTE_1, start, datetime(2021, 1, 1, tzinfo=UTC))
        ).opened_at.tolist()
    )


@pytest.mark.parametrize("as_of", ["999999", "-1"])
async def test_a_version_the_store_has_not_reached_is_refused(
    client: httpx.AsyncClient, as_of: str
) -> None:
    answer = await client.get(
        "/trading-data/bars", params={"symbols": "AAPL", **DAILY, "as_of": as_of}
    )
    assert answer.status_code == 422
    assert "as_of" in answer.text

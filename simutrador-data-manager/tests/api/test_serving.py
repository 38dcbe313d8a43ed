"""How answers leave: packed, conditional, head only; and parameters nobody knows."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
import zstandard

from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
arrow: Any = pa

BARS = "/trading-data/bars"
EUR = {"symbols": "EUR/USD"}
LONG = {"symbols": "BTC-USD"}
START = datetime(2020, 1, 1, tzinfo=UTC)


class Watched(ParquetStore):
    """A store that counts the bars it hands out."""

    given = 0
    listed = 0

    def read(self, query: BarQuery, /) -> Bars:
        found = super().read(query)
        self.given += len(found)
        return found

    def symbols(self, timeframe: Timeframe | None = None) -> Any:
        self.listed += 1
        return super().symbols(timeframe)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Any:
        for part in super().stream(query, rows=rows):
            self.given += len(part)
            yield part


@pytest.fixture
async def long_client(client: httpx.AsyncClient, store: ParquetStore) -> httpx.AsyncClient:
    """Return a client of a store that holds 150,000 minutes of BTC-USD too."""
    store.commit(make_change(make_bars("BTC-USD", start=START, n=150_000)))
    return client


async def raw(client: httpx.AsyncClient, params: dict[str, str], accept: str) -> tuple[Any, bytes]:
    """Return an answer and its body as it was sent."""
    headers = {"Accept-Encoding": accept}
    async with client.stream("GET", BARS, params=params, headers=headers) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


def unzstd(data: bytes) -> bytes:
    """Return what was packed, also when its length was not known beforehand."""
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


@pytest.mark.parametrize(("accept", "unpack"), [("gzip", gzip.decompress), ("zstd", unzstd)])
@pytest.mark.parametrize("name", ["json", "csv", "arrow", "parquet"])
async def test_an_answer_is_packed_as_asked_and_the_same_inside(
    long_client: httpx.AsyncClient, accept: str, unpack: Callable[[bytes], bytes], name: str
) -> None:
    params = {**LONG, "format": name}
    plain, body = await raw(long_client, params, "identity")
    packed, data = await raw(long_client, params, accept)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == accept
    assert packed.headers["vary"] == "Accept-Encoding"
    assert unpack(data) == body
    if name in {"json", "csv"}:
        assert len(data) < len(body) / 3


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.1", "gzip"),
        ("*", "zstd"),
        ("gzip;q=0, zstd;q=0", None),
        ("br, deflate", None),
        ("", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=nonsense", None),
    ],
)
async def test_the_client_chooses_how_it_is_packed(
    long_client: httpx.AsyncClient, accept: str, coding: str | None
) -> None:
    answer, _ = await raw(long_client, LONG, accept)
    assert answer.headers.get("content-encoding") == coding


async def test_a_small_answer_is_not_packed(client: httpx.AsyncClient) -> None:
    answer, body = await raw(client, EUR, "gzip, zstd")
    assert len(body) < 1_024
    assert "content-encoding" not in answer.headers


async def test_other_routes_are_packed_too(client: httpx.AsyncClient, store: ParquetStore) -> None:
    store.commit(make_change(make_bars("BTC-USD", start=START, n=500)))
    for path in ("/trading-data/data/BTC-USD", "/trading-data/chart?symbol=BTC-USD"):
        answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["symbol"] == "BTC-USD"


@pytest.mark.parametrize("before", ["", "W/", '"other", ', '"other", W/'])
async def test_an_unchanged_answer_is_known_by_any_of_the_tags_given(
    client: httpx.AsyncClient, before: str
) -> None:
    tag = (await client.get(BARS, params=EUR)).headers["ETag"]
    answer = await client.get(BARS, params=EUR, headers={"If-None-Match": before + tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == tag
    other = await client.get(BARS, params=EUR, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_a_packed_answer_has_a_weak_tag_that_is_taken_back(
    long_client: httpx.AsyncClient,
) -> None:
    packed, _ = await raw(long_client, LONG, "gzip")
    tag = packed.headers["ETag"]
    assert tag.startswith('W/"')
    answer = await long_client.get(BARS, params=LONG, headers={"If-None-Match": tag})
    assert answer.status_code == 304


async def test_an_answer_whose_marks_alone_changed_is_sent_again(
    tmp_path: Any, serve: Serve
) -> None:
    with ParquetStore(tmp_path / "marked") as store:
        store.commit(make_change(make_bars("BTC-USD", start=START, n=3)))
        async with serve(create_app(Settings(), store=store)) as client:
            params = {"symbols": "BTC-USD"}
            first = await client.get(BARS, params=params)
            marked = make_bars("BTC-USD", start=START, n=3, synthetic=[False, True, False])
            store.commit(make_change(marked, on_conflict=OnConflict.REPLACE))
            held = {"If-None-Match": first.headers["ETag"]}
            again = await client.get(BARS, params=params, headers=held)
            assert again.status_code == 200
            assert again.json()["series"][0]["synthetic"] == [False, True, False]
            assert again.json()["dataset_id"] == first.json()["dataset_id"]
            later = make_bars("BTC-USD", start=START + timedelta(days=9), n=1)
            store.commit(make_change(later))
            held = {"If-None-Match": again.headers["ETag"]}
            until = {**params, "end": (START + timedelta(days=5)).isoformat()}
            assert (await client.get(BARS, params=until, headers=held)).status_code == 304


async def test_an_unchanged_answer_is_known_without_reading_a_bar(
    tmp_path: Any, serve: Serve
) -> None:
    with Watched(tmp_path / "watched") as store:
        store.commit(make_change(make_bars("BTC-USD", start=START, n=5_000)))
        async with serve(create_app(Settings(), store=store)) as client:
            params = {"symbols": "BTC-USD", "start": "2020-01-01T01:00:00Z"}
            first = await client.get(BARS, params=params)
            store.given = 0
            tag = {"If-None-Match": first.headers["ETag"]}
            assert (await client.get(BARS, params=params, headers=tag)).status_code == 304
            assert (await client.head(BARS, params=params)).status_code == 200
            assert (store.given, store.listed) == (0, 0)
            restated = make_bars("BTC-USD", start=START, n=5_000, price=9)
            store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
            assert (await client.get(BARS, params=params, headers=tag)).status_code == 200


async def test_a_page_is_cut_without_reading_the_rest(tmp_path: Any, serve: Serve) -> None:
    bars = make_bars("BTC-USD", start=START, n=150_000)
    with Watched(tmp_path / "watched") as store:
        store.commit(make_change(bars))
        async with serve(create_app(Settings(), store=store)) as client:
            store.given = 0
            params = {"order_by": "asc", "page": "71", "page_size": "1000"}
            answer = (await client.get("/trading-data/data/BTC-USD", params=params)).json()
            assert store.given < 40_000
    assert answer["pagination"]["total_items"] == 150_000
    assert answer["candles"][0]["date"] == "2020-02-18T14:40:00Z"  # 70,000 minutes later


async def test_the_version_of_an_answer_reads_it_again(
    client: httpx.AsyncClient, store: ParquetStore
) -> None:
    before = await client.get(BARS, params=EUR)
    changed = make_bars("EUR/USD", close=[2.0, 2.0, 2.0])
    store.commit(make_change(changed, on_conflict=OnConflict.REPLACE))
    version = before.headers["X-As-Of"]
    again = await client.get(BARS, params={**EUR, "as_of": version})
    assert again.content == before.content
    assert again.json()["as_of"] == int(version)
    assert (await client.get(BARS, params=EUR)).json()["as_of"] == int(version) + 1


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health",
        "/health/live",
        "/docs",
        "/openapi.json",
        "/trading-data/symbols",
        "/trading-data/series",
        "/trading-data/data/AAPL?timeframe=daily",
        "/trading-data/bars?symbols=AAPL&timeframe=daily",
        "/trading-data/bars?symbols=AAPL&timeframe=daily&format=csv",
        "/trading-data/gaps?symbol=AAPL&timeframe=daily",
        "/trading-data/chart?symbol=AAPL&timeframe=daily",
        "/trading-data/data/NOPE",
        "/nothing-here",
    ],
)
async def test_head_answers_like_get_without_a_body(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    for name in ("content-type", "etag", "x-dataset-id", "cache-control", "vary"):
        assert head.headers.get(name) == whole.headers.get(name)
    length = head.headers.get("content-length")
    if whole.is_success:
        assert length in {None, str(len(whole.content))}


@pytest.mark.parametrize(
    ("path", "field", "text"),
    [
        ("/trading-data/bars?symbol=AAPL", "symbol", "did you mean symbols?"),
        ("/trading-data/bars?symbols=AAPL&Start=2024-01-01", "Start", "did you mean start?"),
        ("/trading-data/data/AAPL?page_sise=5", "page_sise", "did you mean page_size?"),
        ("/trading-data/data/AAPL?start=2024-01-01", "start", "did you mean start_date?"),
        ("/trading-data/chart?symbol=AAPL&pints=5", "pints", "did you mean points?"),
        ("/trading-data/gaps?symbol=AAPL&q=1", "q", "use adjustment, end, group"),
        ("/trading-data/coverage?symbol=AAPL&x=", "x", "use adjustment, end"),
        ("/trading-data/series?x=1", "x", "this address takes none"),
        ("/trading-data/symbols?timeframes=1min", "timeframes", "did you mean timeframe?"),
    ],
)
async def test_an_unknown_parameter_is_refused_with_the_nearest_one(
    client: httpx.AsyncClient, path: str, field: str, text: str
) -> None:
    answer = await client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown_parameter")
    assert problem["field"] == field
    assert text in problem["detail"]


async def test_the_dataset_id_of_several_queries_is_that_of_the_store(
    client: httpx.AsyncClient, store: ParquetStore
) -> None:
    ends = {"start": "1900-01-01T00:00:00Z", "end": "2200-01-01T00:00:00+00:00"}
    asked = [
        {"symbol": "EUR/USD", "timeframe": "1min", **ends},
        {"symbol": "AAPL", "timeframe": "daily", "as_of": 1, **ends},
    ]
    answer = await client.post("/trading-data/dataset-id", json={"queries": asked})
    expected = [query_all("EUR/USD"), query_all("AAPL", Timeframe.DAILY, as_of=1)]
    assert answer.json() == {"dataset_id": store.dataset_id(expected)}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"symbol": "NOPE"}, 404, "unknown_symbol"),
        ({"as_of": 999}, 422, "invalid_range"),
        ({"start": "2024-01-01T00:00:00"}, 422, "invalid_range"),
        ({"start": "2300-01-01T00:00:00Z"}, 422, "invalid_range"),
        ({"timeframe": "3min"}, 422, "invalid_input"),
        ({"stert": "2024-01-01"}, 422, "invalid_input"),
    ],
)
async def test_a_wrong_query_for_a_dataset_id_is_a_problem(
    client: httpx.AsyncClient, change: dict[str, object], status: int, code: str
) -> None:
    ends = {"start": "1900-01-01T00:00:00Z", "end": "2200-01-01T00:00:00Z"}
    asked = {"symbol": "EUR/USD", "timeframe": "1min", **ends, **change}
    answer = await client.post("/trading-data/dataset-id", json={"queries": [asked]})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_marks_and_sessions_of_minutes_are_served(
    client: httpx.AsyncClient, store: ParquetStore
) -> None:
    days = np.array(["2024-01-03"] * 2, dtype="datetime64[D]")
    bars = make_bars("ES", n=2, synthetic=[False, True])
    store.commit(make_change(replace(bars, sessions=days)))
    document = (await client.get(BARS, params={"symbols": "ES"})).json()
    assert document["series"][0]["synthetic"] == [False, True]
    assert document["series"][0]["session"] == ["2024-01-03", "2024-01-03"]
    answer = await client.get(BARS, params={"symbols": "ES", "format": "arrow"})
    table = arrow.ipc.open_stream(answer.content).read_all()
    assert table.column("synthetic").to_pylist() == [False, True]
    assert [str(day) for day in table.column("session").to_pylist()] == ["2024-01-03"] * 2

"""Pages of candles and lists of symbols."""

from __future__ import annotations

import httpx
import pytest


async def test_candles_come_newest_first_in_the_documented_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/data/aapl", params={"timeframe": "daily"})
    assert answer.status_code == 200
    document = answer.json()
    assert document["symbol"] == "AAPL"
    assert document["timeframe"] == "daily"
    assert document["candles"][0] == {
        "date": "2024-01-05T14:30:00Z",
        "open": "102.00",
        "high": "102.50",
        "low": "101.50",
        "close": "102.00",
        "volume": "1000.00000000",
    }
    assert (document["start_date"], document["end_date"]) == (
        "2024-01-02T14:30:00Z",
        "2024-01-05T14:30:00Z",
    )
    assert document["pagination"] == {
        "page": 1,
        "page_size": 1000,
        "total_items": 3,
        "total_pages": 1,
        "has_next": False,
        "has_previous": False,
    }


async def test_order_asc_is_oldest_first(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/data/AAPL", params={"timeframe": "1d", "order_by": "asc", "page_size": 2}
    )
    dates = [candle["date"][:10] for candle in answer.json()["candles"]]
    assert dates == ["2024-01-02", "2024-01-04"]


@pytest.mark.parametrize(
    ("page", "closes", "has_next", "has_previous"),
    [
        (1, ["353.00", "352.00", "351.00"], True, False),
        (2, ["350.00"], False, True),
        (3, [], False, True),
    ],
)
async def test_pages_meet_without_overlap(
    client: httpx.AsyncClient, page: int, closes: list[str], has_next: bool, has_previous: bool
) -> None:
    answer = await client.get(
        "/trading-data/data/BRK.B", params={"timeframe": "daily", "page": page, "page_size": 3}
    )
    document = answer.json()
    assert [candle["close"] for candle in document["candles"]] == closes
    assert document["pagination"]["total_pages"] == 2
    assert document["pagination"]["has_next"] is has_next
    assert document["pagination"]["has_previous"] is has_previous


async def test_both_ends_of_a_range_of_days_are_included(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/data/BRK.B",
        params={
            "timeframe": "daily",
            "start_date": "2024-01-03",
            "end_date": "2024-01-04T00:00:00",
            "order_by": "asc",
        },
    )
    assert [c["date"][:10] for c in answer.json()["candles"]] == ["2024-01-03", "2024-01-04"]


async def test_prices_of_any_size_are_exact(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/data/EUR/USD", params={"order_by": "asc"})
    closes = [candle["close"] for candle in answer.json()["candles"]]
    assert closes == ["1.08127", "0.00001234", "97123.45678901"]


async def test_an_escaped_slash_names_the_same_symbol(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/data/EUR%2FUSD")
    assert answer.json()["symbol"] == "EUR/USD"


async def test_symbols_of_a_timeframe_are_a_sorted_list(client: httpx.AsyncClient) -> None:
    daily = await client.get("/trading-data/symbols", params={"timeframe": "daily"})
    assert daily.json() == ["AAPL", "BRK.B"]
    assert (await client.get("/trading-data/symbols")).json() == ["EUR/USD"]


async def test_series_say_what_is_stored(client: httpx.AsyncClient) -> None:
    first = (await client.get("/trading-data/series")).json()[0]
    assert first == {
        "symbol": "AAPL",
        "timeframe": "daily",
        "adjustment": "raw",
        "rows": 3,
        "first": "2024-01-02T14:30:00Z",
        "last": "2024-01-05T14:30:00Z",
        "first_session": "2024-01-02",
        "last_session": "2024-01-05",
        "derived": False,
    }

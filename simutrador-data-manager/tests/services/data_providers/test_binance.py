"""Binance: recorded klines in our words, and the contract over invented pages in its format."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import RateLimitError
from simutrador_core.interfaces.data_provider import BarPage, BarRequest, DataProvider
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.binance import (
    BASE_URL,
    BinanceProvider,
    Kline,
    open_binance,
    to_pair,
    to_rows,
)
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
)
from simutrador_data.services.data_providers.http.client import decoded

START = datetime(2024, 3, 10, tzinfo=UTC)
MINUTES = BarRequest("BTC-USDT", Timeframe.MINUTE_1, START, START + timedelta(hours=40))
MINUTE_MS = 60_000

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def opened(handler: Handler) -> AsyncGenerator[BinanceProvider]:
    access = ProviderAccess(
        BASE_URL,
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_binance(access) as provider:
        yield provider


async def bars_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


def kline(t: int, price: str = "10.10000000") -> list[object]:
    return [t, price, "11.0", "9.0", price, "3.50000000", t + 59_999, "35.0", 7, "1.0", "10.0", "0"]


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak Binance's format: minutes of BTCUSDT but for an hour's outage; none before March."""
    query = request.url.params
    if query["symbol"] != "BTCUSDT":
        return httpx.Response(400, json={"code": -1121, "msg": "Invalid symbol."})
    listed = to_us(datetime(2024, 3, 1, tzinfo=UTC)) // 1_000
    first = -(-max(listed, int(query["startTime"])) // MINUTE_MS) * MINUTE_MS
    times = range(first, int(query["endTime"]) + 1, MINUTE_MS)
    up = [t for t in times if t // 3_600_000 % 24 != 5]
    return httpx.Response(200, json=[kline(t) for t in up[: int(query["limit"])]])


class TestBinance(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES,
        start=datetime(2024, 2, 1, tzinfo=UTC),
        end=datetime(2024, 2, 2, tzinfo=UTC),
    )
    unknown_request = replace(MINUTES, symbol="NOPE-USDT")

    def open_provider(self) -> AbstractAsyncContextManager[DataProvider]:
        return opened(minute_vendor)


async def test_a_recorded_bar_is_read_to_the_last_digit(recorded) -> None:
    body = recorded("binance/klines_binanceus_BTCUSDT_1h.json")
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers={"content-type": "application/json"}, content=body)

    # 1710327600000 ms is 11:00 UTC on 13 March 2024.
    at = datetime(2024, 3, 13, 11, tzinfo=UTC)
    request = BarRequest("BTC-USDT", Timeframe.HOUR_1, at, at + timedelta(hours=1))
    (page,) = await bars_of(handle, request)
    bars = page.bars
    assert bars.opened_at.tolist() == [1_710_327_600_000_000]
    values = (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0])
    assert values == (73249.24, 73394.3, 73234.62, 73347.62, 0.23592)
    assert dict(asked[0].url.params) == {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "startTime": "1710327600000",
        "endTime": "1710331199999",
        "limit": "1000",
    }


async def test_days_are_utc_days_and_carry_their_session() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        day_ms = 86_400_000
        return httpx.Response(200, json=[kline(to_us(START) // 1_000 + n * day_ms) for n in (0, 1)])

    request = replace(MINUTES, timeframe=Timeframe.DAILY, end=START + timedelta(days=2))
    (page,) = await bars_of(handle, request)
    assert page.bars.sessions is not None
    assert page.bars.sessions.tolist() == [date(2024, 3, 10), date(2024, 3, 11)]
    assert page.bars.first == START


async def test_a_range_begins_and_ends_with_whole_milliseconds() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=[])

    micro = timedelta(microseconds=1)
    await bars_of(handle, replace(MINUTES, start=START + micro, end=START + 60 * 1_000_000 * micro))
    query = asked[0].url.params
    assert (query["startTime"], query["endTime"]) == ("1710028800001", "1710028859999")


@pytest.mark.parametrize(
    ("symbol", "pair"), [("BTC-USDT", "BTCUSDT"), ("ETH/BTC", "ETHBTC"), ("BTC-USD", "BTCUSD")]
)
def test_pairs_are_spelt_as_the_vendor_does(symbol: str, pair: str) -> None:
    assert to_pair(AssetRegistry.default().get(symbol)) == pair


@pytest.mark.parametrize("symbol", ["AAPL", "EUR/USD", "CL=F"])
def test_what_is_no_pair_of_coins_is_refused(symbol: str) -> None:
    with pytest.raises(NotOfferedError, match="coins only"):
        to_pair(AssetRegistry.default().get(symbol))


async def test_other_prices_than_raw_are_refused() -> None:
    with pytest.raises(NotOfferedError, match="has no split bars, only raw"):
        await bars_of(minute_vendor, replace(MINUTES, adjustment=Adjustment.SPLIT))


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        ((400, {"code": -1121, "msg": "Invalid symbol."}), UnknownVendorSymbolError, "BTCUSDT"),
        ((418, {"code": -1003, "msg": "banned"}), RateLimitError, "retry after"),
        ((403, {"code": -1002, "msg": "blocked"}), RateLimitError, "retry after 0:05"),
        ((451, {"code": 0, "msg": "restricted location"}), NotOfferedError, "BINANCE__BASE_URL="),
        ((200, [kline(to_us(START) // 1_000, "ten")]), BadAnswerError, "not as documented"),
        ((200, [kline(0), kline(MINUTE_MS)]), BadAnswerError, "asked for 2024-03-10"),
        ((200, {"code": -1}), BadAnswerError, "not as documented"),
    ],
)
async def test_an_answer_that_cannot_be_right_is_an_error(answer, error, text) -> None:
    status, document = answer
    with pytest.raises(error, match=text):
        await bars_of(lambda _: httpx.Response(status, json=document), MINUTES)


def test_a_page_is_parsed_at_150_000_bars_a_second() -> None:
    klines = [kline(n * MINUTE_MS, f"{10 + n % 977 / 100:.8f}") for n in range(30_000)]
    response = httpx.Response(200, content=json.dumps(klines).encode())
    best = min(_parse_s(response) for _ in range(5))
    assert best < 30_000 / 150_000


def _parse_s(response: httpx.Response) -> float:
    begun = time.thread_time()
    klines = decoded(response, list[Kline], provider="binance", strict=False)
    rows = to_rows(klines, Timeframe.MINUTE_1)
    spent = time.thread_time() - begun
    assert rows.open[976] == 19.76
    return spent

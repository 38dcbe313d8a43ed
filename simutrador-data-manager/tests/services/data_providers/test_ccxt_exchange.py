"""Exchanges through ccxt: the contract, over invented pages in the format of one of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from simutrador_core.errors import InputError, RateLimitError
from simutrador_core.interfaces.data_provider import BarPage, BarRequest
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.ccxt_exchange import CcxtProvider, open_ccxt, to_rows
from simutrador_data.services.data_providers.http import (
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
)

Handler = Callable[[httpx.Request], httpx.Response]
MARCH_8 = datetime(2024, 3, 8, tzinfo=UTC)
MINUTES = BarRequest("BTC-USDT", Timeframe.MINUTE_1, MARCH_8, MARCH_8 + timedelta(hours=2))
MINUTE_MS = 60_000
MARKET = {  # one pair, as Binance lists it
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT"],
    "isSpotTradingAllowed": True,
    "permissions": ["SPOT"],
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "tickSize": "0.01",
            "minPrice": "0.01",
            "maxPrice": "1000000",
        }
    ],
}


@asynccontextmanager
async def opened(handler: Handler, name: str = "binanceus") -> AsyncGenerator[CcxtProvider]:
    access = ProviderAccess(
        name,
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_ccxt(access) as provider:
        yield provider


async def pages_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


def vendor(request: httpx.Request) -> httpx.Response:
    """Speak Binance US: invented minutes of the first hour, twenty an answer."""
    if request.url.path.endswith("/exchangeInfo"):
        return httpx.Response(200, json={"symbols": [MARKET], "timezone": "UTC"})
    assert request.url.path.endswith("/klines")
    since = int(request.url.params["startTime"])
    first = to_us(MARCH_8) // 1_000
    times = [t for t in range(first, first + 60 * MINUTE_MS, MINUTE_MS) if t >= since]
    row = ["10.0", "11.0", "9.0", "10.5", "100.0"]
    return httpx.Response(
        200, json=[[t, *row, t + MINUTE_MS - 1, "1", 3, "1", "1", "0"] for t in times[:20]]
    )


class TestContract(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES, start=MARCH_8 + timedelta(hours=3), end=MARCH_8 + timedelta(hours=4)
    )
    unknown_request = replace(MINUTES, symbol="DOGE-USDT")

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[CcxtProvider]:
        async with opened(vendor) as provider:
            yield provider


async def test_a_recorded_bar_is_read(recorded: Callable[[str], bytes]) -> None:
    body = recorded("binance/klines_binanceus_BTCUSDT_1h.json")

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/exchangeInfo"):
            return vendor(request)
        return httpx.Response(200, headers={"content-type": "application/json"}, content=body)

    at = datetime(2024, 3, 13, 11, tzinfo=UTC)  # 1710327600 seconds
    request = BarRequest("BTC-USDT", Timeframe.HOUR_1, at, at + timedelta(hours=1))
    (page,) = await pages_of(handle, request)
    bars = page.bars
    assert bars.opened_at.tolist() == [to_us(at)]
    assert (bars.open[0], bars.high[0], bars.low[0]) == (73249.24, 73394.3, 73234.62)
    assert (bars.close[0], bars.volume[0]) == (73347.62, 0.23592)


async def test_what_the_exchange_lacks_is_refused() -> None:
    with pytest.raises(NotOfferedError, match="no AAPL"):
        await pages_of(vendor, replace(MINUTES, symbol="AAPL"))
    with pytest.raises(UnknownVendorSymbolError, match="'DOGE/USDT' is not known"):
        await pages_of(vendor, replace(MINUTES, symbol="DOGE-USDT"))
    with pytest.raises(InputError, match="knows no exchange 'nowhere'; name one: ccxt:kraken"):
        async with opened(vendor, "nowhere"):
            pass


async def test_errors_of_the_library_become_ours() -> None:
    with pytest.raises(RateLimitError, match="ccxt:binanceus"):
        await pages_of(lambda _: httpx.Response(429, json={"code": -1003, "msg": "slow"}), MINUTES)


def test_days_are_utc_days() -> None:
    rows = to_rows(np.array([[1_709_856_000_000.0, 1, 2, 0.5, 1.5, 7]]), Timeframe.DAILY)
    assert rows.sessions is not None
    assert rows.sessions.tolist() == [MARCH_8.date()]
    assert rows.opened_at.tolist() == [to_us(MARCH_8)]

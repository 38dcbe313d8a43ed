"""Tiingo: recorded answers in our words, and the contract over invented pages in its format."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from simutrador_core.errors import AuthenticationError
from simutrador_core.interfaces.data_provider import ActionKind, ActionRequest, BarPage, BarRequest
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
    decoded,
)
from simutrador_data.services.data_providers.tiingo import (
    BASE_URL,
    KEY,
    TiingoProvider,
    open_tiingo,
)
from simutrador_data.services.data_providers.tiingo_answers import IntradayBar, to_rows

Handler = Callable[[httpx.Request], httpx.Response]
SECRET = "a-key-nobody-may-see"
JANUARY_2 = datetime(2018, 1, 2, tzinfo=UTC)
HALF_HOURS = BarRequest("GOOGL", Timeframe.MINUTE_30, JANUARY_2, JANUARY_2 + timedelta(days=1))
MINUTES = BarRequest(
    "AAPL",
    Timeframe.MINUTE_1,
    datetime(2024, 1, 2, tzinfo=UTC),
    datetime(2024, 1, 19, tzinfo=UTC),
)


@asynccontextmanager
async def opened(handler: Handler) -> AsyncGenerator[TiingoProvider]:
    access = ProviderAccess(
        BASE_URL,
        keys={KEY: SecretStr(SECRET)},
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_tiingo(access) as provider:
        yield provider


def answering(*bodies: bytes) -> tuple[Handler, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = bodies[min(len(asked), len(bodies)) - 1]
        return httpx.Response(200, headers={"content-type": "application/json"}, content=body)

    return handle, asked


async def pages_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


def body_of(cassette: bytes) -> bytes:
    """Return the first answer of a recorded conversation; it stands on one line in quotes."""
    found = re.search(rb"body: \{string: '(\[.*?\])'\}", cassette)
    assert found is not None
    return found[1]


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak Tiingo's format: invented minutes of AAPL, 14:30 to 15:30 UTC of each day asked for."""
    query = request.url.params
    if request.url.path == "/tiingo/daily/AAPL":
        return httpx.Response(200, json={"ticker": "AAPL"})
    if request.url.path == "/tiingo/daily/AAPL/prices":
        return httpx.Response(200, json=[])
    if request.url.path != "/iex/AAPL/prices":
        return httpx.Response(404, json={"detail": "Not found."})
    first, last = (date.fromisoformat(query[name]) for name in ("startDate", "endDate"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    bar = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0}
    return httpx.Response(
        200,
        json=[
            {"date": f"{day}T{14 + (30 + n) // 60}:{(30 + n) % 60:02d}:00.000Z", **bar}
            for day in days
            if day.weekday() < 5 and day != date(2024, 1, 15)  # a holiday
            for n in range(60)
        ],
    )


class TestContract(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES, start=datetime(2024, 1, 6, tzinfo=UTC), end=datetime(2024, 1, 8, tzinfo=UTC)
    )
    unknown_request = replace(MINUTES, symbol="NOPE")

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[TiingoProvider]:
        async with opened(minute_vendor) as provider:
            yield provider


async def test_recorded_half_hours_are_utc(recorded: Callable[[str], bytes]) -> None:
    handle, asked = answering(body_of(recorded("tiingo/cassettes/intraday_price.yaml")))
    (page,) = await pages_of(handle, HALF_HOURS)
    bars = page.bars
    assert len(bars) == 13  # 09:30 to 16:00 in New York
    assert bars.opened_at[0] == to_us(JANUARY_2.replace(hour=14, minute=30))
    assert bars.opened_at[-1] == to_us(JANUARY_2.replace(hour=20, minute=30))
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (
        1057.47,
        1061.91,
        1054.17,
        1061.91,
    )
    assert bars.close[-1] == 1073.315
    assert asked[0].url.path == "/iex/GOOGL/prices"
    assert asked[0].url.params["resampleFreq"] == "30min"


async def test_recorded_days_are_raw_or_adjusted(recorded: Callable[[str], bytes]) -> None:
    body = body_of(recorded("tiingo/cassettes/ticker_price_with_date.yaml"))
    days = replace(
        HALF_HOURS,
        timeframe=Timeframe.DAILY,
        start=datetime(2015, 1, 1, tzinfo=UTC),
        end=datetime(2015, 1, 6, tzinfo=UTC),
    )
    handle, asked = answering(body)
    (page,) = await pages_of(handle, days)
    assert page.bars.sessions is not None
    assert page.bars.sessions.tolist() == [date(2015, 1, 2), date(2015, 1, 5)]
    assert page.bars.opened_at[0] == to_us(datetime(2015, 1, 2, 14, 30, tzinfo=UTC))
    assert page.bars.open.tolist() == [532.6, 527.15]
    assert page.bars.high.tolist() == [535.8, 527.9899]
    assert page.bars.volume.tolist() == [1327870.0, 2059119.0]
    assert asked[0].url.path == "/tiingo/daily/GOOGL/prices"
    one = {**json.loads(body)[0], "adjOpen": 26.63, "adjVolume": 26557400}
    handle, _ = answering(json.dumps([one]).encode())
    (page,) = await pages_of(handle, replace(days, adjustment=Adjustment.TOTAL))
    assert (page.bars.open[0], page.bars.close[0], page.bars.volume[0]) == (26.63, 529.55, 26557400)


async def test_recorded_coins_are_read(recorded: Callable[[str], bytes]) -> None:
    cassette = recorded("tiingo/cassettes/crypto_price_history.yaml")
    found = re.search(rb'"priceData":(\[.*?\])', cassette)
    assert found is not None
    coin = (
        b'[{"ticker":"btcusd","baseCurrency":"btc","quoteCurrency":"usd","priceData":%b}]'
        % found[1]
    )
    handle, asked = answering(coin)
    may = datetime(2019, 5, 1, tzinfo=UTC)
    request = BarRequest("BTC-USD", Timeframe.DAILY, may, may + timedelta(days=2))
    (page,) = await pages_of(handle, request)
    assert page.bars.opened_at.tolist() == [to_us(may), to_us(may + timedelta(days=1))]
    assert page.bars.open.tolist() == [5367.348827845256, 5441.491804492167]
    assert page.bars.volume.tolist() == [27749.729226739997, 40036.510605330004]
    assert asked[0].url.params["tickers"] == "btcusd"


async def test_days_carry_splits_and_dividends() -> None:
    day = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    rows = [
        {"date": "2020-08-07T00:00:00.000Z", **day, "divCash": 0.82, "splitFactor": 1.0},
        {"date": "2020-08-28T00:00:00.000Z", **day, "divCash": 0.0, "splitFactor": 1.0},
        {"date": "2020-08-31T00:00:00.000Z", **day, "divCash": 0.0, "splitFactor": 4.0},
    ]
    handle, asked = answering(json.dumps(rows).encode())
    async with opened(handle) as provider:
        request = ActionRequest("AAPL", date(2020, 8, 1), date(2020, 9, 1))
        dividend, split = [action async for action in provider.fetch_actions(request)]
    assert (dividend.kind, dividend.effective, dividend.amount) == (
        ActionKind.DIVIDEND,
        date(2020, 8, 7),
        Decimal("0.82"),
    )
    assert (split.kind, split.effective, split.ratio) == (
        ActionKind.SPLIT,
        date(2020, 8, 31),
        Decimal(4),
    )
    assert asked[0].url.params["endDate"] == "2020-08-31"


async def test_the_key_travels_in_a_header_and_nowhere_else() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return minute_vendor(request)

    await pages_of(handle, MINUTES)
    assert len(asked) == 3  # twelve sessions, five a request: fewer than 2,000 rows
    for request in asked:
        assert request.headers["Authorization"] == f"Token {SECRET}"
        assert SECRET not in str(request.url)


async def test_what_it_does_not_offer_is_refused() -> None:
    with pytest.raises(NotOfferedError, match="no EUR/USD"):
        await pages_of(minute_vendor, replace(MINUTES, symbol="EUR/USD"))
    with pytest.raises(NotOfferedError, match="1min bars of AAPL are raw only"):
        await pages_of(minute_vendor, replace(MINUTES, adjustment=Adjustment.TOTAL))
    with pytest.raises(UnknownVendorSymbolError, match="'NOPE' is not known"):
        await pages_of(minute_vendor, replace(MINUTES, symbol="NOPE"))
    with pytest.raises(AuthenticationError, match="set TIINGO__API_KEY"):
        async with open_tiingo(ProviderAccess(BASE_URL)):
            pass


def test_pages_are_read_at_150_000_bars_a_second() -> None:
    first = datetime(2024, 1, 2, tzinfo=UTC)
    bar = {"close": 100.5, "high": 102.5, "low": 99.75, "open": 101.25, "volume": 1234.0}
    rows = [
        {"date": f"{first + timedelta(minutes=n):%Y-%m-%dT%H:%M:%S.000Z}", **bar}
        for n in range(10_000)
    ]
    response = httpx.Response(200, content=json.dumps(rows).encode())

    def read() -> float:
        begun = time.process_time()
        found = to_rows(decoded(response, list[IntradayBar], provider="tiingo"))
        took = time.process_time() - begun
        assert len(found) == 10_000
        return took

    assert 10_000 / min(read() for _ in range(7)) >= 150_000

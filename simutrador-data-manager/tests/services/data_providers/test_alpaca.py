"""Alpaca: recorded answers in our words, and the contract over invented pages in its format."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from simutrador_core.errors import AuthenticationError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
    ActionRequest,
    BarPage,
    BarRequest,
    CorporateAction,
    TradeRequest,
)
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.alpaca import (
    BASE_URL,
    KEY_ID,
    KEY_SECRET,
    AlpacaProvider,
    open_alpaca,
)
from simutrador_data.services.data_providers.alpaca_answers import BarsPage, to_rows
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
    decoded,
)

Handler = Callable[[httpx.Request], httpx.Response]
KEYS = {KEY_ID: SecretStr("an-id"), KEY_SECRET: SecretStr("a-secret-nobody-may-see")}
MARCH_8 = datetime(2024, 3, 8, tzinfo=UTC)  # a Friday
MINUTES = BarRequest("AAPL", Timeframe.MINUTE_1, MARCH_8.replace(hour=14), MARCH_8.replace(hour=16))
FEBRUARY = BarRequest(
    "AAPL", Timeframe.DAILY, datetime(2022, 2, 1, tzinfo=UTC), datetime(2022, 2, 3, tzinfo=UTC)
)


@asynccontextmanager
async def opened(handler: Handler) -> AsyncGenerator[AlpacaProvider]:
    access = ProviderAccess(
        BASE_URL,
        keys=KEYS,
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_alpaca(access) as provider:
        yield provider


def answering(*bodies: bytes | dict[str, object]) -> tuple[Handler, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = bodies[min(len(asked), len(bodies)) - 1]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(200, headers={"content-type": "application/json"}, content=content)

    return handle, asked


async def pages_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


async def actions_of(handler: Handler, request: ActionRequest) -> list[CorporateAction]:
    async with opened(handler) as provider:
        return [action async for action in provider.fetch_actions(request)]


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak Alpaca's format: invented minutes of AAPL from 14:30 to 15:30, twenty a page."""
    query = request.url.params
    if request.url.path.endswith("/latest"):
        known = {"AAPL": {"t": "2024-03-08T15:29:00Z", "p": 10.0, "s": 1}}
        found = {name: trade for name, trade in known.items() if name == query["symbols"]}
        return httpx.Response(200, json={"trades": found})
    if request.url.path == "/v1/corporate-actions":
        return httpx.Response(200, json={"corporate_actions": {}, "next_page_token": None})
    start, end = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
    first, last = MARCH_8.replace(hour=14, minute=30), MARCH_8.replace(hour=15, minute=30)
    times = [first + timedelta(minutes=n) for n in range(60)]
    times = [at for at in times if start <= at <= end and at < last]
    if query["symbols"] != "AAPL" or not times:
        return httpx.Response(200, json={"bars": {}, "next_page_token": None})
    bars = [
        {"t": f"{at:%Y-%m-%dT%H:%M:%SZ}", "o": 10, "h": 11, "l": 9, "c": 10.5, "v": 100, "n": 3}
        for at in times[:20]
    ]
    token = "more" if len(times) > 20 else None
    return httpx.Response(200, json={"bars": {"AAPL": bars}, "next_page_token": token})


class TestContract(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES, start=MARCH_8 + timedelta(days=1), end=MARCH_8 + timedelta(days=2)
    )
    unknown_request = replace(MINUTES, symbol="NOPE")

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[AlpacaProvider]:
        async with opened(minute_vendor) as provider:
            yield provider


async def test_recorded_daily_bars_belong_to_their_sessions(
    recorded: Callable[[str], bytes],
) -> None:
    body = json.loads(recorded("alpaca/rest/data_historical_stock_data__get_bars.json"))
    handle, asked = answering({**body, "next_page_token": None})
    (page,) = await pages_of(handle, FEBRUARY)
    bars = page.bars
    # t 2022-02-01T05:00:00Z is midnight in New York; the session opens at 14:30 UTC in winter
    assert bars.sessions is not None
    assert bars.sessions.tolist() == [date(2022, 2, 1), date(2022, 2, 2)]
    assert bars.opened_at.tolist() == [
        to_us(datetime(2022, 2, day, 14, 30, tzinfo=UTC)) for day in (1, 2)
    ]
    assert bars.open.tolist() == [174.0, 174.64]
    assert bars.high.tolist() == [174.84, 175.88]
    assert bars.low.tolist() == [172.31, 173.33]
    assert bars.close.tolist() == [174.61, 175.84]
    assert bars.volume.tolist() == [85998033.0, 84817432.0]
    query = asked[0].url.params
    assert (query["start"], query["timeframe"]) == ("2022-02-01T05:00:00Z", "1Day")
    assert (query["adjustment"], query["feed"]) == ("raw", "sip")


async def test_what_follows_a_page_is_asked_for_from_its_end(
    recorded: Callable[[str], bytes],
) -> None:
    body = recorded("alpaca/rest/data_historical_stock_data__get_bars.json")
    later = {"bars": {}, "next_page_token": None}
    handle, asked = answering(body, later)
    request = replace(FEBRUARY, end=datetime(2022, 2, 4, tzinfo=UTC))
    first, last = await pages_of(handle, request)
    assert (len(first.bars), len(last.bars)) == (2, 0)
    assert asked[1].url.params["start"] == "2022-02-03T05:00:00Z"


async def test_recorded_coins_are_read(recorded: Callable[[str], bytes]) -> None:
    body = recorded("alpaca/rest/data_historical_crypto_data__get_crypto_bars.json")
    handle, asked = answering(body)
    march = datetime(2022, 3, 9, tzinfo=UTC)
    hours = BarRequest("BTC-USD", Timeframe.HOUR_1, march, march + timedelta(days=1))
    (page,) = await pages_of(handle, hours)
    assert page.bars.opened_at.tolist() == [to_us(march.replace(hour=5))]
    assert (page.bars.open[0], page.bars.close[0], page.bars.volume[0]) == (
        161.51,
        162.95,
        88496480,
    )
    assert asked[0].url.path == "/v1beta3/crypto/us/bars"
    assert asked[0].url.params["symbols"] == "BTC/USD"
    assert "adjustment" not in asked[0].url.params
    with pytest.raises(NotOfferedError, match="no UTC days"):
        await pages_of(handle, replace(hours, timeframe=Timeframe.DAILY))


async def test_recorded_trades_are_read(recorded: Callable[[str], bytes]) -> None:
    body = json.loads(recorded("alpaca/rest/data_historical_stock_data__get_trades.json"))
    handle, asked = answering(body, {"trades": {}, "next_page_token": None})
    day = datetime(2022, 3, 9, tzinfo=UTC)
    async with opened(handle) as provider:
        request = TradeRequest("AAPL", day, day + timedelta(days=1))
        pages = [page async for page in provider.fetch_trades(request)]
    assert pages[0].at.tolist() == [
        to_us(datetime(2022, 3, 9, 5, 0, 2, 183_000, tzinfo=UTC)),
        to_us(datetime(2022, 3, 9, 5, 0, 16, 910_000, tzinfo=UTC)),
    ]
    assert pages[0].price.tolist() == [159.07, 159.07]
    assert pages[0].size.tolist() == [1.0, 2.0]
    assert asked[1].url.params["page_token"] == body["next_page_token"]


async def test_recorded_splits_and_dividends_are_read(recorded: Callable[[str], bytes]) -> None:
    many = recorded("alpaca/rest/data_corporate_actions__get_corporate_actions.json")
    handle, _ = answering(many, {"corporate_actions": {}, "next_page_token": None})
    year = ActionRequest("SRE", date(2023, 8, 1), date(2023, 8, 24))
    (split,) = await actions_of(handle, year)  # those of other companies are left out
    assert split.kind is ActionKind.SPLIT
    assert (split.effective, split.ratio) == (date(2023, 8, 22), Decimal(2))
    handle, asked = answering(
        recorded("alpaca/rest/data_corporate_actions__get_corporate_actions_2.json")
    )
    august = ActionRequest("ZMTBY", date(2024, 8, 1), date(2024, 9, 1))
    (dividend,) = await actions_of(handle, august)
    assert (dividend.effective, dividend.amount) == (date(2024, 8, 7), Decimal("0.086928"))
    assert asked[0].url.params["end"] == "2024-08-31"


async def test_keys_travel_in_headers_and_nowhere_else() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return minute_vendor(request)

    await pages_of(handle, MINUTES)
    assert asked
    for request in asked:
        assert request.headers["APCA-API-SECRET-KEY"] == "a-secret-nobody-may-see"
        assert "secret" not in str(request.url)


async def test_a_key_that_is_absent_or_wrong_says_what_to_set() -> None:
    access = ProviderAccess(BASE_URL, keys={KEY_ID: SecretStr("an-id")})
    with pytest.raises(AuthenticationError, match="set ALPACA__API_SECRET_KEY"):
        async with open_alpaca(access):
            pass
    with pytest.raises(AuthenticationError, match="alpaca: answered 403"):
        await pages_of(lambda _: httpx.Response(403, json={"message": "forbidden."}), MINUTES)


async def test_bars_of_another_symbol_are_no_answer() -> None:
    bar = {"t": "2024-03-08T14:30:00Z", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
    handle, _ = answering({"bars": {"MSFT": [bar]}, "next_page_token": None})
    with pytest.raises(BadAnswerError, match="asked for AAPL, it sent bars of MSFT"):
        await pages_of(handle, MINUTES)


async def test_forex_is_not_offered() -> None:
    handle, _ = answering({"bars": {}, "next_page_token": None})
    with pytest.raises(NotOfferedError, match="no EUR/USD"):
        await pages_of(handle, replace(MINUTES, symbol="EUR/USD"))
    with pytest.raises(UnknownVendorSymbolError):
        await pages_of(minute_vendor, replace(MINUTES, symbol="NOPE"))


def test_pages_are_read_at_150_000_bars_a_second() -> None:
    bar = {"o": 101.25, "h": 102.5, "l": 99.75, "c": 100.5, "v": 1234, "n": 10, "vw": 101.0}
    start = datetime(2024, 3, 8, tzinfo=UTC)
    bars = [
        {"t": f"{start + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}", **bar} for n in range(10_000)
    ]
    body = json.dumps({"bars": {"AAPL": bars}, "next_page_token": None}).encode()
    response = httpx.Response(200, content=body)

    def read() -> float:
        begun = time.process_time()
        rows = to_rows((decoded(response, BarsPage, provider="alpaca").bars or {})["AAPL"])
        took = time.process_time() - begun
        assert np.all(rows.close == 100.5)
        return took

    assert 10_000 / min(read() for _ in range(7)) >= 150_000

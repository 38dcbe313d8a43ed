"""Financial Modeling Prep: recorded answers in our words, and the contract over invented pages."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import SecretStr

from simutrador_core.errors import AuthenticationError, RateLimitError
from simutrador_core.interfaces.data_provider import ActionKind, ActionRequest, BarPage, BarRequest
from simutrador_core.models.bars import concat, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.fmp import (
    BASE_URL,
    KEY,
    FmpProvider,
    open_fmp,
)
from simutrador_data.services.data_providers.fmp_answers import IntradayBar, to_rows
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    Retries,
    decoded,
)

Handler = Callable[[httpx.Request], httpx.Response]
NEW_YORK = ZoneInfo("America/New_York")
SECRET = "a-key-nobody-may-see"
JANUARY_2 = datetime(2024, 1, 2, tzinfo=UTC)
MINUTES = BarRequest(
    "AAPL", Timeframe.MINUTE_1, JANUARY_2, JANUARY_2 + timedelta(days=2), Adjustment.SPLIT
)


@asynccontextmanager
async def opened(handler: Handler) -> AsyncGenerator[FmpProvider]:
    access = ProviderAccess(
        BASE_URL,
        keys={KEY: SecretStr(SECRET)},
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_fmp(access) as provider:
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


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak the vendor's format: invented minutes of AAPL, newest first, on New York's clocks."""
    query = request.url.params
    if query["symbol"] != "AAPL" or not request.url.path.endswith(("/1min", "/profile")):
        return httpx.Response(200, json=[])
    if request.url.path.endswith("/profile"):
        return httpx.Response(200, json=[{"symbol": "AAPL"}])
    first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    minutes = [
        f"{day} {9 + (30 + n) // 60:02d}:{(30 + n) % 60:02d}:00" for day in days for n in range(60)
    ]
    bar = {"open": 10.0, "low": 9.0, "high": 11.0, "close": 10.5, "volume": 100}
    return httpx.Response(200, json=[{"date": text, **bar} for text in reversed(minutes)])


class TestContract(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES, start=datetime(2024, 1, 6, tzinfo=UTC), end=datetime(2024, 1, 8, tzinfo=UTC)
    )
    unknown_request = replace(MINUTES, symbol="NOPE")

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[FmpProvider]:
        async with opened(minute_vendor) as provider:
            yield provider


async def test_recorded_minutes_are_new_york_time(recorded: Callable[[str], bytes]) -> None:
    body = recorded(
        "fmp/stable/historical-chart_1min_symbol=AAPL_from=2024-01-01_to=2024-01-02.json"
    )
    handle, asked = answering(body)
    (page,) = await pages_of(handle, replace(MINUTES, end=JANUARY_2 + timedelta(days=1)))
    bars = page.bars
    # "2024-01-02 15:58:00" and 15:59 in New York, newest first; winter is five hours behind UTC
    assert bars.opened_at.tolist() == [
        to_us(JANUARY_2.replace(hour=20, minute=minute)) for minute in (58, 59)
    ]
    assert bars.open.tolist() == [185.45, 185.54]
    assert bars.high.tolist() == [185.55, 185.64]
    assert bars.low.tolist() == [185.41, 185.5]
    assert bars.close.tolist() == [185.54, 185.525]
    assert bars.volume.tolist() == [826256.0, 1293826.0]
    assert str(asked[0].url) == (
        f"{BASE_URL}/historical-chart/1min?symbol=AAPL&from=2024-01-02&to=2024-01-02"
    )


async def test_recorded_daily_bars_belong_to_their_sessions(
    recorded: Callable[[str], bytes],
) -> None:
    body = recorded(
        "fmp/stable/historical-price-eod_full_symbol=AAPL_from=2024-02-22_to=2024-02-28.json"
    )
    handle, asked = answering(body)
    week = replace(
        MINUTES,
        timeframe=Timeframe.DAILY,
        start=datetime(2024, 2, 22, tzinfo=UTC),
        end=datetime(2024, 2, 29, tzinfo=UTC),
    )
    (page,) = await pages_of(handle, week)
    assert page.bars.sessions is not None
    assert [day.day for day in page.bars.sessions.tolist()] == [22, 23, 26, 27, 28]
    assert page.bars.opened_at[0] == to_us(datetime(2024, 2, 22, 14, 30, tzinfo=UTC))
    assert (page.bars.open[0], page.bars.close[-1], page.bars.volume[0]) == (
        183.48,
        181.42,
        52292208,
    )
    assert asked[0].url.params["from"] == "2024-02-22"
    assert asked[0].url.params["to"] == "2024-02-28"


async def test_recorded_dividends_and_a_split_are_read(recorded: Callable[[str], bytes]) -> None:
    split = b'[{"symbol":"AAPL","date":"2020-08-31","numerator":4,"denominator":1}]'
    handle, _ = answering(split, recorded("fmp/stable/dividends_symbol=AAPL.json"))
    async with opened(handle) as provider:
        request = ActionRequest("AAPL", date(2020, 1, 1), date(2026, 1, 1))
        first, *_, last = [action async for action in provider.fetch_actions(request)]
    assert (first.kind, first.effective, first.ratio) == (
        ActionKind.SPLIT,
        date(2020, 8, 31),
        Decimal(4),
    )
    assert (last.effective, last.amount, last.known_on) == (
        date(2025, 8, 11),
        Decimal("0.26"),
        date(2025, 7, 31),
    )


async def test_sessions_across_the_clock_change_keep_their_hours() -> None:
    march = replace(
        MINUTES, start=datetime(2024, 3, 8, tzinfo=UTC), end=datetime(2024, 3, 12, tzinfo=UTC)
    )
    bars = concat([page.bars for page in await pages_of(minute_vendor, march)])
    opens = [
        to_us(datetime(2024, 3, 8, 14, 30, tzinfo=UTC)),
        to_us(datetime(2024, 3, 11, 13, 30, tzinfo=UTC)),
    ]
    assert [int(bars.opened_at[0]), int(bars.opened_at[60])] == opens
    assert len(bars) == 120


@pytest.mark.parametrize(
    ("status", "body", "error", "match"),
    [
        (401, {"Error Message": "Invalid API KEY."}, AuthenticationError, "401.*Invalid API KEY"),
        (402, {"Error Message": "Premium"}, AuthenticationError, "plan does not include"),
        (200, {"Error Message": "Invalid API KEY."}, AuthenticationError, "Invalid API KEY"),
        (200, {"Error Message": "Limit Reach."}, RateLimitError, "rate limit"),
        (200, {"Error Message": "Oh no"}, BadAnswerError, "Oh no"),
    ],
)
async def test_an_error_is_told_whatever_its_status(
    status: int, body: dict[str, str], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        await pages_of(lambda _: httpx.Response(status, json=body), MINUTES)


async def test_the_key_travels_in_a_header_and_nowhere_else() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return minute_vendor(request)

    await pages_of(handle, MINUTES)
    assert asked
    for request in asked:
        assert request.headers["apikey"] == SECRET
        assert SECRET not in str(request.url)


async def test_coins_and_bars_of_another_symbol_are_refused() -> None:
    with pytest.raises(NotOfferedError, match="no BTC-USD"):
        await pages_of(minute_vendor, replace(MINUTES, symbol="BTC-USD"))
    bar = {
        "symbol": "MSFT",
        "date": "2024-01-02",
        "open": 1,
        "high": 1,
        "low": 1,
        "close": 1,
        "volume": 1,
    }
    handle, _ = answering(json.dumps([bar]).encode())
    with pytest.raises(BadAnswerError, match="asked for AAPL, it sent a bar of 'MSFT'"):
        await pages_of(handle, replace(MINUTES, timeframe=Timeframe.DAILY))


def test_pages_are_read_at_150_000_bars_a_second() -> None:
    first = datetime(2024, 1, 2)
    bar = {"open": 101.25, "low": 99.75, "high": 102.5, "close": 100.5, "volume": 1234}
    bars = [{"date": str(first + timedelta(minutes=n)), **bar} for n in reversed(range(10_000))]
    response = httpx.Response(200, content=json.dumps(bars).encode())

    def read() -> float:
        begun = time.process_time()
        rows = to_rows(decoded(response, list[IntradayBar], provider="fmp"), NEW_YORK)
        took = time.process_time() - begun
        assert len(rows) == 10_000
        return took

    assert 10_000 / min(read() for _ in range(7)) >= 150_000

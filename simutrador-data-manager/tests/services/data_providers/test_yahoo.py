"""Yahoo: recorded charts in our words, and the contract over invented pages in its format."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import RateLimitError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
    ActionRequest,
    BarPage,
    BarRequest,
    CorporateAction,
    DataProvider,
)
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
)
from simutrador_data.services.data_providers.http.client import decoded
from simutrador_data.services.data_providers.yahoo import (
    BASE_URL,
    YahooProvider,
    open_yahoo,
    to_ticker,
)
from simutrador_data.services.data_providers.yahoo_answers import ChartAnswer, to_rows

OPEN = datetime(2024, 3, 11, 13, 30, tzinfo=UTC)  # a Monday; clocks went forward the day before
MINUTES = BarRequest(
    "AAPL", Timeframe.MINUTE_1, OPEN - timedelta(days=4), OPEN + timedelta(days=8), Adjustment.SPLIT
)

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def opened(handler: Handler) -> AsyncGenerator[YahooProvider]:
    access = ProviderAccess(
        BASE_URL,
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_yahoo(access) as provider:
        yield provider


async def bars_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


def chart(times: list[int], *, symbol: str = "AAPL", step: str = "1m", **columns: Any) -> Any:
    quote = {name: [10.0] * len(times) for name in ("open", "high", "low", "close")}
    quote |= {"volume": [100] * len(times), **columns}
    meta = {
        "symbol": symbol,
        "currency": "USD",
        "exchangeTimezoneName": "America/New_York",
        "dataGranularity": step,
    }
    result: dict[str, object] = {"meta": meta, "indicators": {"quote": [quote if times else {}]}}
    if times:
        result["timestamp"] = times
    return {"chart": {"result": [result], "error": None}}


def error(status: int, description: str) -> httpx.Response:
    said = {"code": "Not Found", "description": description}
    return httpx.Response(status, json={"chart": {"result": None, "error": said}})


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak Yahoo's format: the first hour of each weekday from 11 March 2024 on."""
    if not request.url.path.endswith("/AAPL"):
        return error(404, "No data found, symbol may be delisted")
    start, end = (int(request.url.params[name]) for name in ("period1", "period2"))
    if request.url.params["interval"] == "1m" and end - start > 8 * 86_400:
        return error(422, "Only 8 days worth of 1m granularity data are allowed")
    first = to_us(OPEN) // 1_000_000
    days = (first + day * 86_400 for day in range(30) if day % 7 < 5)
    times = [t for day in days for t in range(day, day + 3_600, 60) if start <= t < end]
    return httpx.Response(200, json=chart(times, step=request.url.params["interval"]))


class TestYahoo(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES, start=datetime(2024, 3, 9, tzinfo=UTC), end=datetime(2024, 3, 10, tzinfo=UTC)
    )
    unknown_request = replace(MINUTES, symbol="NOPE")

    def open_provider(self) -> AbstractAsyncContextManager[DataProvider]:
        return opened(minute_vendor)


@pytest.fixture
def replayed(recorded) -> Callable[[str], tuple[Handler, list[httpx.Request]]]:
    """Return a maker of a vendor that gives a recorded answer."""

    def make(name: str) -> tuple[Handler, list[httpx.Request]]:
        response = json.loads(recorded(f"yahoo/{name}.json"))["response"]
        kind = response["headers"]["content-type"]
        body = json.dumps(response["bodyJson"]).encode()
        asked: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return httpx.Response(response["status"], headers={"content-type": kind}, content=body)

        return handle, asked

    return make


def days(symbol: str, first: date, last: date) -> BarRequest:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return BarRequest(symbol, Timeframe.DAILY, start, end, Adjustment.SPLIT)


async def test_recorded_days_stand_at_the_open_of_their_session(replayed) -> None:
    handler, asked = replayed("chart-AAPL-2020-08-31-to-2020-11-07")
    request = days("AAPL", date(2020, 8, 31), date(2020, 11, 6))
    (page,) = await bars_of(handler, request)
    bars = page.bars
    assert len(bars) == 49
    # 9:30 in New York is 13:30 UTC in summer, and 14:30 after clocks went back on 1 November.
    assert bars.first == datetime(2020, 8, 31, 13, 30, tzinfo=UTC)
    assert bars.last == datetime(2020, 11, 6, 14, 30, tzinfo=UTC)
    assert bars.sessions is not None
    assert bars.sessions[[0, -1]].tolist() == [date(2020, 8, 31), date(2020, 11, 6)]
    assert (bars.open[0], bars.close[0]) == (127.58000183105469, 129.0399932861328)
    assert bars.close[-1] == 118.69000244140625
    # From midnight to midnight in New York: 2020-08-31T04:00Z and 2020-11-07T05:00Z.
    query = asked[0].url.params
    assert (query["period1"], query["period2"]) == ("1598846400", "1604725200")


async def test_recorded_days_of_other_exchanges_and_coins(replayed) -> None:
    handler, _ = replayed("chart-WSU.DE-2023-08-04-to-2023-08-09")
    (page,) = await bars_of(handler, days("WSU.DE", date(2023, 8, 4), date(2023, 8, 8)))
    # Frankfurt opens at 9:00, 07:00 UTC in summer.
    assert page.bars.first == datetime(2023, 8, 4, 7, 0, tzinfo=UTC)
    assert page.bars.volume.tolist() == [1251.0, 336.0, 10846.0]
    handler, _ = replayed("chart-BTC-USD-2020-01-01-to-2020-01-03")
    (page,) = await bars_of(handler, days("BTC-USD", date(2020, 1, 1), date(2020, 1, 3)))
    assert page.bars.first == datetime(2020, 1, 1, tzinfo=UTC)
    assert page.bars.close.tolist() == [7200.17431640625, 6985.47021484375, 7344.88427734375]


async def test_recorded_pence_become_pounds(replayed) -> None:
    handler, _ = replayed("chart-OCDO.L-2020-01-01-to-2020-01-03")
    (page,) = await bars_of(handler, days("OCDO.L", date(2020, 1, 2), date(2020, 1, 2)))
    assert page.bars.open.tolist() == [12.795]
    assert page.bars.low.tolist() == [12.58]
    assert page.bars.volume.tolist() == [728_520.0]


async def test_a_recorded_answer_without_bars_is_empty(replayed) -> None:
    handler, _ = replayed("chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m")
    start = datetime(2025, 2, 1, tzinfo=UTC)
    (page,) = await bars_of(handler, replace(MINUTES, start=start, end=start + timedelta(days=1)))
    assert not len(page.bars)


async def test_columns_without_timestamps_are_refused(replayed) -> None:
    handler, _ = replayed("chart-notimestamp-quotes-length.fake")
    with pytest.raises(BadAnswerError, match="0 timestamps and 1 values"):
        await bars_of(handler, days("AAPL", date(2020, 1, 2), date(2020, 1, 2)))


async def actions_of(handler: Handler, request: ActionRequest) -> list[CorporateAction]:
    async with opened(handler) as provider:
        return [action async for action in provider.fetch_actions(request)]


async def test_recorded_splits_and_dividends_are_actions(replayed) -> None:
    handler, _ = replayed("chart-AAPL-2020-08-31-to-2020-11-07")
    found = await actions_of(handler, ActionRequest("AAPL", date(2020, 8, 1), date(2020, 12, 1)))
    assert found == [
        CorporateAction("AAPL", ActionKind.SPLIT, date(2020, 8, 31), ratio=Decimal(4)),
        CorporateAction("AAPL", ActionKind.DIVIDEND, date(2020, 11, 6), amount=Decimal("0.205")),
    ]


async def test_recorded_dividends_of_a_year(replayed) -> None:
    handler, asked = replayed("historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv")
    found = await actions_of(handler, ActionRequest("MSFT", date(2021, 3, 1), date(2022, 2, 1)))
    assert [(one.effective, one.amount) for one in found] == [
        (date(2021, 5, 19), Decimal("0.56")),
        (date(2021, 8, 18), Decimal("0.56")),
        (date(2021, 11, 17), Decimal("0.62")),
    ]
    assert asked[0].url.params["events"] == "div,split"


async def test_a_dividend_before_a_split_is_what_was_paid_then() -> None:
    # Apple paid 0.82 on 7 August 2020, before the split of 4 to 1; Yahoo says 0.205.
    events = {
        "dividends": {"1596807000": {"amount": 0.205, "date": 1_596_807_000}},
        "splits": {"1598880600": {"date": 1_598_880_600, "numerator": 4, "denominator": 1}},
    }
    document = chart([], step="1d")
    document["chart"]["result"][0]["events"] = events
    request = ActionRequest("AAPL", date(2020, 8, 1), date(2020, 8, 31))
    (found,) = await actions_of(lambda _: httpx.Response(200, json=document), request)
    assert (found.effective, found.amount) == (date(2020, 8, 7), Decimal("0.820"))


def at(minute: int) -> int:
    return to_us(OPEN) // 1_000_000 + 60 * minute


async def test_minutes_without_a_trade_and_the_price_just_now_are_no_bars() -> None:
    times = [at(0), at(1), at(2), at(2) + 17]
    prices = [10.0, None, 11.0, 11.5]
    document = chart(times, open=prices, high=prices, low=prices, close=prices)
    document["chart"]["result"][0]["indicators"]["quote"][0]["volume"] = [5, None, None, 0]
    request = replace(MINUTES, start=OPEN, end=OPEN + timedelta(hours=1))
    (page,) = await bars_of(lambda _: httpx.Response(200, json=document), request)
    assert page.bars.opened_at.tolist() == [at(0) * 1_000_000, at(2) * 1_000_000]
    assert page.bars.volume.tolist() == [5.0, 0.0]


async def test_the_price_just_now_of_a_session_that_has_its_bar_is_left_out() -> None:
    document = chart([at(0), at(90) + 5], step="1d", close=[10.0, 12.0])
    request = days("AAPL", date(2024, 3, 11), date(2024, 3, 11))
    (page,) = await bars_of(lambda _: httpx.Response(200, json=document), request)
    assert page.bars.close.tolist() == [10.0]


async def test_raw_prices_are_refused_since_it_has_none() -> None:
    with pytest.raises(NotOfferedError, match="has no raw bars, only split"):
        await bars_of(minute_vendor, replace(MINUTES, adjustment=Adjustment.RAW))


async def test_daily_bars_of_currencies_are_refused_since_their_days_are_not_sessions() -> None:
    with pytest.raises(NotOfferedError, match="resample"):
        await bars_of(minute_vendor, days("EUR/USD", date(2020, 1, 2), date(2020, 1, 3)))


@pytest.mark.parametrize(
    ("symbol", "ticker"),
    [
        ("AAPL", "AAPL"),
        ("BRK.B", "BRK-B"),
        ("BTC-USD", "BTC-USD"),
        ("ETH/USDT", "ETH-USDT"),
        ("EUR/USD", "EURUSD=X"),
        ("VOD.L", "VOD.L"),
        ("CL=F", "CL=F"),
    ],
)
def test_symbols_are_spelt_as_the_vendor_does(symbol: str, ticker: str) -> None:
    assert to_ticker(AssetRegistry.default().get(symbol)) == ticker


@pytest.mark.parametrize(
    ("answer", "raised", "text"),
    [
        (httpx.Response(200, json=chart([at(0)], symbol="MSFT")), BadAnswerError, "'MSFT'"),
        (httpx.Response(200, json=chart([at(0)], step="1d")), BadAnswerError, "1m bars"),
        (httpx.Response(200, json=chart([at(0)], open=[])), BadAnswerError, "0 values"),
        (error(404, "No data found"), UnknownVendorSymbolError, "'AAPL'"),
        (error(422, "The requested range must be within 30 days."), NotOfferedError, "30 days"),
        (httpx.Response(429, text="Too Many Requests"), RateLimitError, "retry after"),
        (httpx.Response(200, json={"chart": {"result": None}}), BadAnswerError, "without a chart"),
    ],
)
async def test_an_answer_that_cannot_be_right_is_an_error(answer, raised, text) -> None:
    def again(_: httpx.Request) -> httpx.Response:
        headers = {"content-type": answer.headers.get("content-type", "")}
        return httpx.Response(answer.status_code, headers=headers, content=answer.content)

    with pytest.raises(raised, match=text):
        await bars_of(again, replace(MINUTES, start=OPEN, end=OPEN + timedelta(hours=1)))


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "/etc/passwd"])
async def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    document = chart([at(0)], step="1d")
    document["chart"]["result"][0]["meta"]["exchangeTimezoneName"] = zone
    with pytest.raises(BadAnswerError, match="is no time zone"):
        await bars_of(
            lambda _: httpx.Response(200, json=document),
            days("AAPL", date(2024, 3, 11), date(2024, 3, 11)),
        )


async def test_a_range_for_which_it_says_to_have_nothing_is_empty() -> None:
    said = "Data doesn't exist for startDate = 345427200, endDate = 345513600"
    request = days("AAPL", date(1990, 1, 2), date(1990, 1, 3))
    (page,) = await bars_of(lambda _: error(400, said), request)
    assert not len(page.bars)
    assert page.covered == (request.start, request.end)


def test_a_page_is_parsed_at_150_000_bars_a_second() -> None:
    prices = [round(10 + n % 977 / 100, 2) for n in range(20_000)]
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    document = chart([60 * n for n in range(20_000)], **columns)
    response = httpx.Response(200, content=json.dumps(document).encode())
    best = min(_parse_s(response) for _ in range(5))
    assert best < 20_000 / 150_000


def _parse_s(response: httpx.Response) -> float:
    begun = time.thread_time()
    (found,) = decoded(response, ChartAnswer, provider="yahoo").chart.result or []
    rows = to_rows(found, Timeframe.MINUTE_1, unit=Decimal(1))
    spent = time.thread_time() - begun
    assert rows.close[976] == 19.76
    return spent

"""Polygon: recorded answers in our words, and the contract over invented pages in its format."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePosixPath

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import AuthenticationError, RateLimitError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
    ActionRequest,
    BarPage,
    BarRequest,
    CorporateAction,
    DataProvider,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    Retries,
    UnknownVendorSymbolError,
)
from simutrador_data.services.data_providers.http.client import decoded
from simutrador_data.services.data_providers.listing import Listing
from simutrador_data.services.data_providers.polygon import (
    BASE_URL,
    KEY,
    PLUGIN,
    PolygonProvider,
    open_polygon,
    to_ticker,
)
from simutrador_data.services.data_providers.polygon.answers import AggregatesPage, to_rows

SECRET = "a-key-nobody-may-see"
APRIL = BarRequest(
    "AAPL",
    Timeframe.DAILY,
    datetime(2005, 4, 1, tzinfo=UTC),
    datetime(2005, 4, 5, tzinfo=UTC),
    Adjustment.SPLIT,
)
MINUTES = BarRequest(
    "AAPL",
    Timeframe.MINUTE_1,
    datetime(2024, 3, 8, 14, 30, tzinfo=UTC),
    datetime(2024, 3, 8, 15, 30, tzinfo=UTC),
)
MINUTE_MS = 60_000

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def opened(handler: Handler, **more: object) -> AsyncGenerator[PolygonProvider]:
    access = ProviderAccess(
        BASE_URL,
        keys={KEY: SecretStr(SECRET)},
        transport=httpx.MockTransport(handler),
        retries=Retries(attempts=2, first_wait_s=0.001),
    )
    async with open_polygon(replace(access, **more)) as provider:
        yield provider


def answering(*documents: Mapping[str, object] | bytes) -> tuple[Handler, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        document = documents[min(len(asked), len(documents)) - 1]
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return httpx.Response(200, headers={"content-type": "application/json"}, content=body)

    return handle, asked


async def bars_of(handler: Handler, request: BarRequest) -> list[BarPage]:
    async with opened(handler) as provider:
        return [page async for page in provider.fetch_bars(request)]


def row(t: int, **changes: float) -> dict[str, float]:
    return {"t": t, "o": 10.0, "h": 11.0, "l": 9.0, "c": 10.5, "v": 100.0, **changes}


def ms(at: datetime) -> int:
    return to_us(at) // 1_000


def minute_vendor(request: httpx.Request) -> httpx.Response:
    """Speak Polygon's format: minutes of AAPL without those of 14:40, twenty rows a page."""
    parts = PurePosixPath(request.url.path).parts
    if "events" in parts:
        return httpx.Response(404, json={"status": "NOT_FOUND", "message": "no events"})
    if "tickers" in parts:
        found = [{"ticker": "AAPL"}] if request.url.params["ticker"] == "AAPL" else []
        return httpx.Response(200, json={"status": "OK", "results": found})
    if "reference" in parts or parts[4] != "AAPL":
        return httpx.Response(200, json={"status": "OK", "results": [], "resultsCount": 0})
    start, end = int(parts[-2]), int(parts[-1])
    start = int(request.url.params.get("cursor", start))
    first = -(-start // MINUTE_MS) * MINUTE_MS
    times = [t for t in range(first, end + 1, MINUTE_MS) if t // MINUTE_MS % 60 != 40]
    saturday = ms(datetime(2024, 3, 9, tzinfo=UTC))
    times = [t for t in times if t < saturday]
    page = times[:20]
    document: dict[str, object] = {
        "ticker": "AAPL",
        "adjusted": request.url.params["adjusted"] == "true",
        "status": "OK",
        "results": [row(t, v=float(t // MINUTE_MS % 97)) for t in page],
    }
    if len(times) > len(page):
        link = f"https://api.polygon.io{request.url.path}?cursor={times[20]}&limit=50000"
        document["next_url"] = f"{link}&adjusted=false&sort=asc&apiKey={SECRET}"
    return httpx.Response(200, json=document)


class TestPolygon(DataProviderContract):
    request = MINUTES
    empty_request = replace(
        MINUTES,
        start=datetime(2024, 3, 9, 14, 30, tzinfo=UTC),
        end=datetime(2024, 3, 9, 15, 30, tzinfo=UTC),
    )
    unknown_request = replace(MINUTES, symbol="NOPE")

    def open_provider(self) -> AbstractAsyncContextManager[DataProvider]:
        return opened(minute_vendor)


async def test_recorded_daily_bars_are_the_sessions_of_new_york(recorded) -> None:
    name = "v2_aggs_ticker_AAPL_range_1_day_2005-04-01_2005-04-04.json"
    handler, asked = answering(recorded(f"polygon/rest/{name}"))
    (page,) = await bars_of(handler, APRIL)
    bars = page.bars
    # Midnight in New York is 05:00 UTC on Friday and 04:00 on Monday: clocks changed on Sunday.
    assert bars.sessions is not None
    assert bars.sessions.tolist() == [date(2005, 4, 1), date(2005, 4, 4)]
    opens = [datetime(2005, 4, 1, 14, 30, tzinfo=UTC), datetime(2005, 4, 4, 13, 30, tzinfo=UTC)]
    assert bars.opened_at.tolist() == [to_us(at) for at in opens]
    assert bars.open.tolist() == [1.5032, 1.4639]
    assert bars.high.tolist() == [1.5064, 1.4754]
    assert bars.low.tolist() == [1.4489, 1.4343]
    assert bars.close.tolist() == [1.4604, 1.4675]
    assert bars.volume.tolist() == [642646396.0, 578172308.0]
    assert page.covered == (APRIL.start, APRIL.end)
    assert asked[0].url.path.endswith("/AAPL/range/1/day/2005-04-01/2005-04-04")
    assert asked[0].url.params["adjusted"] == "true"


async def test_recorded_trades_are_in_order_of_the_tape(recorded) -> None:
    handler, asked = answering(recorded("polygon/rest/v3_trades_AAPL_limit=2.json"))
    start = datetime(2022, 4, 28, 21, 37, tzinfo=UTC)
    request = TradeRequest("AAPL", start, datetime(2022, 4, 28, 21, 38, tzinfo=UTC))
    async with opened(handler) as provider:
        pages: list[Trades] = [page async for page in provider.fetch_trades(request)]
    # 1651181822461979400 ns is 2022-04-28 21:37:02.461979 UTC.
    at = to_us(datetime(2022, 4, 28, 21, 37, 2, 461_979, tzinfo=UTC))
    assert pages[0].at.tolist() == [at, at]
    assert pages[0].price.tolist() == [156.43, 157.43]
    assert pages[0].size.tolist() == [10.0, 10.0]
    assert asked[0].url.params["timestamp.gte"] == "1651181820000000000"


async def actions_of(handler: Handler, request: ActionRequest) -> list[CorporateAction]:
    async with opened(handler) as provider:
        return [action async for action in provider.fetch_actions(request)]


async def test_recorded_splits_and_dividends_are_actions(recorded) -> None:
    splits = json.loads(recorded("polygon/rest/v3_reference_splits.json"))
    dividends = json.loads(recorded("polygon/rest/v3_reference_dividends.json"))
    brw = [one for one in splits["results"] if one["ticker"] == "BRW"]
    handler, asked = answering(
        {"status": "OK", "results": brw},
        {"status": "OK", "results": dividends["results"][3:4]},
        {"status": "OK", "results": {"events": []}},
    )
    request = ActionRequest("BRW", date(2022, 1, 1), date(2026, 1, 1))
    split, dividend = await actions_of(handler, request)
    assert split == CorporateAction(
        "BRW", ActionKind.SPLIT, date(2022, 5, 20), ratio=Decimal("0.5")
    )
    assert (dividend.effective, dividend.amount) == (date(2024, 9, 12), Decimal("0.59375"))
    assert dividend.known_on == date(2020, 9, 9)
    assert asked[0].url.params["execution_date.gte"] == "2022-01-01"
    assert asked[1].url.params["ex_dividend_date.lt"] == "2026-01-01"


async def test_actions_outside_the_range_are_left_out() -> None:
    split = {"ticker": "A", "execution_date": "2022-01-03", "split_from": 2, "split_to": 3}
    nothing = {"status": "OK", "results": []}
    handler, _ = answering({"status": "OK", "results": [split]}, nothing, {"status": "OK"})
    (found,) = await actions_of(handler, ActionRequest("A", date(2022, 1, 3), date(2022, 1, 4)))
    assert found.ratio == Decimal("1.5")
    assert not await actions_of(handler, ActionRequest("A", date(2022, 1, 4), date(2022, 2, 1)))


@pytest.mark.parametrize(("new", "old"), [(3, 0), (-3, 1), ("NaN", 1), (3, "Infinity")])
async def test_a_split_without_a_ratio_is_refused(new: object, old: object) -> None:
    split = {"ticker": "A", "execution_date": "2022-01-03", "split_from": old, "split_to": new}
    handler, _ = answering({"status": "OK", "results": [split]})
    with pytest.raises(BadAnswerError, match=f"split {new} for {old} on 2022-01-03"):
        await actions_of(handler, ActionRequest("A", date(2022, 1, 3), date(2022, 1, 4)))


@pytest.mark.parametrize("amount", [-1, "NaN", "Infinity"])
async def test_a_dividend_without_an_amount_is_refused(amount: object) -> None:
    dividend = {"ticker": "A", "ex_dividend_date": "2022-01-03", "cash_amount": amount}
    handler, _ = answering({"results": []}, {"results": [dividend]})
    with pytest.raises(BadAnswerError, match=f"paid {amount} on 2022-01-03"):
        await actions_of(handler, ActionRequest("A", date(2022, 1, 3), date(2022, 1, 4)))


async def test_a_recorded_change_of_name_is_a_rename_of_the_old_symbol(recorded) -> None:
    name = "vX_reference_tickers_META_events_types=ticker_change.json"
    nothing = {"status": "OK", "results": []}
    handler, asked = answering(nothing, nothing, recorded(f"polygon/rest/{name}"))
    request = ActionRequest("META", date(2012, 1, 1), date(2023, 1, 1))
    assert await actions_of(handler, request) == [
        CorporateAction("FB", ActionKind.RENAME, date(2022, 6, 11), successor="META")
    ]
    assert asked[2].url.path == "/vX/reference/tickers/META/events"


async def test_the_recorded_list_of_tickers_is_read_over_its_pages(recorded) -> None:
    first = recorded("polygon/rest/v3_reference_tickers.json")
    page = "YWN0aXZlPXRydWUmZGF0ZT0yMDIyLTA0LTI3JmxpbWl0PTImb3JkZXI9YXNjJnBhZ2VfbWFya2VyPUFBJT"
    second = json.loads(recorded(f"polygon/rest/v3_reference_tickers_cursor={page}.json"))
    second.pop("next_url", None)
    handler, asked = answering(first, second)
    async with opened(handler) as provider:
        found = [one async for one in provider.fetch_listings(AssetType.US_EQUITY)]
    assert [one.symbol for one in found] == [
        "A",
        "AA",
        *(one["ticker"] for one in second["results"]),
    ]
    assert found[1] == Listing(
        "AA", AssetType.US_EQUITY, "USD", "AA", name="Alcoa Corporation", exchange="XNYS"
    )
    assert dict(asked[0].url.params)["market"] == "stocks"
    assert asked[1].url.params["cursor"].startswith(page)


async def test_listed_pairs_have_their_halves_apart_and_odd_spellings_are_kept() -> None:
    halves = {"base_currency_symbol": "BTC", "currency_symbol": "USD"}
    gone = {"ticker": "BACpA", "currency_name": "usd", "delisted_utc": "2019-05-01T04:00:00Z"}
    handler, _ = answering({"results": [{"ticker": "X:BTCUSD", **halves}]}, {"results": [gone]})
    async with opened(handler) as provider:
        (coin,) = [one async for one in provider.fetch_listings(AssetType.CRYPTO)]
        (share,) = [one async for one in provider.fetch_listings(AssetType.US_EQUITY, active=False)]
    assert (coin.symbol, coin.currency, coin.vendor_symbol) == ("BTC-USD", "USD", "X:BTCUSD")
    assert (share.symbol, share.vendor_symbol) == ("BACPA", "BACpA")
    assert share.delisted == date(2019, 5, 1)


@pytest.mark.parametrize(
    ("symbol", "ticker"),
    [
        ("AAPL", "AAPL"),
        ("BRK.B", "BRK.B"),
        ("BTC-USD", "X:BTCUSD"),
        ("ETH/USDT", "X:ETHUSDT"),
        ("EUR/USD", "C:EURUSD"),
        ("XAU/USD", "C:XAUUSD"),
        ("X:BTCUSD", "X:BTCUSD"),
        ("C:EURUSD", "C:EURUSD"),
    ],
)
def test_symbols_are_spelt_as_the_vendor_does(symbol: str, ticker: str) -> None:
    assert to_ticker(AssetRegistry.default().get(symbol)) == ticker


@pytest.mark.parametrize("symbol", ["CL=F", "VOD.L"])
def test_an_asset_it_does_not_have_is_refused_with_a_way_out(symbol: str) -> None:
    with pytest.raises(NotOfferedError, match="vendor_symbols"):
        to_ticker(AssetRegistry.default().get(symbol))


async def test_crypto_days_are_utc_days() -> None:
    midnight = datetime(2024, 3, 10, tzinfo=UTC)
    document = {"ticker": "X:BTCUSD", "adjusted": True, "results": [row(ms(midnight))]}
    handler, asked = answering(document)
    request = BarRequest("BTC-USD", Timeframe.DAILY, midnight, datetime(2024, 3, 11, tzinfo=UTC))
    (page,) = await bars_of(handler, request)
    assert page.bars.sessions is not None
    assert page.bars.sessions.tolist() == [date(2024, 3, 10)]
    assert page.bars.first == midnight
    assert "/ticker/X:BTCUSD/range/1/day/2024-03-10/2024-03-10" in str(asked[0].url)


async def test_daily_bars_of_currencies_are_refused_since_their_days_are_not_sessions() -> None:
    handler, asked = answering({})
    with pytest.raises(NotOfferedError, match="fetch 1min and resample"):
        await bars_of(handler, replace(APRIL, symbol="EUR/USD", adjustment=Adjustment.RAW))
    assert not asked


async def test_the_next_page_is_asked_of_our_host_and_carries_no_key_in_its_address() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return minute_vendor(request)

    await bars_of(handle, MINUTES)
    assert len(asked) == 3
    assert {request.url.host for request in asked} == {"api.massive.com"}
    assert all(SECRET not in str(request.url) for request in asked)
    assert all(request.headers["authorization"] == f"Bearer {SECRET}" for request in asked)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"ticker": "MSFT"}, BadAnswerError),
        ({"adjusted": True, "results": [row(ms(MINUTES.start))]}, BadAnswerError),
        ({"results": [row(ms(MINUTES.start)), row(ms(MINUTES.start), c=10.6)]}, BadAnswerError),
        ({"results": [row(ms(datetime(2031, 1, 1, tzinfo=UTC)))]}, BadAnswerError),
        ({"next_url": "https://api.polygon.io/v2/aggs/ticker/A?cursor=1"}, BadAnswerError),
        ({"results": [{"t": "soon"}]}, BadAnswerError),
        ({"status": "ERROR", "error": "Unknown API Key"}, AuthenticationError),
        ({"status": "NOT_AUTHORIZED", "message": "not entitled"}, NotOfferedError),
        ({"status": "ERROR", "error": "You've exceeded the maximum requests"}, RateLimitError),
    ],
)
async def test_an_answer_that_cannot_be_right_is_an_error(change, error) -> None:
    sound = {"ticker": "AAPL", "adjusted": False, "status": "OK", "results": []}
    handler, _ = answering({**sound, **change})
    with pytest.raises(error):
        await bars_of(handler, MINUTES)


@pytest.mark.parametrize(
    ("status", "error"), [("NOT_AUTHORIZED", NotOfferedError), ("ERROR", AuthenticationError)]
)
async def test_a_plan_that_does_not_reach_is_told_from_a_wrong_key(status, error) -> None:
    document = {"status": status, "message": "Your plan doesn't include this data timeframe."}
    with pytest.raises(error, match=r"answered 403.*: Your plan doesn't include"):
        await bars_of(lambda _: httpx.Response(403, json=document), MINUTES)


async def test_a_page_that_repeats_the_one_before_is_refused() -> None:
    first = ms(MINUTES.start)
    link = "https://api.polygon.io/v2/aggs/ticker/AAPL/range/1/minute/1/2?cursor=x"
    page = {"ticker": "AAPL", "results": [row(first)], "next_url": link}
    handler, asked = answering(page, page)
    with pytest.raises(BadAnswerError):
        await bars_of(handler, MINUTES)
    assert len(asked) == 2


async def test_a_bar_that_begins_before_the_range_is_left_out() -> None:
    start = datetime(2024, 3, 8, 14, 30, tzinfo=UTC)
    hours = [row(ms(datetime(2024, 3, 8, hour, tzinfo=UTC))) for hour in (14, 15)]
    handler, _ = answering({"ticker": "AAPL", "results": hours})
    request = replace(MINUTES, timeframe=Timeframe.HOUR_1, start=start)
    (page,) = await bars_of(handler, replace(request, end=datetime(2024, 3, 8, 16, tzinfo=UTC)))
    assert page.bars.first == datetime(2024, 3, 8, 15, tzinfo=UTC)
    assert len(page.bars) == 1


async def test_an_empty_answer_of_a_delisted_ticker_is_believed() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        gone = request.url.params.get("active") == "false"
        return httpx.Response(200, json={"results": [{"ticker": "TWTR"}] if gone else []})

    (page,) = await bars_of(handle, replace(MINUTES, symbol="TWTR"))
    assert not len(page.bars)
    assert asked[1:] == ["/v3/reference/tickers"] * 2


async def test_a_ticker_that_never_was_is_unknown() -> None:
    handler, _ = answering({"results": []})
    with pytest.raises(UnknownVendorSymbolError, match="'NOPE'"):
        await bars_of(handler, replace(MINUTES, symbol="NOPE"))


async def test_it_opens_only_with_a_key() -> None:
    with pytest.raises(AuthenticationError, match=f"set {KEY}; .*massive.com"):
        async with PLUGIN.open(ProviderAccess(BASE_URL)):
            pytest.fail("opened without a key")


async def test_a_base_url_of_older_settings_goes_on_working() -> None:
    handler, asked = answering({"ticker": "AAPL", "results": [row(ms(MINUTES.start))]})
    async with opened(handler, base_url=f"{BASE_URL}/v2/aggs/ticker/") as provider:
        async for _ in provider.fetch_bars(MINUTES):
            pass
    assert asked[0].url.path.startswith("/v2/aggs/ticker/AAPL/range/")


def test_a_page_is_parsed_at_150_000_bars_a_second() -> None:
    results = [
        row(
            1_577_975_400_000 + minute * MINUTE_MS, vw=10.123456, n=321, o=10.0 + minute % 977 / 100
        )
        for minute in range(50_000)
    ]
    body = json.dumps({"ticker": "AAPL", "status": "OK", "results": results}).encode()
    response = httpx.Response(200, content=body)
    best = min(_parse_s(response) for _ in range(5))
    assert best < 50_000 / 150_000


def _parse_s(response: httpx.Response) -> float:
    begun = time.thread_time()
    rows = to_rows(decoded(response, AggregatesPage, provider="polygon").results or [])
    spent = time.thread_time() - begun
    assert np.isclose(rows.open[976], 19.76)
    return spent

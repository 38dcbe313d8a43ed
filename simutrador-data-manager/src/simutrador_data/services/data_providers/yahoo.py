"""Yahoo: the chart service behind its web pages; no key, no contract, no documentation.

Source: recorded answers of 2020 to 2025 and what clients of it found out, above all
https://github.com/ranaroussi/yfinance/issues (#1389 and #636 history of intraday bars, #2611 and
#1749 adjustment), read 2026-11-21. A bar is labelled by its open, seconds UTC; a daily one by its
session's open in `exchangeTimezoneName`; intraday bars are those of regular hours, hours begin at
the session's open. Prices and volumes are adjusted for every later split, never for dividends, and
change when a split happens: raw prices are not to be had. They are 32-bit numbers, exact to seven
digits. Dividends are adjusted for later splits too; here they are turned back into what was paid.
A minute without a trade is null, and is no bar. During a session an extra row holds the last price.
London's pence (GBp), South Africa's cents and Israel's agorot become the currency.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from simutrador_core.assets.classify import split_pair
from simutrador_core.assets.registry import Asset
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.daily import dates_between, opens_of
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.http.client import vendor_text
from simutrador_data.services.data_providers.paging import (
    check_offered,
    empty_page,
    instant_of,
    to_page,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_data.services.data_providers.yahoo_answers import (
    NAME,
    Chart,
    ChartAnswer,
    price_unit,
    to_actions,
    to_rows,
)

BASE_URL: Final = "https://query2.finance.yahoo.com"
BROWSER: Final = "Mozilla/5.0 (compatible; simutrador-data-manager)"
"""Clients that do not look like a browser get 429."""

_INTERVALS: Final[Mapping[Timeframe, str]] = {
    Timeframe.MINUTE_1: "1m",
    Timeframe.MINUTE_5: "5m",
    Timeframe.MINUTE_15: "15m",
    Timeframe.MINUTE_30: "30m",
    Timeframe.HOUR_1: "1h",
    Timeframe.DAILY: "1d",
}
_SPANS: Final[Mapping[Timeframe, timedelta]] = {
    Timeframe.MINUTE_1: timedelta(days=7),
    Timeframe.MINUTE_5: timedelta(days=50),
    Timeframe.MINUTE_15: timedelta(days=50),
    Timeframe.MINUTE_30: timedelta(days=50),
    Timeframe.HOUR_1: timedelta(days=700),
    Timeframe.DAILY: timedelta(days=18_000),
}
"""The longest range of one request; more than eight days of minutes are refused."""

CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(_INTERVALS),
    adjustments=frozenset({Adjustment.SPLIT}),
    rows_per_request=20_000,
    requests_per_minute=None,
    needs_key=False,
    actions=True,
    source="https://github.com/ranaroussi/yfinance/issues (#356, #636, #1389), read 2026-11-21: "
    "1min of the last 30 days, 5 to 30min of 60, 1h of 730, daily since listing; no stated rate",
)
_DISTANT: Final = datetime(2100, 1, 1, tzinfo=UTC)
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422
_DAY: Final = timedelta(days=1)
_NO_DATA: Final = "data doesn't exist"


def to_ticker(asset: Asset) -> str:
    """Return the vendor's spelling: `BRK-B`, `BTC-USD`, `EURUSD=X`, `VOD.L`, `CL=F`, `^GSPC`."""
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    pair = split_pair(asset.symbol)
    if asset.asset_type is AssetType.CRYPTO and pair is not None:
        return f"{pair[0]}-{pair[1]}"
    if asset.asset_type in {AssetType.FOREX, AssetType.COMMODITY} and pair is not None:
        return f"{pair[0]}{pair[1]}=X"
    if asset.asset_type is AssetType.US_EQUITY:
        return asset.symbol.replace(".", "-").replace("/", "-")
    return asset.symbol


class YahooProvider:
    """Bars, splits and dividends from Yahoo; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, client: httpx.AsyncClient, access: ProviderAccess) -> None:
        """Keep the client; its owner sets the base URL, and closes it."""
        self._client = client
        self._access = access

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page."""
        check_offered(request, CAPABILITIES, provider=NAME)
        asset = self._access.registry.get(request.symbol)
        since = request.start if cursor is None else instant_of(cursor)
        while True:
            until = min(request.end, since + _SPANS[request.timeframe])
            part = replace(request, start=since, end=until)
            page = await self._part(part, asset)
            if until < request.end:
                page = replace(page, next_cursor=f"{to_us(until)}")
            yield page
            if until >= request.end:
                return
            since = until

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield splits and dividends whose ex-date lies in `[start, end)`, oldest first.

        Later splits are asked for too: dividends are divided by them.
        """
        asset = self._access.registry.get(request.symbol)
        # A day earlier, since midnight comes sooner in the east; what is too early is left out.
        first = datetime.combine(request.start, time(), tzinfo=UTC) - _DAY
        chart = await self._chart(asset, "1d", first, _DISTANT)
        if chart is None:
            return
        for action in to_actions(request.symbol, chart, unit=price_unit(chart, asset.currency)):
            if request.start <= action.effective < request.end:
                yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: it has no trades."""
        for nothing in ():
            yield nothing

    async def _part(self, request: BarRequest, asset: Asset) -> BarPage:
        """Return the bars of one request."""
        if request.timeframe is Timeframe.DAILY:
            return await self._days(request, asset)
        if request.start >= request.end:
            return empty_page(request)
        chart = await self._chart(asset, _INTERVALS[request.timeframe], request.start, request.end)
        if chart is None:
            return empty_page(request)
        rows = to_rows(chart, request.timeframe, unit=price_unit(chart, asset.currency))
        return to_page(request, rows, since=request.start, more=False, provider=NAME)

    async def _days(self, request: BarRequest, asset: Asset) -> BarPage:
        if asset.calendar == "24/5":
            raise NotOfferedError(
                f"its daily bars of {request.symbol} are London's days, not sessions of the FX "
                "week; fetch 1min or 1h and resample",
                provider=NAME,
            )
        calendar = await asyncio.to_thread(self._access.calendar_of, request.symbol)
        dates = dates_between(calendar, request.start, request.end)
        if dates is None:
            return empty_page(request)
        first, last = (datetime.combine(day, time(), tzinfo=calendar.zone) for day in dates)
        chart = await self._chart(asset, "1d", first, last + _DAY)
        if chart is None:
            return empty_page(request)
        rows = to_rows(chart, request.timeframe, unit=price_unit(chart, asset.currency))
        if rows.sessions is not None:
            rows = replace(rows, opened_at=opens_of(rows.sessions, calendar))
        return to_page(request, rows, since=request.start, more=False, provider=NAME)

    async def _chart(
        self, asset: Asset, interval: str, start: datetime, end: datetime
    ) -> Chart | None:
        """Return what the vendor has, None where it says that there is nothing.

        Raises:
            DataProviderError: it does not know the symbol, or does not keep bars for so long.
        """
        ticker = to_ticker(asset)
        query = {
            "interval": interval,
            "period1": str(_first_second(start)),
            "period2": str(_first_second(end)),
            "includePrePost": "false",
            "events": "div,split",
        }
        path = f"/v8/finance/chart/{quote(ticker, safe='=^')}"
        response = await self._client.get(path, params=query)
        said = "" if response.is_success else vendor_text(response)
        if response.status_code == _NOT_FOUND:
            raise UnknownVendorSymbolError(ticker, provider=NAME)
        if response.status_code == _BAD_REQUEST and _NO_DATA in said.lower():
            return None
        if response.status_code == _UNPROCESSABLE:
            raise NotOfferedError(said or "answered 422", provider=NAME)
        raise_for_vendor_error(response, provider=NAME)
        charts = decoded(response, ChartAnswer, provider=NAME).chart.result
        if not charts:
            raise BadAnswerError("answered without a chart", provider=NAME)
        _check(charts[0], ticker, interval)
        return charts[0]


@asynccontextmanager
async def open_yahoo(access: ProviderAccess) -> AsyncGenerator[YahooProvider]:
    """Open Yahoo; leaving the context closes its connections."""
    headers = {"User-Agent": BROWSER}
    async with vendor_client(access, provider=NAME, headers=headers) as client:
        yield YahooProvider(client, access)


def _check(chart: Chart, ticker: str, interval: str) -> None:
    """Let a chart pass that is about the ticker, in the interval asked for.

    Raises:
        BadAnswerError: it is not; old minutes sometimes come as days.
    """
    meta = chart.meta
    if meta.symbol.upper() != ticker.upper():
        text = f"asked for {ticker}, it sent bars of {meta.symbol[:40]!r}"
        raise BadAnswerError(text, provider=NAME)
    if meta.data_granularity not in {"", interval}:
        text = f"asked for {interval} bars, it sent {meta.data_granularity[:10]!r}"
        raise BadAnswerError(text, provider=NAME)


def _first_second(at: datetime) -> int:
    """Return the first whole second since the epoch that is not before an instant."""
    return -(-to_us(at) // 1_000_000)


PLUGIN: Final = ProviderPlugin(NAME, CAPABILITIES, open_yahoo, base_url=BASE_URL)

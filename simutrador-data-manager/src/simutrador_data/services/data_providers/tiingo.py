"""Tiingo: US equities and coins over HTTPS; a free key is needed.

Source: https://www.tiingo.com/documentation/iex, https://business-science.github.io/riingo
(`riingo_iex_prices`) and recorded answers, read 2026-11-21. Intraday bars of equities are trades of
one exchange, IEX, in its regular hours, and so is their volume; an answer has 2,000 rows at most,
the newest, so each request asks for fewer. Daily bars are the consolidated market's, raw beside
fully adjusted, and carry the day's cash dividend and split factor. Bars are labelled by their open,
RFC 3339 in UTC; a daily one by its date.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import ClassVar, Final, TypeVar

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
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    NotOfferedError,
    UnknownVendorSymbolError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.paging import (
    Rows,
    check_offered,
    empty_page,
    instant_of,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_data.services.data_providers.tiingo_answers import (
    NAME,
    Coin,
    DailyBar,
    IntradayBar,
    Known,
    to_actions,
    to_daily_rows,
    to_rows,
)
from simutrador_data.services.data_providers.windows import Window, session_windows, window_page

BASE_URL: Final = "https://api.tiingo.com/tiingo"
KEY: Final = "TIINGO__API_KEY"
KEY_URL: Final = "https://www.tiingo.com/account/api/token"
MOST_ROWS: Final = 2_000
_SPANS: Final[Mapping[Timeframe, str]] = {
    Timeframe.MINUTE_1: "1min",
    Timeframe.MINUTE_5: "5min",
    Timeframe.MINUTE_15: "15min",
    Timeframe.MINUTE_30: "30min",
    Timeframe.HOUR_1: "1hour",
    Timeframe.HOUR_2: "2hour",
    Timeframe.HOUR_4: "4hour",
    Timeframe.DAILY: "1day",
}
_SESSIONS: Final[Mapping[Timeframe, int]] = {  # a request; equities have 390 minutes in each
    Timeframe.MINUTE_1: 5,
    Timeframe.MINUTE_5: 25,
    Timeframe.MINUTE_15: 75,
    Timeframe.MINUTE_30: 150,
    Timeframe.HOUR_1: 250,
    Timeframe.HOUR_2: 500,
    Timeframe.HOUR_4: 500,
    Timeframe.DAILY: 1_500,
}
_DAYS_OF_COINS: Final[Mapping[Timeframe, int]] = {  # 1,440 minutes in each
    Timeframe.MINUTE_1: 1,
    Timeframe.MINUTE_5: 6,
    Timeframe.MINUTE_15: 20,
    Timeframe.MINUTE_30: 40,
    Timeframe.HOUR_1: 80,
    Timeframe.HOUR_2: 160,
    Timeframe.HOUR_4: 320,
    Timeframe.DAILY: 1_500,
}
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(_SPANS),
    adjustments=frozenset({Adjustment.RAW, Adjustment.TOTAL}),
    rows_per_request=MOST_ROWS,
    requests_per_minute=50 / 60,
    needs_key=True,
    actions=True,
    source="https://www.tiingo.com/documentation, read 2026-11-21: intraday bars are of IEX alone; "
    "unverified: 50 requests an hour and 1,000 a day on the free plan",
)
_NOT_FOUND: Final = 404

T = TypeVar("T")


def to_ticker(asset: Asset) -> str:
    """Return the vendor's spelling: `AAPL`, `BRK-B`, `btcusd`.

    Raises:
        NotOfferedError: it is neither a US equity nor a pair of coins.
    """
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    pair = split_pair(asset.symbol)
    if asset.asset_type is AssetType.CRYPTO and pair is not None:
        return "".join(pair).lower()
    if asset.asset_type is AssetType.US_EQUITY:
        return asset.symbol.replace(".", "-")
    raise NotOfferedError(f"has US equities and coins, no {asset.symbol}", provider=NAME)


class TiingoProvider:
    """Bars from Tiingo; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, client: httpx.AsyncClient, access: ProviderAccess) -> None:
        """Keep the client; its owner sets the address and key, and closes it."""
        self._client = client
        self._access = access

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page."""
        check_offered(request, CAPABILITIES, provider=NAME)
        asset = self._access.registry.get(request.symbol)
        ticker, known, asked = to_ticker(asset), False, False
        _check_adjustment(request, asset)
        since = request.start if cursor is None else instant_of(cursor)
        calendar = await asyncio.to_thread(self._access.calendar_of, request.symbol)
        sizes = _DAYS_OF_COINS if asset.asset_type is AssetType.CRYPTO else _SESSIONS
        sessions = sizes[request.timeframe]
        for window in session_windows(calendar, since, request.end, sessions=sessions):
            rows = await self._rows(request, asset, window, calendar)
            known = known or len(rows) > 0 or await self._is_known(asset, ticker)
            if not known:  # some addresses give it no bars, and no error either
                raise UnknownVendorSymbolError(ticker, provider=NAME)
            yield window_page(request, rows, window, provider=NAME)
            asked = True
        if not asked:
            yield empty_page(request, since=since)

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield splits and dividends of `[start, end)`, oldest first."""
        asset = self._access.registry.get(request.symbol)
        if asset.asset_type is AssetType.CRYPTO or request.start >= request.end:
            return
        query = _dates(request.start, request.end - timedelta(days=1))
        path = f"/tiingo/daily/{to_ticker(asset)}/prices"
        for action in to_actions(request.symbol, await self._get(path, query, list[DailyBar])):
            if request.start <= action.effective < request.end:
                yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: it has no single trades of the past."""
        for nothing in ():
            yield nothing

    async def _rows(
        self, request: BarRequest, asset: Asset, window: Window, calendar: Calendar
    ) -> Rows:
        ticker, span = to_ticker(asset), _SPANS[request.timeframe]
        query = _dates(window.first, window.last)
        daily = request.timeframe is Timeframe.DAILY
        if asset.asset_type is AssetType.CRYPTO:
            query |= {"tickers": ticker, "resampleFreq": span}
            coins = await self._get("/tiingo/crypto/prices", query, list[Coin])
            bars = [bar for coin in coins if coin.ticker == ticker for bar in coin.prices]
            return to_daily_rows(bars, calendar, adjusted=False) if daily else to_rows(bars)
        if daily:
            adjusted = request.adjustment is Adjustment.TOTAL
            found = await self._get(f"/tiingo/daily/{ticker}/prices", query, list[DailyBar])
            return to_daily_rows(found, calendar, adjusted=adjusted)
        query |= {"resampleFreq": span, "columns": "open,high,low,close,volume"}
        return to_rows(await self._get(f"/iex/{ticker}/prices", query, list[IntradayBar]))

    async def _is_known(self, asset: Asset, ticker: str) -> bool:
        if asset.asset_type is AssetType.CRYPTO:
            coins = await self._get("/tiingo/crypto", {"tickers": ticker}, list[Known])
            return any(coin.ticker == ticker for coin in coins)
        return (await self._get(f"/tiingo/daily/{ticker}", {}, Known)).ticker.upper() == ticker

    async def _get(self, path: str, query: Mapping[str, str], kind: type[T]) -> T:
        response = await self._client.get(path, params=dict(query))
        if response.status_code == _NOT_FOUND:
            raise UnknownVendorSymbolError(path.split("/")[-1 if not query else -2], provider=NAME)
        raise_for_vendor_error(response, provider=NAME)
        return decoded(response, kind, provider=NAME)


@asynccontextmanager
async def open_tiingo(access: ProviderAccess) -> AsyncGenerator[TiingoProvider]:
    """Open Tiingo; leaving the context closes its connections.

    Raises:
        AuthenticationError: no key is set.
    """
    key = access.key(KEY, provider=NAME, url=KEY_URL)
    # Earlier releases set the address with `/tiingo`, but its intraday bars lie beside that.
    access = replace(access, base_url=access.base_url.rstrip("/").removesuffix("/tiingo"))
    headers = {"Authorization": f"Token {key}"}
    async with vendor_client(access, provider=NAME, headers=headers) as client:
        yield TiingoProvider(client, access)


def _check_adjustment(request: BarRequest, asset: Asset) -> None:
    """Let a request pass that the vendor has prices for.

    Raises:
        NotOfferedError: they are adjusted, and not daily bars of shares.
    """
    daily_shares = request.timeframe is Timeframe.DAILY and asset.asset_type is not AssetType.CRYPTO
    if request.adjustment is not Adjustment.RAW and not daily_shares:
        text = f"its {request.timeframe} bars of {request.symbol} are raw only"
        raise NotOfferedError(text, provider=NAME)


def _dates(first: date, last: date) -> dict[str, str]:
    return {"startDate": str(first), "endDate": str(last)}


PLUGIN: Final = ProviderPlugin(
    NAME, CAPABILITIES, open_tiingo, key_names=(KEY,), key_url=KEY_URL, base_url=BASE_URL
)

"""Alpaca: US equities and coins over HTTPS; a free key is needed.

Source: https://docs.alpaca.markets (reference of stock bars, changelog of 2026-11-02, market data
FAQ) and recorded answers, read 2026-11-21. A bar is labelled by its open, RFC 3339 in UTC; bars of
an hour and less lie on the clock and go from 04:00 to 20:00 in New York; a daily bar is labelled by
midnight there. Prices are raw, split-adjusted or adjusted for everything, as asked; the feed is the
consolidated tape, which the free plan gives up to 15 minutes ago. `start` and `end` bound the open
of a bar, both included. Daily bars of coins are days of Chicago, so they are not offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar, Final, TypeVar
from zoneinfo import ZoneInfo

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
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.alpaca_answers import (
    NAME,
    ActionsPage,
    Answer,
    BarsPage,
    LatestTrades,
    TradesPage,
    bars_of,
    to_actions,
    to_rows,
    to_trades,
)
from simutrador_data.services.data_providers.daily import dates_between, local_dates, opens_of
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.paging import (
    check_offered,
    empty_page,
    instant_of,
    to_page,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin

BASE_URL: Final = "https://data.alpaca.markets"
KEY_ID, KEY_SECRET = "ALPACA__API_KEY_ID", "ALPACA__API_SECRET_KEY"
KEY_URL: Final = "https://app.alpaca.markets/signup"
NEW_YORK: Final = ZoneInfo("America/New_York")
MOST_ROWS: Final = 10_000
_MOST_ACTIONS: Final = 1_000
_SPANS: Final[Mapping[Timeframe, str]] = {
    Timeframe.MINUTE_1: "1Min",
    Timeframe.MINUTE_5: "5Min",
    Timeframe.MINUTE_15: "15Min",
    Timeframe.MINUTE_30: "30Min",
    Timeframe.HOUR_1: "1Hour",
    Timeframe.HOUR_2: "2Hour",
    Timeframe.HOUR_4: "4Hour",
    Timeframe.DAILY: "1Day",
}
_ADJUSTMENTS: Final[Mapping[Adjustment, str]] = {
    Adjustment.RAW: "raw",
    Adjustment.SPLIT: "split",
    Adjustment.TOTAL: "all",
}
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(_SPANS),
    adjustments=frozenset(_ADJUSTMENTS),
    rows_per_request=MOST_ROWS,
    requests_per_minute=200,
    needs_key=True,
    actions=True,
    trades=True,
    source="https://docs.alpaca.markets, read 2026-11-21: the free plan has 200 requests a minute "
    "and bars since 2016, without the last 15 minutes",
)

A = TypeVar("A")
P = TypeVar("P", bound="Answer")


def to_symbol(asset: Asset) -> str:
    """Return the vendor's spelling: `BRK.B`, `BTC/USD`.

    Raises:
        NotOfferedError: it is neither a US equity nor a pair of coins.
    """
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    pair = split_pair(asset.symbol)
    if asset.asset_type is AssetType.CRYPTO and pair is not None:
        return f"{pair[0]}/{pair[1]}"
    if asset.asset_type is AssetType.US_EQUITY:
        return asset.symbol
    raise NotOfferedError(f"has US equities and coins, no {asset.symbol}", provider=NAME)


class AlpacaProvider:
    """Bars from Alpaca; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, client: httpx.AsyncClient, access: ProviderAccess) -> None:
        """Keep the client; its owner sets the base URL and key, and closes it."""
        self._client = client
        self._access = access

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page."""
        check_offered(request, CAPABILITIES, provider=NAME)
        asset = self._access.registry.get(request.symbol)
        symbol, known = to_symbol(asset), False
        daily = request.timeframe is Timeframe.DAILY
        if daily and asset.asset_type is AssetType.CRYPTO:
            text = f"its daily bars of {asset.symbol} are no UTC days; fetch 1min and resample"
            raise NotOfferedError(text, provider=NAME)
        since = request.start if cursor is None else instant_of(cursor)
        while True:
            span: tuple[datetime, datetime] | None = (since, request.end)
            if daily:
                span = await asyncio.to_thread(self._midnights, request.symbol, *span)
            if span is None or span[0] >= span[1]:
                yield empty_page(request, since=since)
                return
            answer = await self._get(_path(asset, "bars"), _query(request, symbol, *span), BarsPage)
            bars = bars_of(symbol, answer)
            known = known or bool(bars) or await self._is_known(asset, symbol)
            if not known:  # it gets no bars, and no error either
                raise UnknownVendorSymbolError(symbol, provider=NAME)
            rows = to_rows(bars)
            if daily:
                days = local_dates(rows.opened_at, NEW_YORK)
                calendar = self._access.calendar_of(request.symbol)
                rows = replace(rows, opened_at=opens_of(days, calendar), sessions=days)
            more = answer.next_page_token is not None
            page = to_page(request, rows, since=since, more=more, provider=NAME)
            yield page
            if page.next_cursor is None:
                return
            since = page.covered[1]

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield splits, cash dividends and renames of `[start, end)`, oldest first."""
        asset = self._access.registry.get(request.symbol)
        if asset.asset_type is AssetType.CRYPTO:
            return
        asked = to_symbol(asset)
        query = {
            "symbols": asked,
            "types": "forward_split,reverse_split,cash_dividend,name_change",
            "start": request.start.isoformat(),
            "end": (request.end - timedelta(days=1)).isoformat(),
            "limit": str(_MOST_ACTIONS),
            "sort": "asc",
        }
        found = [
            action
            async for page in self._pages("/v1/corporate-actions", query, ActionsPage)
            for action in to_actions(request.symbol, asked, page.corporate_actions)
        ]
        for action in sorted(found, key=lambda action: action.effective):
            if request.start <= action.effective < request.end:
                yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield pages of trades of `[start, end)`, oldest first."""
        asset = self._access.registry.get(request.symbol)
        symbol = to_symbol(asset)
        query = {
            "symbols": symbol,
            "start": _written(request.start),
            "end": _written(request.end - timedelta(microseconds=1)),
            "limit": str(MOST_ROWS),
        }
        async for page in self._pages(_path(asset, "trades"), query, TradesPage):
            yield to_trades(request.symbol, (page.trades or {}).get(symbol, []))

    def _midnights(
        self, symbol: str, start: datetime, end: datetime
    ) -> tuple[datetime, datetime] | None:
        """Return what daily bars of `[start, end)` are labelled between, None without a session."""
        dates = dates_between(self._access.calendar_of(symbol), start, end)
        if dates is None:
            return None
        first, last = (datetime.combine(day, time(), NEW_YORK) for day in dates)
        return first, last + timedelta(hours=1)

    async def _is_known(self, asset: Asset, symbol: str) -> bool:
        coins = asset.asset_type is AssetType.CRYPTO
        path = _path(asset, "latest/trades" if coins else "trades/latest")
        return symbol in (await self._get(path, {"symbols": symbol}, LatestTrades)).trades

    async def _pages(self, path: str, query: dict[str, str], kind: type[P]) -> AsyncIterator[P]:
        seen: set[str] = set()
        while True:
            answer = await self._get(path, query, kind)
            yield answer
            token = answer.next_page_token
            if token is None:
                return
            if token in seen:
                raise BadAnswerError("its pages lead in a circle", provider=NAME)
            seen.add(token)
            query = {**query, "page_token": token}

    async def _get(self, path: str, query: Mapping[str, str], kind: type[A]) -> A:
        response = await self._client.get(path, params=dict(query))
        raise_for_vendor_error(response, provider=NAME)
        return decoded(response, kind, provider=NAME)


@asynccontextmanager
async def open_alpaca(access: ProviderAccess) -> AsyncGenerator[AlpacaProvider]:
    """Open Alpaca; leaving the context closes its connections.

    Raises:
        AuthenticationError: a part of the key is not set.
    """
    headers = {
        "APCA-API-KEY-ID": access.key(KEY_ID, provider=NAME, url=KEY_URL),
        "APCA-API-SECRET-KEY": access.key(KEY_SECRET, provider=NAME, url=KEY_URL),
    }
    async with vendor_client(access, provider=NAME, headers=headers) as client:
        yield AlpacaProvider(client, access)


def _path(asset: Asset, what: str) -> str:
    coins = asset.asset_type is AssetType.CRYPTO
    return f"/v1beta3/crypto/us/{what}" if coins else f"/v2/stocks/{what}"


def _query(request: BarRequest, symbol: str, start: datetime, end: datetime) -> dict[str, str]:
    query = {
        "symbols": symbol,
        "timeframe": _SPANS[request.timeframe],
        "start": _written(start),
        "end": _written(end - timedelta(microseconds=1)),
        "limit": str(MOST_ROWS),
        "sort": "asc",
    }
    if "/" not in symbol:
        query |= {"adjustment": _ADJUSTMENTS[request.adjustment], "feed": "sip"}
    return query


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


PLUGIN: Final = ProviderPlugin(
    NAME,
    CAPABILITIES,
    open_alpaca,
    key_names=(KEY_ID, KEY_SECRET),
    key_url=KEY_URL,
    base_url=BASE_URL,
)

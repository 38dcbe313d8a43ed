"""Polygon, since October 2025 called Massive: US equities, coins and currencies over HTTPS.

Source: https://massive.com/docs/rest/stocks/llms-full.txt (custom bars, trades, tickers),
https://massive.com/blog/aggs-api-updates and the knowledge base on `limit` and on rates, read
2026-11-21. A bar is labelled by its open: an intraday one by its instant, extended hours included,
hours on the UTC clock; a daily one by midnight in New York (coins: UTC). A minute without a trade
that counts has no bar. Prices are raw with `adjusted=false` and adjusted for splits with
`adjusted=true`, never for dividends. `limit` counts the minutes (or days) that bars are made of, so
a page may hold fewer bars than it says; `next_url` leads on. An unknown ticker gets an empty
answer, so emptiness is checked against the list of tickers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
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
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.daily import dates_between, local_dates, opens_of
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    vendor_client,
)
from simutrador_data.services.data_providers.listing import Listing
from simutrador_data.services.data_providers.paging import (
    Rows,
    check_offered,
    empty_page,
    first_milli,
    instant_of,
    last_milli,
    to_page,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_data.services.data_providers.polygon.answers import (
    NAME,
    NANOS_A_MICRO,
    AggregatesPage,
    TickersPage,
    TradesPage,
    to_rows,
    to_trades,
)
from simutrador_data.services.data_providers.polygon.asking import Asker
from simutrador_data.services.data_providers.polygon.reference import (
    fetch_actions,
    fetch_listings,
)

KEY: Final = "POLYGON__API_KEY"
KEY_URL: Final = "https://massive.com/dashboard/keys"
BASE_URL: Final = "https://api.massive.com"
OLD_BASE_PATH: Final = "/v2/aggs/ticker"
"""Older env files end the base URL with this."""

NEW_YORK: Final = ZoneInfo("America/New_York")
MOST_ROWS: Final = 50_000
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(
        {
            Timeframe.MINUTE_1,
            Timeframe.MINUTE_5,
            Timeframe.MINUTE_15,
            Timeframe.MINUTE_30,
            Timeframe.HOUR_1,
            Timeframe.HOUR_2,
            Timeframe.HOUR_4,
            Timeframe.DAILY,
        }
    ),
    adjustments=frozenset({Adjustment.RAW, Adjustment.SPLIT}),
    rows_per_request=MOST_ROWS,
    requests_per_minute=5,
    needs_key=True,
    actions=True,
    trades=True,
    source="https://massive.com/docs/rest/stocks/llms-full.txt and the knowledge base, read "
    "2026-11-21: the free plan has 5 requests a minute and 2 years, others up to 100 a second",
)

_SPANS: Final[Mapping[Timeframe, tuple[int, str]]] = {
    Timeframe.MINUTE_1: (1, "minute"),
    Timeframe.MINUTE_5: (5, "minute"),
    Timeframe.MINUTE_15: (15, "minute"),
    Timeframe.MINUTE_30: (30, "minute"),
    Timeframe.HOUR_1: (1, "hour"),
    Timeframe.HOUR_2: (2, "hour"),
    Timeframe.HOUR_4: (4, "hour"),
    Timeframe.DAILY: (1, "day"),
}
_PREFIXES: Final = ("X:", "C:", "I:", "O:")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next page is, and where the pages before it end."""

    since: datetime
    path: str
    query: Mapping[str, str]


def to_ticker(asset: Asset) -> str:
    """Return the vendor's spelling: `AAPL`, `BRK.B`, `X:BTCUSD`, `C:EURUSD`.

    Raises:
        NotOfferedError: it has no such kind of asset.
    """
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    if asset.symbol.startswith(_PREFIXES):
        return asset.symbol
    pair = split_pair(asset.symbol)
    if asset.asset_type is AssetType.CRYPTO and pair is not None:
        return f"X:{pair[0]}{pair[1]}"
    if asset.asset_type in {AssetType.FOREX, AssetType.COMMODITY} and pair is not None:
        return f"C:{pair[0]}{pair[1]}"
    if asset.asset_type in {AssetType.US_EQUITY, AssetType.UNKNOWN}:
        return asset.symbol.replace("-", ".").replace("/", ".")
    raise NotOfferedError(
        f"has no {asset.asset_type} such as {asset.symbol}; if it does, name it in assets.toml: "
        f'vendor_symbols = {{ {NAME} = "..." }}',
        provider=NAME,
    )


def next_place(next_url: str, page: BarPage) -> str:
    """Return the cursor behind a page: where it ends, and the vendor's link without host and key.

    Only the path and the query of a link are used: whatever host it names, ours is asked.
    """
    parts = urlsplit(next_url)
    kept = [(k, v) for k, v in parse_qsl(parts.query) if k.lower() != "apikey"]
    path = parts.path[max(0, parts.path.find("/v2/aggs/")) :]
    return f"{page.next_cursor} {path}?{urlencode(kept)}"


class PolygonProvider:
    """Bars, trades, splits and dividends from Polygon; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, client: httpx.AsyncClient, access: ProviderAccess) -> None:
        """Keep the client; its owner sets base URL and key, and closes it."""
        self._asker = Asker(client)
        self._access = access
        self._known: set[str] = set()

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page."""
        check_offered(request, CAPABILITIES, provider=NAME)
        asset = self._access.registry.get(request.symbol)
        ticker = to_ticker(asset)
        place = await self._first(request, ticker)
        if place is None:
            yield empty_page(request)
            return
        if cursor is not None:
            place = _resumed(cursor)
        while True:
            answer = await self._asker.get(place.path, place.query, AggregatesPage)
            _check(answer, ticker, request, asset)
            rows = to_rows(answer.results or [])
            answer.results = None  # 50,000 objects would wait here beside those of the next page
            if not len(rows) and answer.next_url is None and place.since == request.start:
                await self._check_known(ticker)
            if request.timeframe is Timeframe.DAILY:
                rows = await asyncio.to_thread(self._in_sessions, rows, request.symbol, ticker)
            page = to_page(
                request,
                rows,
                since=place.since,
                more=answer.next_url is not None,
                provider=NAME,
            )
            if answer.next_url is None or page.next_cursor is None:
                yield page
                return
            page = replace(page, next_cursor=next_place(answer.next_url, page))
            yield page
            place = _resumed(page.next_cursor or "")

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield splits, dividends and renames of `[start, end)`, oldest first.

        A rename is given under the old symbol, to who asks for the new one.
        """
        asset = self._access.registry.get(request.symbol)
        for action in await fetch_actions(self._asker, to_ticker(asset), request):
            yield action

    def fetch_listings(self, kind: AssetType, *, active: bool = True) -> AsyncIterator[Listing]:
        """Yield the assets of a class the vendor lists: equities, coins or currencies.

        Args:
            kind: Their class.
            active: False gives those that no longer trade.
        """
        return fetch_listings(self._asker, kind, active=active)

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield pages of trades of `[start, end)`, oldest first."""
        ticker = to_ticker(self._access.registry.get(request.symbol))
        query = {
            "timestamp.gte": str(to_us(request.start) * NANOS_A_MICRO),
            "timestamp.lt": str(to_us(request.end) * NANOS_A_MICRO),
            "order": "asc",
            "sort": "timestamp",
            "limit": str(MOST_ROWS),
        }
        path = f"/v3/trades/{quote(ticker, safe=':')}"
        async for page in self._asker.pages(path, query, TradesPage):
            yield to_trades(request.symbol, page.results or [])

    async def _first(self, request: BarRequest, ticker: str) -> _Place | None:
        """Return where the first page is, None where there cannot be a bar."""
        if request.start >= request.end:
            return None
        first, last = str(first_milli(request.start)), str(last_milli(request.end))
        if request.timeframe is Timeframe.DAILY:
            if ticker.startswith("C:"):
                raise NotOfferedError(
                    f"its daily bars of {request.symbol} are UTC days, not sessions of the FX "
                    "week; fetch 1min and resample",
                    provider=NAME,
                )
            calendar = await asyncio.to_thread(self._access.calendar_of, request.symbol)
            dates = dates_between(calendar, request.start, request.end)
            if dates is None:
                return None
            first, last = (day.isoformat() for day in dates)
        count, span = _SPANS[request.timeframe]
        path = f"{OLD_BASE_PATH}/{quote(ticker, safe=':')}/range/{count}/{span}/{first}/{last}"
        adjusted = "true" if request.adjustment is Adjustment.SPLIT else "false"
        query = {"adjusted": adjusted, "sort": "asc", "limit": str(MOST_ROWS)}
        return _Place(request.start, path, query)

    def _in_sessions(self, rows: Rows, symbol: str, ticker: str) -> Rows:
        zone = ZoneInfo("UTC") if ticker.startswith("X:") else NEW_YORK
        days = local_dates(rows.opened_at, zone)
        return replace(
            rows, opened_at=opens_of(days, self._access.calendar_of(symbol)), sessions=days
        )

    async def _check_known(self, ticker: str) -> None:
        """Let a ticker pass that is listed, or was.

        Raises:
            UnknownVendorSymbolError: it never was.
        """
        for active in ("true", "false"):
            if ticker in self._known:
                return
            query = {"ticker": ticker, "active": active}
            answer = await self._asker.get("/v3/reference/tickers", query, TickersPage)
            self._known.update(one.ticker for one in answer.results or [])
        if ticker not in self._known:
            raise UnknownVendorSymbolError(ticker, provider=NAME)


@asynccontextmanager
async def open_polygon(access: ProviderAccess) -> AsyncGenerator[PolygonProvider]:
    """Open Polygon; leaving the context closes its connections.

    Raises:
        AuthenticationError: no key is set.
    """
    key = access.key(KEY, provider=NAME, url=KEY_URL)
    access = replace(access, base_url=access.base_url.rstrip("/").removesuffix(OLD_BASE_PATH))
    headers = {"Authorization": f"Bearer {key}"}
    async with vendor_client(access, provider=NAME, headers=headers) as client:
        yield PolygonProvider(client, access)


def _check(answer: AggregatesPage, ticker: str, request: BarRequest, asset: Asset) -> None:
    """Let a page pass that is about the ticker and adjusted as asked.

    Raises:
        BadAnswerError: it is not.
    """
    if answer.ticker is not None and answer.ticker != ticker:
        text = f"asked for {ticker}, it sent bars of {answer.ticker[:40]!r}"
        raise BadAnswerError(text, provider=NAME)
    wanted = request.adjustment is Adjustment.SPLIT
    splits = asset.asset_type in {AssetType.US_EQUITY, AssetType.UNKNOWN}
    if answer.results and splits and answer.adjusted is not None and answer.adjusted is not wanted:
        text = f"asked for {request.adjustment} prices, it sent adjusted={answer.adjusted}"
        raise BadAnswerError(text, provider=NAME)


def _resumed(cursor: str) -> _Place:
    until, _, link = cursor.partition(" ")
    since, parts = instant_of(until), urlsplit(link)
    if not parts.path.startswith(OLD_BASE_PATH):
        raise BadAnswerError(f"its next page is at {parts.path[:80]!r}", provider=NAME)
    return _Place(since, parts.path, dict(parse_qsl(parts.query)))


PLUGIN: Final = ProviderPlugin(
    NAME, CAPABILITIES, open_polygon, key_names=(KEY,), key_url=KEY_URL, base_url=BASE_URL
)

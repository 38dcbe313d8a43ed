"""Binance spot: bars of coins over HTTPS, no key needed.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (market data, limits,
errors) and .../faqs/market_data_only, read 2026-11-21. A bar is labelled by its open, milliseconds
UTC; its days are UTC days. Coins know no splits, so prices are raw. Prices and volumes (of the base
coin) are written as text. `startTime` and `endTime` bound the open of a bar, both included; a
request gives 1,000 bars and costs 2 of the 6,000 that an address may spend a minute. A minute
without a trade still has a bar, of volume 0; while the exchange was down it has none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from operator import attrgetter
from typing import ClassVar, Final

import httpx
import msgspec
import numpy as np

from simutrador_core.assets.classify import split_pair
from simutrador_core.assets.registry import Asset
from simutrador_core.errors import RateLimitError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import F64
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    NotOfferedError,
    UnknownVendorSymbolError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.paging import (
    MICROS_A_MILLI,
    Rows,
    check_offered,
    empty_page,
    first_milli,
    instant_of,
    last_milli,
    to_instants,
    to_page,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin

NAME: Final = "binance"
BASE_URL: Final = "https://api.binance.com"
PUBLIC_URL: Final = "https://data-api.binance.vision"
"""The same bars, and nothing else, for places the exchange does not serve."""

MOST_ROWS: Final = 1_000
INTERVALS: Final[Mapping[Timeframe, str]] = {
    Timeframe.MINUTE_1: "1m",
    Timeframe.MINUTE_5: "5m",
    Timeframe.MINUTE_15: "15m",
    Timeframe.MINUTE_30: "30m",
    Timeframe.HOUR_1: "1h",
    Timeframe.HOUR_2: "2h",
    Timeframe.HOUR_4: "4h",
    Timeframe.DAILY: "1d",
}
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(INTERVALS),
    adjustments=frozenset({Adjustment.RAW}),
    rows_per_request=MOST_ROWS,
    requests_per_minute=3_000,
    needs_key=False,
    source="https://developers.binance.com/docs/binance-spot-api-docs/rest-api, read 2026-11-21: "
    "weight 2 of 6,000 a minute; bars since a pair was listed",
)
_DAY_US: Final = 86_400_000_000
_UNKNOWN_SYMBOL: Final = -1121
_BAD_REQUEST: Final = 400
_BLOCKED: Final = 403  # the firewall's, after too many requests; 418 is told by its Retry-After
_UNSERVED: Final = 451
_BLOCKED_FOR: Final = timedelta(minutes=5)


class Kline(msgspec.Struct, array_like=True, gc=False):
    """One bar; the vendor sends a list whose first six values these are."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Refusal(msgspec.Struct):
    """What an error says."""

    code: int = 0


def to_pair(asset: Asset) -> str:
    """Return the vendor's spelling: `BTCUSDT`; no dollar is taken for a dollar coin.

    Raises:
        NotOfferedError: it is no pair of coins.
    """
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    pair = split_pair(asset.symbol)
    if asset.asset_type is not AssetType.CRYPTO or pair is None:
        raise NotOfferedError(f"has coins only, no {asset.symbol}", provider=NAME)
    return f"{pair[0]}{pair[1]}"


def to_rows(klines: list[Kline], timeframe: Timeframe) -> Rows:
    """Return bars as columns."""
    times = map(attrgetter("open_time"), klines)
    opened_at = to_instants(times, count=len(klines), micros=MICROS_A_MILLI, provider=NAME)
    days = (opened_at // _DAY_US).astype("datetime64[D]")
    return Rows(
        opened_at,
        _floats(klines, "open"),
        _floats(klines, "high"),
        _floats(klines, "low"),
        _floats(klines, "close"),
        _floats(klines, "volume"),
        days if timeframe is Timeframe.DAILY else None,
    )


class BinanceProvider:
    """Bars from Binance; satisfies `DataProvider`."""

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
        pair = to_pair(self._access.registry.get(request.symbol))
        since = request.start if cursor is None else instant_of(cursor)
        if last_milli(request.end) < first_milli(since):
            yield empty_page(request, since=since)
            return
        while True:
            query = {
                "symbol": pair,
                "interval": INTERVALS[request.timeframe],
                "startTime": str(first_milli(since)),
                "endTime": str(last_milli(request.end)),
                "limit": str(MOST_ROWS),
            }
            response = await self._client.get("/api/v3/klines", params=query)
            _raise_for_error(response, pair)
            klines = decoded(response, list[Kline], provider=NAME, strict=False)
            page = to_page(
                request,
                to_rows(klines, request.timeframe),
                since=since,
                more=len(klines) >= MOST_ROWS,
                provider=NAME,
            )
            yield page
            if page.next_cursor is None:
                return
            since = page.covered[1]

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield nothing: coins have no corporate actions."""
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: every minute the exchange was up has a bar, so trades prove no more."""
        for nothing in ():
            yield nothing


@asynccontextmanager
async def open_binance(access: ProviderAccess) -> AsyncGenerator[BinanceProvider]:
    """Open Binance; leaving the context closes its connections."""
    async with vendor_client(access, provider=NAME) as client:
        yield BinanceProvider(client, access)


def _raise_for_error(response: httpx.Response, pair: str) -> None:
    if response.is_success:
        return
    if response.status_code == _BAD_REQUEST:
        if decoded(response, Refusal, provider=NAME).code == _UNKNOWN_SYMBOL:
            raise UnknownVendorSymbolError(pair, provider=NAME)
    elif response.status_code == _BLOCKED:
        raise RateLimitError(provider=NAME, retry_after=_BLOCKED_FOR)
    elif response.status_code == _UNSERVED:
        raise NotOfferedError(
            f"answered 451: it does not serve this place; set BINANCE__BASE_URL={PUBLIC_URL}",
            provider=NAME,
        )
    raise_for_vendor_error(response, provider=NAME)


def _floats(klines: list[Kline], name: str) -> F64:
    return np.fromiter(map(attrgetter(name), klines), dtype=np.float64, count=len(klines))


PLUGIN: Final = ProviderPlugin(NAME, CAPABILITIES, open_binance, base_url=BASE_URL)

"""Financial Modeling Prep: equities over HTTPS; a key is needed.

Source: recorded answers of its `/stable` addresses (client fmp4j); that it adjusts all prices for
splits, and how many rows it gives at once, is unverified: its documentation could not be read. A
bar is labelled by its open, on the clocks of its exchange, without an offset, newest first. `from`
and `to` are dates, both included. A long range is cut without a word, so each request asks for so
few sessions that no plan's limit is near.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import ClassVar, Final, TypeVar

import httpx

from simutrador_core.assets.registry import Asset
from simutrador_core.errors import AuthenticationError, RateLimitError
from simutrador_core.interfaces.data_provider import (
    ActionKind,
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
from simutrador_data.services.data_providers.fmp_answers import (
    NAME,
    DailyBar,
    Dividend,
    IntradayBar,
    Profile,
    Split,
    to_daily_rows,
    to_rows,
)
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    decoded,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.http.client import DEFAULT_WAIT, vendor_text
from simutrador_data.services.data_providers.paging import (
    Rows,
    check_offered,
    empty_page,
    instant_of,
)
from simutrador_data.services.data_providers.plugin import ProviderPlugin
from simutrador_data.services.data_providers.windows import Window, session_windows, window_page

BASE_URL: Final = "https://financialmodelingprep.com/stable"
KEY: Final = "FINANCIAL_MODELING_PREP__API_KEY"
KEY_URL: Final = "https://site.financialmodelingprep.com/register"
_SPANS: Final[Mapping[Timeframe, tuple[str, int]]] = {  # the vendor's word, sessions a request
    Timeframe.MINUTE_1: ("1min", 1),
    Timeframe.MINUTE_5: ("5min", 5),
    Timeframe.MINUTE_15: ("15min", 10),
    Timeframe.MINUTE_30: ("30min", 20),
    Timeframe.HOUR_1: ("1hour", 40),
    Timeframe.HOUR_4: ("4hour", 80),
    Timeframe.DAILY: ("full", 1_000),
}
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(_SPANS),
    adjustments=frozenset({Adjustment.SPLIT}),
    rows_per_request=1_000,
    requests_per_minute=300,
    needs_key=True,
    actions=True,
    source="recorded answers and the rate of earlier releases; adjustment and limits unverified",
)
_PAYMENT_REQUIRED: Final = 402
_EQUITIES: Final = frozenset({AssetType.US_EQUITY, AssetType.INTERNATIONAL_EQUITY})

T = TypeVar("T")


def to_symbol(asset: Asset) -> str:
    """Return the vendor's spelling: `AAPL`, `BRK-B`, `ADYEN.AS`.

    Raises:
        NotOfferedError: it is no equity.
    """
    named = asset.vendor_symbols.get(NAME)
    if named is not None:
        return named
    if asset.asset_type not in _EQUITIES:
        raise NotOfferedError(f"only its equities are read, no {asset.symbol}", provider=NAME)
    return (
        asset.symbol.replace(".", "-") if asset.asset_type is AssetType.US_EQUITY else asset.symbol
    )


class FmpProvider:
    """Bars from Financial Modeling Prep; satisfies `DataProvider`."""

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
        symbol, known = to_symbol(self._access.registry.get(request.symbol)), False
        since = request.start if cursor is None else instant_of(cursor)
        calendar = await asyncio.to_thread(self._access.calendar_of, request.symbol)
        sessions = _SPANS[request.timeframe][1]
        asked = False
        for window in session_windows(calendar, since, request.end, sessions=sessions):
            rows = await self._rows(request, symbol, window, calendar)
            known = known or len(rows) > 0 or await self._is_known(symbol)
            if not known:  # it gets no bars, and no error either
                raise UnknownVendorSymbolError(symbol, provider=NAME)
            yield window_page(request, rows, window, provider=NAME)
            asked = True
        if not asked:
            yield empty_page(request, since=since)

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield splits and dividends of `[start, end)`, oldest first."""
        symbol = to_symbol(self._access.registry.get(request.symbol))
        splits = [
            CorporateAction(
                request.symbol, ActionKind.SPLIT, one.date, ratio=one.numerator / one.denominator
            )
            for one in await self._get("/splits", {"symbol": symbol}, Split)
        ]
        dividends = [
            CorporateAction(
                request.symbol,
                ActionKind.DIVIDEND,
                one.date,
                amount=one.dividend,
                known_on=date.fromisoformat(one.declaration_date) if one.declaration_date else None,
            )
            for one in await self._get("/dividends", {"symbol": symbol}, Dividend)
        ]
        for action in sorted([*splits, *dividends], key=lambda action: action.effective):
            if request.start <= action.effective < request.end:
                yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: it has no single trades of the past."""
        for nothing in ():
            yield nothing

    async def _rows(
        self, request: BarRequest, symbol: str, window: Window, calendar: Calendar
    ) -> Rows:
        word = _SPANS[request.timeframe][0]
        query = {"symbol": symbol, "from": str(window.first), "to": str(window.last)}
        if request.timeframe is Timeframe.DAILY:
            bars = await self._get(f"/historical-price-eod/{word}", query, DailyBar)
            return to_daily_rows(bars, symbol, calendar)
        bars = await self._get(f"/historical-chart/{word}", query, IntradayBar)
        return to_rows(bars, calendar.zone)

    async def _is_known(self, symbol: str) -> bool:
        found = await self._get("/profile", {"symbol": symbol}, Profile)
        return any(one.symbol == symbol for one in found)

    async def _get(self, path: str, query: Mapping[str, str], kind: type[T]) -> list[T]:
        response = await self._client.get(path, params=dict(query))
        _raise_for_error(response)
        return decoded(response, list[kind], provider=NAME)


@asynccontextmanager
async def open_fmp(access: ProviderAccess) -> AsyncGenerator[FmpProvider]:
    """Open Financial Modeling Prep; leaving the context closes its connections.

    Raises:
        AuthenticationError: no key is set.
    """
    headers = {"apikey": access.key(KEY, provider=NAME, url=KEY_URL)}
    async with vendor_client(access, provider=NAME, headers=headers) as client:
        yield FmpProvider(client, access)


def _raise_for_error(response: httpx.Response) -> None:
    """Let an answer pass that is a list: an error may come with status 200."""
    text = vendor_text(response)
    if response.status_code == _PAYMENT_REQUIRED:
        raise AuthenticationError(f"the key's plan does not include this: {text}", provider=NAME)
    raise_for_vendor_error(response, provider=NAME)
    if text:
        if "limit" in text.lower():
            raise RateLimitError(provider=NAME, retry_after=DEFAULT_WAIT)
        if "api key" in text.lower():
            raise AuthenticationError(text, provider=NAME)
        raise BadAnswerError(text, provider=NAME)


PLUGIN: Final = ProviderPlugin(
    NAME, CAPABILITIES, open_fmp, key_names=(KEY,), key_url=KEY_URL, base_url=BASE_URL
)

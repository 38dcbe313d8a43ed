"""Any exchange of coins that the library ccxt knows: `ccxt:kraken`, `ccxt:coinbase` and so on.

Source: https://docs.ccxt.com (unified API, OHLCV structure), read 2026-11-21. A bar is labelled by
its open, milliseconds UTC, and days are UTC days; prices are raw. How many bars one request gives,
and how far back they go, each exchange decides: what it does not give is an error here, never a
shorter answer. Its requests go through our own client, with its bounds and retries.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Final

import httpx
import msgspec
import numpy as np

from simutrador_core.assets.classify import split_pair
from simutrador_core.assets.registry import Asset
from simutrador_core.errors import (
    AuthenticationError,
    DataProviderError,
    InputError,
    MissingExtraError,
    RateLimitError,
)
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
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import (
    BadAnswerError,
    NotOfferedError,
    UnknownVendorSymbolError,
    raise_for_vendor_error,
    vendor_client,
)
from simutrador_data.services.data_providers.http.client import DEFAULT_WAIT
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

NAME: Final = "ccxt"
MOST_ROWS: Final = 1_000
_SPANS: Final[Mapping[Timeframe, str]] = {
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
    timeframes=frozenset(_SPANS),
    adjustments=frozenset({Adjustment.RAW}),
    rows_per_request=MOST_ROWS,
    requests_per_minute=None,
    needs_key=False,
    source="https://docs.ccxt.com, read 2026-11-21: each exchange by its name, `ccxt:kraken`; its "
    "rate is kept by ccxt, in each process by itself",
)
_COLUMNS: Final = 6
_DAY_US: Final = 86_400_000_000


def to_rows(candles: np.ndarray[Any, np.dtype[np.float64]], timeframe: Timeframe) -> Rows:
    """Return candles, float64 (n, 6), as columns; milliseconds are exact in a float64."""
    opened_at = candles[:, 0].astype(np.int64) * 1_000
    days = (opened_at // _DAY_US).astype("datetime64[D]")
    open_, high, low, close, volume = (candles[:, column].copy() for column in range(1, _COLUMNS))
    sessions = days if timeframe is Timeframe.DAILY else None
    return Rows(opened_at, open_, high, low, close, volume, sessions)


class Exchange:
    """One exchange of ccxt behind our own client; the library's types end here."""

    def __init__(self, library: Any, exchange: Any, name: str) -> None:
        """Wrap an exchange object."""
        self.name = f"{NAME}:{name}"
        self._library = library
        self._exchange = exchange

    def spelling(self, asset: Asset) -> str:
        """Return the library's spelling: `BTC/USDT`.

        Raises:
            NotOfferedError: it is no pair of coins.
        """
        named = asset.vendor_symbols.get(self.name, asset.vendor_symbols.get(NAME))
        pair = split_pair(asset.symbol)
        if named is not None:
            return named
        if asset.asset_type is not AssetType.CRYPTO or pair is None:
            raise NotOfferedError(f"has coins only, no {asset.symbol}", provider=self.name)
        return "/".join(pair)

    async def check(self, symbol: str, timeframe: Timeframe) -> None:
        """Let a symbol and timeframe pass that the exchange has.

        Raises:
            UnknownVendorSymbolError: it does not list the symbol.
            NotOfferedError: it has no such bars.
        """
        await self._call(self._exchange.load_markets())
        if _SPANS[timeframe] not in (self._exchange.timeframes or {}):
            raise NotOfferedError(f"has no {timeframe} bars", provider=self.name)
        if symbol not in self._exchange.markets:
            raise UnknownVendorSymbolError(symbol, provider=self.name)

    async def candles(
        self, symbol: str, timeframe: Timeframe, since_ms: int
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return what one request gives from an instant on, float64 (n, 6), oldest first."""
        asked = self._exchange.fetch_ohlcv(symbol, _SPANS[timeframe], since_ms, MOST_ROWS)
        found = await self._call(asked)
        try:
            table = np.array(found, dtype=np.float64).reshape(-1, _COLUMNS)
        except (TypeError, ValueError) as e:
            raise BadAnswerError("sent bars without a price", provider=self.name) from e
        return table[np.argsort(table[:, 0], kind="stable")]

    async def close(self) -> None:
        """Close what the library holds."""
        await self._exchange.close()

    async def _call(self, call: Any) -> Any:
        """Await a call of the library; its errors become ours."""
        errors = self._library
        try:
            return await call
        except errors.AuthenticationError as e:
            raise AuthenticationError(_said(e), provider=self.name) from e
        except (errors.RateLimitExceeded, errors.DDoSProtection) as e:
            raise RateLimitError(provider=self.name, retry_after=DEFAULT_WAIT) from e
        except errors.NotSupported as e:
            raise NotOfferedError(_said(e), provider=self.name) from e
        except errors.BaseError as e:
            raise DataProviderError(_said(e), provider=self.name) from e


class CcxtProvider:
    """Bars of one exchange; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, exchange: Exchange, access: ProviderAccess) -> None:
        """Keep the exchange; its owner closes it."""
        self._exchange = exchange
        self._access = access

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page."""
        check_offered(request, CAPABILITIES, provider=NAME)
        symbol = self._exchange.spelling(self._access.registry.get(request.symbol))
        await self._exchange.check(symbol, request.timeframe)
        since = request.start if cursor is None else instant_of(cursor)
        step_ms = timeframe_us(request.timeframe) // 1_000
        last = last_milli(request.end) // step_ms * step_ms
        while True:
            if last < first_milli(since):
                yield empty_page(request, since=since)
                return
            candles = await self._exchange.candles(symbol, request.timeframe, first_milli(since))
            # It says nothing of more: only an empty answer, or the last bar, is the end.
            more = len(candles) > 0 and int(candles[-1, 0]) < last
            page = to_page(
                request,
                to_rows(candles, request.timeframe),
                since=since,
                more=more,
                provider=self._exchange.name,
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
        """Yield nothing: exchanges keep single trades for hours only."""
        for nothing in ():
            yield nothing


@asynccontextmanager
async def open_ccxt(access: ProviderAccess) -> AsyncGenerator[CcxtProvider]:
    """Open the exchange that `access.base_url` names.

    Raises:
        InputError: it names none that ccxt knows.
        MissingExtraError: ccxt is not installed (extra `ccxt`).
    """
    if not access.base_url and find_spec("ccxt") is not None:  # told before the slow import
        raise InputError("name an exchange: ccxt:kraken", field="provider")
    try:
        library: Any = import_module("ccxt.async_support")  # takes a second: only who asks pays
    except ImportError as e:
        raise MissingExtraError("ccxt", extra="ccxt", package="simutrador-data-manager") from e
    name = access.base_url
    if name not in library.exchanges:
        text = f"ccxt knows no exchange {name[:40]!r}; name one: ccxt:kraken"
        raise InputError(text, field="provider")
    async with vendor_client(access, provider=f"{NAME}:{name}") as client:
        made = _connected(getattr(library, name), client, f"{NAME}:{name}")
        exchange = Exchange(library, made({"enableRateLimit": True}), name)
        try:
            yield CcxtProvider(exchange, access)
        finally:
            await exchange.close()


def _connected(kind: Any, client: httpx.AsyncClient, name: str) -> Any:
    """Return a kind of exchange whose requests go through our client."""

    async def fetch(
        self: Any, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        response = await client.request(method, url, headers=headers, content=body)
        text = response.text
        try:
            document: Any = msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            document = None
        reason, code = response.reason_phrase, response.status_code
        sent = dict(response.headers)
        self.handle_errors(code, reason, url, method, sent, text, document, headers, body)
        raise_for_vendor_error(response, provider=name)
        return document

    return type(kind.__name__, (kind,), {"fetch": fetch})


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


PLUGIN: Final = ProviderPlugin(NAME, CAPABILITIES, open_ccxt)

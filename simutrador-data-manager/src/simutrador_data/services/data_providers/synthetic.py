"""An invented market: bars of any symbol, no key, no network, the same ones for ever.

Prices keep the sessions of the symbol's own calendar, half days and lunch breaks included; quiet
and wild days cluster, volume is largest near open and close, nights have gaps, shares are split
every few years, and about one session in 25 has minutes in which nothing traded. Nothing of it
happened: every bar is labelled `synthetic`, and so is the source of every commit.

Source: `simutrador_core.testing.synthetic_market`, which draws the paths.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Final

import numpy as np

from simutrador_core.errors import CalendarError, DataProviderError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import from_us, to_us
from simutrador_core.models.enums import Adjustment, AssetType, GapReason, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing.synthetic_market import (
    MINUTE_US,
    Hole,
    Listing,
    Split,
    SyntheticMarket,
    raw_bits,
)
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import UnknownVendorSymbolError
from simutrador_data.services.data_providers.paging import instant_of
from simutrador_data.services.data_providers.plugin import ProviderPlugin

NAME: Final = "synthetic"
SEED: Final = 1
MOST_ROWS: Final = 10_000
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset({*(frame for frame in Timeframe if frame.is_intraday), Timeframe.DAILY}),
    adjustments=frozenset({Adjustment.RAW, Adjustment.SPLIT}),
    rows_per_request=MOST_ROWS,
    requests_per_minute=None,
    needs_key=False,
    actions=True,
    source="invented; nothing of it happened",
)
_SHARES: Final = frozenset({AssetType.US_EQUITY, AssetType.INTERNATIONAL_EQUITY})
_SESSIONS_A_SPLIT: Final = 1_000
_SESSIONS_A_HOLE: Final = 25
_LONGEST_HOLE: Final = 15
_MINUTE: Final = timedelta(minutes=1)


def invented_listing(symbol: str, calendar: Calendar, *, shares: bool) -> Listing:
    """Return what is invented about a symbol: first price, quiet minutes and, for shares, splits.

    Splits are 1,000 to 2,000 sessions apart; most give two shares for one, some three.
    """
    draws = [int(bits) for bits in raw_bits(SEED, symbol, "listing", count=64)]
    splits: list[Split] = []
    at = _SESSIONS_A_SPLIT
    for draw in draws[1:]:
        at += _SESSIONS_A_SPLIT + draw % _SESSIONS_A_SPLIT
        if not shares or at >= len(calendar.schedule):
            break
        splits.append(Split(calendar.schedule.sessions[at].item(), 3 if draw >> 62 == 0 else 2))
    return Listing(
        symbol,
        first_ticks=2_000 + draws[0] % 8_000,
        holes=quiet_minutes(symbol, calendar),
        splits=tuple(splits),
    )


def quiet_minutes(symbol: str, calendar: Calendar) -> tuple[Hole, ...]:
    """Return the runs of 1 to 15 minutes in which nothing trades, oldest first."""
    plan = calendar.schedule
    draws = raw_bits(SEED, symbol, "quiet", count=3 * len(plan)).reshape(-1, 3)
    found: list[Hole] = []
    for at in np.flatnonzero(draws[:, 0] % _SESSIONS_A_HOLE == 0).tolist():
        minutes = int(plan.closes[at] - plan.opens[at]) // MINUTE_US
        begun = from_us(plan.opens[at]) + _MINUTE * (1 + int(draws[at, 1]) % max(1, minutes - 2))
        ended = begun + _MINUTE * (1 + int(draws[at, 2]) % _LONGEST_HOLE)
        found.append(Hole(begun, ended, GapReason.NO_TRADE))
    return tuple(found)


class SyntheticProvider:
    """Invented bars of every symbol the registry knows the calendar of."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, access: ProviderAccess) -> None:
        """Keep what is known of assets and calendars."""
        self._access = access
        self._markets: dict[str, SyntheticMarket] = {}

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page.

        Raises:
            UnknownVendorSymbolError: the registry does not know what kind of asset it is.
            DataProviderError: the timeframe or adjustment is not offered, or the calendar does not
                reach that far.
        """
        start = request.start if cursor is None else instant_of(cursor)
        step = timedelta(microseconds=timeframe_us(request.timeframe)) * MOST_ROWS
        while True:
            end = min(request.end, start + step)
            yield await asyncio.to_thread(self._page, request, start, end)
            if end >= request.end:
                return
            start = end

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield the invented splits that take effect in `[start, end)`, oldest first."""
        market = await asyncio.to_thread(self._market, request.symbol)
        async for action in market.fetch_actions(request):
            yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: single trades are not invented."""
        for nothing in ():
            yield nothing

    def _page(self, request: BarRequest, start: datetime, end: datetime) -> BarPage:
        bars = self._market(request.symbol).bars(
            request.symbol, request.timeframe, start, end, adjustment=request.adjustment
        )
        return BarPage(bars, (start, end), str(to_us(end)) if end < request.end else None)

    def _market(self, symbol: str) -> SyntheticMarket:
        if symbol not in self._markets:
            calendar = self._calendar(symbol)
            shares = self._access.registry.get(symbol).asset_type in _SHARES
            listing = invented_listing(symbol, calendar, shares=shares)
            self._markets[symbol] = SyntheticMarket(calendar, [listing], seed=SEED)
        return self._markets[symbol]

    def _calendar(self, symbol: str) -> Calendar:
        if self._access.registry.get(symbol).asset_type is AssetType.UNKNOWN:
            raise UnknownVendorSymbolError(symbol, provider=NAME)
        try:
            return self._access.calendar_of(symbol)
        except CalendarError as e:
            raise DataProviderError(str(e), provider=NAME) from e


@asynccontextmanager
async def open_synthetic(access: ProviderAccess) -> AsyncGenerator[SyntheticProvider]:
    """Open the invented market; it holds nothing that needs closing."""
    yield SyntheticProvider(access)


PLUGIN: Final = ProviderPlugin(NAME, CAPABILITIES, open_synthetic)

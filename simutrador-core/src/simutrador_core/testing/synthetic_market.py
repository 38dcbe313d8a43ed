"""`SyntheticMarket`: a vendor that invents prices, always the same ones for the same seed.

    acme = Listing("ACME", splits=(Split(date(2024, 6, 3), 2),))
    market = SyntheticMarket(calendar, [acme], seed=7)
    bars = market.bars("ACME", Timeframe.MINUTE_1, start, end)

Every bar is labelled `synthetic`. Sessions come from the calendar given; holes and splits are
planted where the listing says, so that a test knows the truth. It imports no rule that checks bars.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, datetime
from typing import ClassVar

import numpy as np

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import Bars, concat, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing._synthetic_listing import (
    INTRADAY,
    MINUTE_US,
    Hole,
    Listing,
    SessionMinutes,
    Split,
    is_listed,
    to_actions,
    to_bars,
    without_idle,
)
from simutrador_core.testing._synthetic_paths import (
    SessionPath,
    minute_path,
    raw_bits,
    session_path,
)


class SyntheticMarket:
    """A vendor of invented bars; satisfies `DataProvider` and can be asked directly."""

    name: ClassVar[str] = "synthetic"
    capabilities: ClassVar[Capabilities] = Capabilities(
        timeframes=frozenset({*INTRADAY, Timeframe.DAILY}),
        adjustments=frozenset({Adjustment.RAW, Adjustment.SPLIT}),
        rows_per_request=1_000,
        requests_per_minute=None,
        needs_key=False,
        actions=True,
        source="invented",
    )

    def __init__(
        self, calendar: Calendar, listings: Sequence[Listing], *, seed: int, rows: int = 1_000
    ) -> None:
        """Keep the calendar and the listings.

        Args:
            calendar: When the symbols trade; its first session is where each price path starts.
            listings: The symbols and what is planted in them.
            seed: Names the random stream, >= 0.
            rows: Most bars on one page.
        """
        self._calendar = calendar
        self._listings = {listing.symbol: listing for listing in listings}
        self._seed = seed
        self._rows = rows
        self._paths: dict[str, SessionPath] = {}

    def bars(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        *,
        adjustment: Adjustment = Adjustment.RAW,
    ) -> Bars:
        """Return what the vendor gives of `[start, end)`: what traded, without the vendor's holes.

        Raises:
            DataProviderError: the symbol, timeframe or range is not one this market has.
        """
        return self._bars(symbol, timeframe, start, end, adjustment, hidden=True)

    def traded(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        *,
        adjustment: Adjustment = Adjustment.RAW,
    ) -> Bars:
        """Return the truth: every bar that traded in `[start, end)`, vendor's holes included.

        Raises:
            DataProviderError: the symbol, timeframe or range is not one this market has.
        """
        return self._bars(symbol, timeframe, start, end, adjustment, hidden=False)

    def holes(self, symbol: str) -> tuple[Hole, ...]:
        """Return the holes planted in a symbol."""
        return self._listing(symbol).holes

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page.

        Raises:
            DataProviderError: the symbol, timeframe or range is not one this market has.
        """
        start = request.start if cursor is None else self._instant(cursor)
        bars = self.bars(
            request.symbol, request.timeframe, start, request.end, adjustment=request.adjustment
        )
        for page in to_pages(bars, start=start, end=request.end, rows=self._rows):
            yield page

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield the planted splits and the delisting that take effect in `[start, end)`."""
        for action in to_actions(self._listing(request.symbol)):
            if request.start <= action.effective < request.end:
                yield action

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: this market invents bars only."""
        for nothing in ():
            yield nothing

    def _listing(self, symbol: str) -> Listing:
        if symbol not in self._listings:
            raise DataProviderError(f"symbol {symbol!r} is not listed", provider=self.name)
        return self._listings[symbol]

    def _instant(self, cursor: str) -> datetime:
        if not cursor.lstrip("-").isdigit():
            raise DataProviderError(f"cursor {cursor!r} is not one of ours", provider=self.name)
        return from_us(int(cursor))

    def _bars(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        adjustment: Adjustment,
        *,
        hidden: bool,
    ) -> Bars:
        listing = self._listing(symbol)
        if (
            timeframe not in self.capabilities.timeframes
            or adjustment not in self.capabilities.adjustments
        ):
            raise DataProviderError(
                f"{timeframe} {adjustment} bars are not offered", provider=self.name
            )
        start_us, end_us = to_us(start), to_us(end)
        parts = [
            to_bars(minutes, timeframe, listing, adjustment, hidden=hidden)
            for minutes in self._sessions(listing, start_us, end_us)
        ]
        whole = concat(parts) if parts else Bars.empty(symbol, timeframe, adjustment)
        return whole.between(start_us, end_us)

    def _sessions(self, listing: Listing, start_us: int, end_us: int) -> Iterator[SessionMinutes]:
        """Yield what traded in every session that overlaps the range and is listed."""
        plan = self._calendar.schedule
        self._check_range(start_us, end_us)
        path = self._path(listing)
        first = int(np.searchsorted(plan.closes, start_us, side="right"))
        last = int(np.searchsorted(plan.opens, end_us))
        for at in range(first, last):
            session: date = plan.sessions[at].astype(date)
            if is_listed(listing, session):
                yield self._minutes(listing, path, at, session)

    def _minutes(
        self, listing: Listing, path: SessionPath, at: int, session: date
    ) -> SessionMinutes:
        times, closed = self._calendar.minutes(session), int(self._calendar.schedule.closes[at])
        ticks = minute_path(
            self._seed,
            listing.symbol,
            day=session.toordinal(),
            minutes=len(times),
            opened=int(path.opens[at]),
            closed=int(path.closes[at]),
            volatility=float(path.volatility[at]),
        )
        whole = SessionMinutes(
            session,
            int(times[0]),
            closed,
            times,
            ticks.open,
            ticks.high,
            ticks.low,
            ticks.close,
            ticks.volume,
        )
        return without_idle(whole, listing.holes)

    def _path(self, listing: Listing) -> SessionPath:
        if listing.symbol not in self._paths:
            self._paths[listing.symbol] = session_path(
                self._seed,
                listing.symbol,
                sessions=len(self._calendar.schedule),
                first=listing.first_ticks,
            )
        return self._paths[listing.symbol]

    def _check_range(self, start_us: int, end_us: int) -> None:
        known = self._calendar
        if from_us(start_us).date() < known.start or from_us(end_us - 1).date() >= known.end:
            raise DataProviderError(
                f"calendar {known.name} is known from {known.start} to {known.end} only",
                provider=self.name,
            )


def to_pages(bars: Bars, *, start: datetime, end: datetime, rows: int) -> list[BarPage]:
    """Return bars as pages of at most `rows` that settle `[start, end)` without a break.

    A page reaches to the next page's first bar, the last one to `end`; the cursor of a page is the
    instant it reaches to. No bars give one page that settles the whole range.
    """
    cuts = [from_us(bars.opened_at[i]) for i in range(rows, len(bars), rows)]
    edges = [start, *cuts, end]
    return [
        BarPage(
            bars.take(slice(i * rows, (i + 1) * rows)),
            covered=(edges[i], edges[i + 1]),
            next_cursor=str(to_us(edges[i + 1])) if i < len(cuts) else None,
        )
        for i in range(len(cuts) + 1)
    ]


__all__ = ["MINUTE_US", "Hole", "Listing", "Split", "SyntheticMarket", "raw_bits", "to_pages"]

"""A week of minutes with planted gaps, and vendors that remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final

import numpy as np

from simutrador_core.assets.registry import AssetRegistry
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
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, SeriesKey, to_us
from simutrador_core.models.enums import Adjustment, GapReason, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.downloading import Patience
from simutrador_data.services.gap_filling import FillReport, FillRequest, fill_gaps
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.validate_store import validate_series

DAYS: Final = Range(date(2024, 1, 3), date(2024, 1, 6))
START, END = datetime(2024, 1, 3, 5, tzinfo=UTC), datetime(2024, 1, 6, 5, tzinfo=UTC)
NOW: Final = datetime(2024, 2, 1, tzinfo=UTC)
SERIES: Final = SeriesKey("AAPL", Timeframe.MINUTE_1, Adjustment.RAW)
DAILY: Final = SeriesKey("AAPL", Timeframe.DAILY, Adjustment.RAW)


def week() -> Bars:
    """Return every minute of three sessions, 1,170 bars, each of a volume of its own."""
    calendar = get_calendar("XNYS")
    days = calendar.between(date(2024, 1, 3), date(2024, 1, 6)).sessions.tolist()
    at = np.concatenate([calendar.minutes(day) for day in days])
    flat = make_bars("AAPL", n=len(at))
    return Bars(
        "AAPL", flat.timeframe, flat.adjustment, at,
        flat.open, flat.high, flat.low, flat.close, np.arange(1.0, len(at) + 1),
    )  # fmt: skip


WEEK: Final = week()


def without(bars: Bars, *gaps: slice) -> Bars:
    """Return bars but for those at these places."""
    kept = np.ones(len(bars), dtype=np.bool_)
    for gap in gaps:
        kept[gap] = False
    return bars.take(kept)


def daily_of(bars: Bars) -> Bars:
    """Return the daily bars of a week whose volumes are those of `bars`, by an obvious loop."""
    calendar = get_calendar("XNYS")
    sessions = calendar.between(date(2024, 1, 3), date(2024, 1, 6))
    sums = [
        sum(
            v
            for at, v in zip(bars.opened_at.tolist(), bars.volume.tolist(), strict=True)
            if o <= at < c
        )
        for o, c in zip(sessions.opens.tolist(), sessions.closes.tolist(), strict=True)
    ]
    flat = make_bars("AAPL", n=len(sums), timeframe=Timeframe.DAILY)
    return Bars(
        "AAPL", Timeframe.DAILY, Adjustment.RAW, sessions.opens,
        flat.open, flat.high, flat.low, flat.close, np.array(sums), sessions=sessions.sessions,
    )  # fmt: skip


def put(store: ParquetStore, bars: Bars, *, source: str, asked: bool = True) -> None:
    """Store what a source gave of the week; `asked` says whether it was asked for all of it."""
    covered = [Covered(bars.series, START, END)] if asked else []
    store.commit(Change([bars], covered, source, "a test", NOW))


def vendor(name: str, bars: Bars, **more: Any) -> Vendor:
    """Return a vendor of this name."""
    return type(name.title(), (Vendor,), {"name": name})(bars, **more)


@dataclass
class Vendor:
    """A `DataProvider` of the bars it is given; trades at the instants it is given."""

    held: Bars
    trades: Sequence[datetime] = ()
    broken: str = ""
    bar_requests: list[BarRequest] = field(default_factory=list[BarRequest])
    trade_requests: list[TradeRequest] = field(default_factory=list[TradeRequest])

    name: ClassVar[str] = "acme"
    capabilities: ClassVar[Capabilities] = Capabilities(
        timeframes=frozenset({Timeframe.MINUTE_1, Timeframe.DAILY}),
        adjustments=frozenset({Adjustment.RAW}),
        rows_per_request=1_000,
        requests_per_minute=None,
        needs_key=False,
        trades=True,
    )

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield one page."""
        self.bar_requests.append(request)
        if self.broken:
            raise DataProviderError(self.broken, provider=self.name)
        found = self.held.between(to_us(request.start), to_us(request.end))
        yield BarPage(found, (request.start, request.end))

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield nothing."""
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield one page."""
        self.trade_requests.append(request)
        if self.broken:
            raise DataProviderError(self.broken, provider=self.name)
        at = [to_us(one) for one in self.trades if request.start <= one < request.end]
        ones = np.ones(len(at))
        yield Trades(request.symbol, np.array(at, dtype=np.int64), ones, ones)

    @property
    def asked(self) -> int:
        """How often it was asked for anything."""
        return len(self.bar_requests) + len(self.trade_requests)


def filled(store: ParquetStore, *providers: Vendor, **more: Any) -> FillReport:
    """Fill the gaps of the week."""
    trades_from, now = more.pop("trades_from", ()), more.pop("now", NOW)
    request = FillRequest(("AAPL",), range=DAYS, **more)
    return asyncio.run(
        fill_gaps(
            request,
            providers=providers,
            store=store,
            registry=AssetRegistry.default(),
            trades_from=trades_from,
            now=lambda: now,
            patience=Patience(first_wait_s=0.001),
        )
    )


def reasons(store: ParquetStore) -> dict[GapReason, int]:
    """Return how many bars of the week are absent for which reason."""
    ledger = validate_series(store, AssetRegistry.default(), SERIES, start=START, end=END)
    return {reason: total.bars for reason, total in ledger.by_reason().items()}

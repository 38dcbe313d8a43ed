"""A market that passes quickly, told live and over REST, and who follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from data_vendors import stored
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import Retries, Timeouts
from simutrador_data.services.streaming import (
    BinanceLive,
    FollowReport,
    FollowRequest,
    LivePatience,
    follow,
)
from simutrador_data.testing import FaultServer, HouseRules, LiveFaultServer

OPENS: Final = datetime(2024, 3, 11, 23, 30, tzinfo=UTC)
"""Half an hour before a day ends, so that every market here passes midnight."""

MINUTE: Final = timedelta(minutes=1)
TIMEOUTS: Final = Timeouts(5.0, 5.0, 10.0)
RETRIES: Final = Retries(4, 0.02, 0.1, 10.0)


def every_minute(symbol: str, n: int, *, seed: int = 1) -> Bars:
    """Return n minutes from `OPENS` on, none left out; prices are whole hundredths."""
    chance = np.random.default_rng([seed, *symbol.encode()])
    close = 20_000 + np.cumsum(chance.integers(-3, 4, n))
    opened = close + chance.integers(-3, 4, n)
    high = np.maximum(opened, close) + chance.integers(0, 5, n)
    low = np.minimum(opened, close) - chance.integers(0, 5, n)
    return Bars(
        symbol,
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        to_us(OPENS) + np.arange(n, dtype=np.int64) * 60_000_000,
        open=opened / 100,
        high=high / 100,
        low=low / 100,
        close=close / 100,
        volume=chance.integers(1, 10_000, n).astype(np.float64),
    )


@dataclass
class Noted:
    """Satisfies `LiveWatch`: what a follower told, each with its time, seconds monotonic."""

    connects: list[float] = field(default_factory=list)
    silences: list[tuple[float, float]] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    bars: list[tuple[str, datetime]] = field(default_factory=list)
    on_bar: Callable[[], None] = lambda: None

    def connected(self) -> None:
        self.connects.append(time.monotonic())

    def stale(self, after_s: float) -> None:
        self.silences.append((time.monotonic(), after_s))

    def refused(self, status: int) -> None:
        self.refusals.append(status)

    def backoff(self, wait_s: float) -> None:
        self.waits.append(wait_s)

    def backfilled(self, symbol: str, rows: int) -> None:
        """Nothing is noted: the report counts them."""

    def bar(self, symbol: str, opened_at: datetime) -> None:
        self.bars.append((symbol, opened_at))
        self.on_bar()


@dataclass(frozen=True)
class Market:
    """Both sides of a vendor, at one address each and with one clock."""

    truth: Sequence[Bars]
    live: LiveFaultServer
    rest: FaultServer

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(bars.symbol for bars in self.truth)

    def end(self, minutes: int | None = None) -> datetime:
        """Return when the market closes, or when it is so many minutes old."""
        return OPENS + MINUTE * (len(self.truth[0]) if minutes is None else minutes)


@contextmanager
def market(
    truth: Sequence[Bars], *, minute_s: float | None, **rules: Any
) -> Generator[Market, None, None]:
    """Open a market at the open of its first minute."""
    house = HouseRules(**rules)
    with (
        LiveFaultServer(truth, start=OPENS, minute_s=minute_s, rules=house) as live,
        FaultServer(truth, now=live.clock.now) as rest,
    ):
        yield Market(truth, live, rest)


@asynccontextmanager
async def rest_provider(address: str) -> AsyncGenerator[DataProvider]:
    """Open Binance's REST side at an address."""
    access = ProviderAccess(base_url=address, keys={}, timeouts=TIMEOUTS, retries=RETRIES)
    async with find_provider("binance").open(access) as provider:
        yield provider


async def followed(
    there: Market,
    store: BarStore,
    *,
    patience: LivePatience,
    start: datetime | None = OPENS,
    until: datetime | None = None,
    watch: Noted | None = None,
    cancel: asyncio.Event | None = None,
) -> FollowReport:
    """Follow every symbol of a market, by its clock."""
    async with rest_provider(there.rest.url("binance")) as provider:
        return await follow(
            FollowRequest(there.symbols, start=start, until=until),
            provider=provider,
            live=BinanceLive(there.live.url),
            store=store,
            registry=AssetRegistry.default(),
            patience=patience,
            now=there.live.clock.now,
            watch=watch,
            cancel=cancel,
        )


def holes(store: BarStore, truth: Bars, until: datetime) -> list[datetime]:
    """Return the minutes that closed by then and are absent, or hold another bar than the truth."""
    found = stored(store, truth)
    expected = truth.take(truth.opened_at < to_us(until))
    have = {row[0]: row for row in _rows(found)}
    return [from_us(row[0]) for row in _rows(expected) if have.get(row[0]) != row]


def strays(store: BarStore, truth: Bars) -> int:
    """Return how many stored bars the market never had."""
    return len(set(_rows(stored(store, truth))) - set(_rows(truth)))


def _rows(bars: Bars) -> list[tuple[int, float, float, float, float, float]]:
    columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return list(zip(*(column.tolist() for column in columns), strict=True))

"""Downloads from a vendor that fails on purpose, and what must hold of a store afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import OHLCV, Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import query_all
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import Retries, Timeouts
from simutrador_data.services.downloading import (
    DownloadReport,
    DownloadRequest,
    Patience,
    download,
)
from simutrador_data.services.serving.ranges import Range
from simutrador_data.testing import FaultServer

KEYS: Final[dict[str, str]] = dict.fromkeys(
    ("polygon", "fmp", "tiingo", "alpaca", "binance", "yahoo"), "nObOdY9mAy7sEe5"
)
"""The key that tests show each vendor; nothing that they write may hold it."""


def made_up_minutes(
    symbol: str, first: date, last: date, *, seed: int = 1, calendar: str = "XNYS"
) -> Bars:
    """Return minutes of every session in `[first, last]`, a hundredth of them without a trade."""
    known = get_calendar(calendar)
    plan = known.between(first, date.fromordinal(last.toordinal() + 1))
    minutes = np.concatenate([known.minutes(day) for day in plan.sessions.tolist()])
    chance = np.random.default_rng([seed, *symbol.encode()])
    at = minutes[chance.random(len(minutes)) > 0.01]
    close = 20_000 + np.cumsum(chance.integers(-3, 4, len(at)))
    opened = close + chance.integers(-3, 4, len(at))
    high = np.maximum(opened, close) + chance.integers(0, 5, len(at))
    low = np.minimum(opened, close) - chance.integers(0, 5, len(at))
    volume = chance.integers(1, 10_000, len(at)).astype(np.float64)
    return Bars(
        symbol,
        Timeframe.MINUTE_1,
        Adjustment.RAW,
        at,
        open=opened / 100,
        high=high / 100,
        low=low / 100,
        close=close / 100,
        volume=volume,
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """How patient a download is; the defaults keep a test short."""

    timeouts: Timeouts = field(default_factory=lambda: Timeouts(0.3, 0.3, 0.8))
    retries: Retries = field(default_factory=lambda: Retries(6, 0.02, 0.1, 30.0))
    patience: Patience = field(default_factory=lambda: Patience(first_wait_s=0.01))


async def fetch(
    server: FaultServer,
    store: BarStore,
    truth: Sequence[Bars],
    *,
    vendor: str = "polygon",
    bounds: Bounds | None = None,
    at_once: int = 4,
    url: str = "",
    now: datetime | None = None,
) -> DownloadReport:
    """Download what the truth holds, from its first bar to its last."""
    bounds = bounds or Bounds()
    plugin = find_provider(vendor)
    access = ProviderAccess(
        base_url=url or server.url(vendor),
        keys={name: SecretStr(KEYS[vendor]) for name in plugin.key_names},
        timeouts=bounds.timeouts,
        retries=bounds.retries,
    )
    start = min(bars.first for bars in truth if bars.first is not None)
    last = max(bars.last for bars in truth if bars.last is not None)
    end = datetime.fromtimestamp(last.timestamp() + 60, UTC)
    async with plugin.open(access) as provider:
        return await download(
            DownloadRequest(
                tuple(bars.symbol for bars in truth),
                range=Range(start, end),
                adjustment=truth[0].adjustment,
                at_once=at_once,
            ),
            providers=[provider],
            store=store,
            registry=AssetRegistry.default(),
            now=lambda: now or datetime.now(UTC),
            patience=bounds.patience,
        )


def fetched(
    server: FaultServer, store: BarStore, truth: Sequence[Bars], **how: object
) -> DownloadReport:
    """Download in an event loop of its own."""
    return asyncio.run(fetch(server, store, truth, **how))  # type: ignore[arg-type]


def stored(store: BarStore, bars: Bars) -> Bars:
    """Return what is stored of a series, perhaps nothing."""
    try:
        return store.read(query_all(bars.symbol, bars.timeframe, adjustment=bars.adjustment))
    except UnknownSymbolError:
        return Bars.empty(bars.symbol, bars.timeframe, bars.adjustment)


def wrong_bars(store: BarStore, truth: Bars) -> int:
    """Return how many stored bars the vendor never had."""
    found = stored(store, truth)
    at = np.searchsorted(truth.opened_at, found.opened_at)
    inside = np.minimum(at, len(truth) - 1)
    same = truth.opened_at[inside] == found.opened_at
    for name in OHLCV:
        same &= getattr(truth, name)[inside] == getattr(found, name)
    return int((~same).sum())


def false_claims(store: BarStore, truth: Bars) -> int:
    """Return how many bars are absent though the store says that their time is settled."""
    settled = np.zeros(len(truth), dtype=np.bool_)
    for one in store.coverage(
        query_all(truth.symbol, truth.timeframe, adjustment=truth.adjustment)
    ):
        start, end = to_us(one.start), to_us(one.end)
        settled |= (truth.opened_at >= start) & (truth.opened_at < end)
    present = np.isin(truth.opened_at, stored(store, truth).opened_at)
    return int((settled & ~present).sum())

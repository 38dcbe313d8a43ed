"""Vendors send numbers that are no prices; nothing of the kind is stored, and all of it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr

from data_vendors import Bounds, made_up_minutes, stored, wrong_bars
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.bars import to_us
from simutrador_core.models.enums import Adjustment
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import Retries
from simutrador_data.services.downloading import (
    DownloadReport,
    DownloadRequest,
    Patience,
    download,
)
from simutrador_data.services.serving.ranges import Range
from simutrador_data.testing import FaultServer, Reply

TODAY: Final = datetime.now(UTC).date()
DAY: Final = TODAY - timedelta(days=4)
OPENED: Final = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
CLOSED: Final = OPENED + timedelta(hours=3)
"""Recent, for Yahoo keeps minutes for a month only; crypto trades on every day."""

SYMBOLS: Final = {
    "polygon": "BTC-USD",
    "binance": "BTC-USDT",
    "yahoo": "BTC-USD",
    "alpaca": "BTC-USD",
}
BAD_AT: Final = 17


@dataclass(frozen=True)
class Vendor:
    """How the payload of one vendor is reached into."""

    name: str
    path: str
    change: Callable[[Any, str, str], Any]
    """Puts a raw JSON text in place of the value of a field of the bar `BAD_AT`."""
    fields: dict[str, str] = field(default_factory=dict)


def in_results(document: Any, name: str, text: str) -> Any:
    document["results"][BAD_AT][name] = text
    return document


def in_klines(document: Any, name: str, text: str) -> Any:
    document[BAD_AT][int(name)] = text
    return document


def in_columns(document: Any, name: str, text: str) -> Any:
    document["chart"]["result"][0]["indicators"]["quote"][0][name][BAD_AT] = text
    return document


def in_bars(document: Any, name: str, text: str) -> Any:
    (bars,) = document["bars"].values()
    bars[BAD_AT][name] = text
    return document


SECONDS: Final = int(OPENED.timestamp())
VENDORS: Final = [
    Vendor(
        "polygon",
        f"/v2/aggs/ticker/X:BTCUSD/range/1/minute/{DAY}/{DAY}?limit=50000",
        in_results,
        {"high": "h", "volume": "v"},
    ),
    Vendor(
        "binance",
        f"/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000&startTime={SECONDS}000",
        in_klines,
        {"high": "2", "volume": "5"},
    ),
    Vendor(
        "yahoo",
        f"/v8/finance/chart/BTC-USD?interval=1m&period1={SECONDS}&period2={SECONDS + 86_400}",
        in_columns,
        {"high": "high", "volume": "volume"},
    ),
    Vendor(
        "alpaca",
        f"/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=1Min&limit=10000&start={DAY}&end={DAY}T23:59:00Z",
        in_bars,
        {"high": "h", "volume": "v"},
    ),
]
IMPATIENT: Final = Bounds(
    retries=Retries(attempts=1), patience=Patience(2, 2, 1, first_wait_s=0.01)
)


async def fetch_day(server: FaultServer, store: MemoryStore, vendor: str) -> DownloadReport:
    plugin = find_provider(vendor)
    access = ProviderAccess(
        base_url=server.url(vendor),
        keys={name: SecretStr("a-key") for name in plugin.key_names},
        timeouts=Bounds().timeouts,
        retries=IMPATIENT.retries,
    )
    adjusted = truth(vendor).adjustment
    async with plugin.open(access) as provider:
        return await download(
            DownloadRequest((SYMBOLS[vendor],), range=Range(OPENED, CLOSED), adjustment=adjusted),
            providers=[provider],
            store=store,
            registry=AssetRegistry.default(),
            patience=IMPATIENT.patience,
        )


def truth(vendor: str) -> Any:
    day = made_up_minutes(SYMBOLS[vendor], DAY, DAY, calendar="24/7")
    adjusted = Adjustment.SPLIT if vendor == "yahoo" else Adjustment.RAW
    return replace(day.between(to_us(OPENED), to_us(CLOSED)), adjustment=adjusted)


HOSTILE: Final = {
    "NaN": ("high", "NaN"),
    "Infinity": ("high", "Infinity"),
    "1e400": ("high", "1e400"),
    "negative price": ("high", "-5.0"),
    "negative volume": ("volume", "-1"),
    "null": ("high", "null"),
    "a word": ("high", '"dear"'),
    "a list": ("high", "[1]"),
    "below the low": ("high", "0.01"),
    "huge integer": ("volume", "9" * 400),
    "NaN as text": ("high", '"NaN"'),
    "infinity as text": ("volume", '"inf"'),
}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_no_hostile_number_is_stored(vendor: Vendor) -> None:
    """Twelve wrong values, each in a bar of its own download."""
    whole = truth(vendor.name)
    with FaultServer([whole]) as server:
        honest = httpx.get(server.url(vendor.name) + vendor.path, trust_env=False).json()
        most = 0
        for what, (name, text) in HOSTILE.items():
            mark = "@@here@@"
            changed = vendor.change(json.loads(json.dumps(honest)), vendor.fields[name], mark)
            body = json.dumps(changed).replace(f'"{mark}"', text).encode()
            server.always(Reply(body))
            store = MemoryStore()
            report = asyncio.run(fetch_day(server, store, vendor.name))
            assert wrong_bars(store, whole) == 0, what
            told = report.symbols[0]
            kept = len(stored(store, whole))
            most = max(most, kept)
            absent = kept < len(whole)
            # Yahoo writes null for a minute without a trade.
            silent = (vendor.name, what) == ("yahoo", "null")
            assert silent or not absent or told.failures or told.result.rejected, what
    assert most == len(whole) - 1, "of a page with one bad bar the others are kept"

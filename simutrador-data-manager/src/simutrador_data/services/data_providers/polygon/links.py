"""Where Polygon answers for a period, for people to look: addresses without a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from simutrador_core.assets.registry import Asset
from simutrador_core.models.bars import to_us
from simutrador_data.services.data_providers.polygon.answers import NANOS_A_MICRO
from simutrador_data.services.data_providers.polygon.provider import (
    BASE_URL,
    OLD_BASE_PATH,
    to_ticker,
)

_MINUTE: Final = timedelta(minutes=1)


def minutes_url(asset: Asset, start: datetime, end: datetime) -> str:
    """Return the address of the minutes of `[start, end)`; it names the last one's open."""
    first, last = to_us(start) // 1000, to_us(end - _MINUTE) // 1000
    path = f"{OLD_BASE_PATH}/{quote(to_ticker(asset), safe=':')}/range/1/minute/{first}/{last}"
    return f"{BASE_URL}{path}?adjusted=false&sort=asc&limit=50000"


def trades_url(asset: Asset, start: datetime, end: datetime) -> str:
    """Return the address of the trades of `[start, end)`."""
    first, last = to_us(start) * NANOS_A_MICRO, to_us(end) * NANOS_A_MICRO
    path = f"/v3/trades/{quote(to_ticker(asset), safe=':')}"
    return f"{BASE_URL}{path}?timestamp.gte={first}&timestamp.lt={last}&order=asc"

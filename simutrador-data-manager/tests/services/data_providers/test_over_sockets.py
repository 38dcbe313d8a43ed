"""Providers against a vendor that listens on a socket, speaks their words, and fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import SecretStr

from simutrador_core.interfaces.data_provider import BarRequest, DataProvider
from simutrador_core.models.bars import Bars, concat, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import (
    Retries,
    Timeouts,
    UnknownVendorSymbolError,
)
from simutrador_data.testing import Fault, FaultServer

QUICK = Retries(attempts=6, first_wait_s=0.001, longest_wait_s=0.01, patience_s=30.0)
MONDAY = datetime(2024, 3, 11, tzinfo=UTC)
FAULTS = (
    Fault.UNAVAILABLE,
    Fault.RATE_LIMIT,
    Fault.TRUNCATED_JSON,
    Fault.HTML,
    None,
    Fault.RESET,
    Fault.REDIRECT_LOOP,
)
VENDORS = {
    "polygon": ("AAPL", "NOPE", Adjustment.RAW, "POLYGON__API_KEY"),
    "binance": ("BTC-USDT", "NOPE-USDT", Adjustment.RAW, None),
    "yahoo": ("AAPL", "NOPE", Adjustment.SPLIT, None),
}


def minutes(symbol: str, adjustment: Adjustment) -> Bars:
    """Return the regular minutes of a Monday and the Tuesday after it, prices in cents."""
    first = to_us(MONDAY) // 60_000_000 + 13 * 60 + 30
    at = np.concatenate([np.arange(first, first + 390), np.arange(first + 1440, first + 1830)])
    close = np.round(100 + (at % 977) / 100, 2)
    return Bars(
        symbol,
        Timeframe.MINUTE_1,
        adjustment,
        at * 60_000_000,
        close,
        np.round(close + 0.25, 2),
        np.round(close - 0.25, 2),
        np.round(close + 0.01, 2),
        (at % 89).astype(np.float64),
    )


@pytest.mark.integration
@pytest.mark.parametrize("faults", [(), FAULTS], ids=["sound", "failing"])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_bars_arrive_as_the_vendor_has_them(vendor: str, faults: tuple[Fault, ...]) -> None:
    symbol, unknown, adjustment, key = VENDORS[vendor]
    bars = minutes(symbol, adjustment)
    plugin = find_provider(vendor)
    with FaultServer([bars], page_rows=300) as server:
        access = ProviderAccess(
            server.url(vendor),
            keys={} if key is None else {key: SecretStr("a-key-nobody-may-see")},
            retries=QUICK,
            timeouts=Timeouts(2.0, 2.0, 5.0),
        )
        server.inject(*faults)
        request = BarRequest(
            symbol, Timeframe.MINUTE_1, MONDAY, MONDAY + timedelta(days=3), adjustment
        )
        async with plugin.open(access) as provider:
            assert_same_bars(await fetched(provider, request), bars)
            night = replace(request, end=MONDAY + timedelta(hours=3))
            assert not len(await fetched(provider, night))
            with pytest.raises(UnknownVendorSymbolError):
                await fetched(provider, replace(request, symbol=unknown))
        assert not any(call.key_in_url for call in server.calls)


async def fetched(provider: DataProvider, request: BarRequest) -> Bars:
    """Return all bars of a request."""
    return concat([page.bars async for page in provider.fetch_bars(request)])

"""Every vendor sends wrong pages, each in its own words; the truth is stored in the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from data_vendors import fetch, made_up_minutes, stored, wrong_bars
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.downloading import DownloadStatus
from simutrador_data.testing import Fault, FaultServer, Pace

# Yahoo keeps minutes for a month; crypto trades on every day.
DAY: Final = datetime.now(UTC).date() - timedelta(days=4)
OPENED: Final = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
SYMBOLS: Final = {
    "polygon": "BTC-USD",
    "binance": "BTC-USDT",
    "yahoo": "BTC-USD",
    "alpaca": "BTC-USD",
}
STOCKS: Final = ("fmp", "tiingo")
SPLIT_ADJUSTED: Final = ("fmp", "yahoo")
NAMES_SYMBOL: Final = ("polygon", "yahoo", "alpaca")
FAULTS: Final = (
    Fault.EMPTY,
    Fault.NO_BODY,
    Fault.DUPLICATE_PAGE,
    Fault.MISSING_PAGE,
    Fault.OVERLAP,
    Fault.OUT_OF_ORDER,
    Fault.FUTURE_BARS,
    Fault.NEVER_ADVANCES,
    Fault.WRONG_SYMBOL,
    Fault.RATE_LIMIT,
    Fault.HTML,
    Fault.TRUNCATED_JSON,
)
PACE: Final = Pace(retry_after="0")


def truth_for(vendor: str) -> tuple[Bars, Bars]:
    """Return what is asked for and another symbol's bars."""
    adjusted = Adjustment.SPLIT if vendor in SPLIT_ADJUSTED else Adjustment.RAW
    if vendor in STOCKS:
        day = datetime(2024, 5, 1, tzinfo=UTC).date()
        bars, other = (made_up_minutes(name, day, day) for name in ("AAPL", "MSFT"))
        return replace(bars, adjustment=adjusted), replace(other, adjustment=adjusted)
    names = (SYMBOLS[vendor], SYMBOLS[vendor].replace("BTC", "ETH"))
    days = [made_up_minutes(name, DAY, DAY, calendar="24/7") for name in names]
    hours = slice(to_us(OPENED), to_us(OPENED + timedelta(hours=4)))
    bars, other = (one.between(hours.start, hours.stop) for one in days)
    return replace(bars, adjustment=adjusted), replace(other, adjustment=adjusted)


@pytest.mark.parametrize("vendor", [*SYMBOLS, *STOCKS])
def test_one_wrong_answer_does_no_harm(vendor: str) -> None:
    truth, other = truth_for(vendor)
    faults = [f for f in FAULTS if f is not Fault.WRONG_SYMBOL or vendor in NAMES_SYMBOL]

    async def one(fault: Fault) -> str:
        store = MemoryStore()
        with FaultServer([truth, other], page_rows=100, pace=PACE) as server:
            server.inject(fault)
            report = await fetch(server, store, [truth], vendor=vendor)
        if wrong := wrong_bars(store, truth):
            return f"{wrong} wrong bars"
        if report.status is not DownloadStatus.COMPLETED:
            return f"{report.status}: {report.symbols[0].failures} {report.symbols[0].message}"
        return "" if stored(store, truth).equals(truth) else "another store than the truth"

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*map(one, faults))

    found: dict[Any, str] = dict(zip(faults, asyncio.run(all_of_them()), strict=True))
    assert {fault: text for fault, text in found.items() if text} == {}

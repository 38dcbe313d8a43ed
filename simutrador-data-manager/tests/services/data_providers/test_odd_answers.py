"""Whatever stands in one place of an answer: bars that make sense, or one of our errors."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarRequest,
    DataProvider,
    TradeRequest,
)
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import Retries

MONDAY = datetime(2024, 3, 11, tzinfo=UTC)
OPEN_MS = 1_710_163_800_000  # 13:30 UTC
ODD: tuple[object, ...] = (
    None,
    -1,
    0,
    1e300,
    10**30,
    -(10**18),
    253_402_300_799_999,
    "",
    "NaN",
    "9999-12-31",
    [],
    {},
    "a" * 5_000,
)
BAR = {"t": OPEN_MS, "o": 10.0, "h": 11.0, "l": 9.0, "c": 10.5, "v": 7.0}
QUOTE = {name: [10.0, 10.5] for name in ("open", "high", "low", "close", "volume")}
META = {"symbol": "AAPL", "currency": "USD", "exchangeTimezoneName": "America/New_York"}
SPLIT = {"execution_date": "2024-03-11", "split_from": 1, "split_to": 2, "ticker": "A"}
DIVIDEND = {"ex_dividend_date": "2024-03-11", "cash_amount": 0.5, "ticker": "A"}
TRADE = {"price": 1.0, "size": 2, "participant_timestamp": OPEN_MS * 1_000_000}
CHART = {
    "meta": META,
    "timestamp": [OPEN_MS // 1_000, OPEN_MS // 1_000 + 60],
    "indicators": {"quote": [QUOTE]},
    "events": {
        "splits": {"1": {"date": 1, "numerator": 2, "denominator": 1}},
        "dividends": {"1": {"date": 1, "amount": 0.5}},
    },
}
ANSWERS: list[tuple[str, str, Any]] = [
    (
        "polygon",
        "bars",
        {"ticker": "AAPL", "adjusted": False, "status": "OK", "next_url": None, "results": [BAR]},
    ),
    ("polygon", "actions", {"results": [SPLIT]}),
    ("polygon", "actions", {"results": [DIVIDEND]}),
    ("polygon", "trades", {"results": [TRADE]}),
    ("binance", "bars", [[OPEN_MS, "10.0", "11.0", "9.0", "10.5", "7.0", OPEN_MS + 59_999]]),
    ("yahoo", "bars", {"chart": {"result": [CHART]}}),
    ("yahoo", "actions", {"chart": {"result": [CHART]}}),
]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(document, dict):
        for key in document:
            yield from places(document[key], (*path, key))
    elif isinstance(document, list):
        for at in range(len(document)):
            yield from places(document[at], (*path, at))


def with_odd(document: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def questions(provider: DataProvider, symbol: str, what: str) -> list[AsyncIterator[object]]:
    adjustment = min(provider.capabilities.adjustments)
    daily = BarRequest(symbol, Timeframe.DAILY, MONDAY, MONDAY + timedelta(days=2), adjustment)
    if what == "actions":
        return [provider.fetch_actions(ActionRequest(symbol, date(1970, 1, 1), date(2025, 1, 1)))]
    if what == "trades":
        return [provider.fetch_trades(TradeRequest(symbol, daily.start, daily.end))]
    minutes = replace(daily, timeframe=Timeframe.MINUTE_1)
    return [provider.fetch_bars(daily), provider.fetch_bars(minutes)]


@pytest.mark.parametrize(("vendor", "what", "answer"), ANSWERS)
async def test_an_odd_answer_is_never_an_error_of_somebody_else(
    vendor: str, what: str, answer: Any
) -> None:
    said: list[Any] = []
    access = ProviderAccess(
        "https://vendor.example",
        keys={"POLYGON__API_KEY": SecretStr("a-key-nobody-may-see")},
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json=said[-1])),
        retries=Retries(attempts=1),
    )
    symbol = "BTC-USDT" if vendor == "binance" else "AAPL"
    told: list[str] = []
    async with find_provider(vendor).open(access) as provider:
        for path, value in product(places(answer), ODD):
            said.append(with_odd(answer, path, value))
            for asked in questions(provider, symbol, what):
                try:
                    assert len([one async for one in asked]) < 10
                except DataProviderError as e:
                    told.append(str(e))
    assert len(said) >= 40
    assert told
    assert max(map(len, told)) < 1_000

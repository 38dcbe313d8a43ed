"""The invented market: the contract, and that what it invents looks like a market."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import ActionRequest, BarRequest, CorporateAction
from simutrador_core.models.bars import Bars, concat, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.synthetic import SyntheticProvider, open_synthetic

YEAR = BarRequest(
    "AAPL",
    Timeframe.MINUTE_1,
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
)


def bars_of(request: BarRequest) -> Bars:
    async def run() -> Bars:
        async with open_synthetic(ProviderAccess("")) as provider:
            return concat([page.bars async for page in provider.fetch_bars(request)])

    return asyncio.run(run())


def actions_of(symbol: str, start: date, end: date) -> list[CorporateAction]:
    async def run() -> list[CorporateAction]:
        async with open_synthetic(ProviderAccess("")) as provider:
            asked = ActionRequest(symbol, start, end)
            return [action async for action in provider.fetch_actions(asked)]

    return asyncio.run(run())


class TestContract(DataProviderContract):
    request = replace(YEAR, end=datetime(2024, 1, 20, tzinfo=UTC))
    empty_request = replace(
        YEAR, start=datetime(2024, 1, 6, tzinfo=UTC), end=datetime(2024, 1, 8, tzinfo=UTC)
    )
    unknown_request = replace(YEAR, symbol="ZZZZZZZZ")

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[SyntheticProvider]:
        async with open_synthetic(ProviderAccess("")) as provider:
            yield provider


def test_a_year_of_minutes_keeps_the_sessions_of_new_york() -> None:
    bars = bars_of(YEAR)
    # 252 sessions and 97,740 minutes in 2024 (NYSE calendar), less the quiet minutes.
    missing = 97_740 - len(bars)
    assert 0 < missing < 0.01 * 97_740
    times = bars.opened_at // 60_000_000
    winter, summer = (
        to_us(datetime(2024, 1, 2, 14, 30, tzinfo=UTC)),
        to_us(datetime(2024, 7, 2, 13, 30, tzinfo=UTC)),
    )
    assert winter // 60_000_000 == times[0]
    assert summer in bars.opened_at
    half_day = bars.between(
        to_us(datetime(2024, 7, 3, tzinfo=UTC)), to_us(datetime(2024, 7, 4, tzinfo=UTC))
    )
    assert half_day.opened_at[-1] < to_us(datetime(2024, 7, 3, 17, 0, tzinfo=UTC))


def test_every_bar_says_that_it_is_invented() -> None:
    bars = bars_of(replace(YEAR, end=datetime(2024, 2, 1, tzinfo=UTC)))
    assert bars.synthetic is not None
    assert bars.synthetic.all()


def test_wild_sessions_cluster_and_volume_smiles() -> None:
    years = replace(YEAR, start=datetime(2019, 1, 1, tzinfo=UTC), adjustment=Adjustment.SPLIT)
    daily = bars_of(replace(years, timeframe=Timeframe.DAILY))
    moves = np.abs(np.diff(np.log(daily.close)))
    assert np.corrcoef(moves[1:], moves[:-1])[0, 1] > 0.03
    week = bars_of(replace(YEAR, end=datetime(2024, 1, 9, tzinfo=UTC)))
    minute_of_day = (week.opened_at // 60_000_000) % 1_440 - (14 * 60 + 30)
    first, noon = minute_of_day < 30, (minute_of_day > 180) & (minute_of_day < 210)
    assert week.volume[first].mean() > 1.5 * week.volume[noon].mean()


def test_raw_prices_fall_with_a_split_and_adjusted_ones_do_not() -> None:
    (split, *_) = actions_of("AAPL", date(1990, 1, 1), date(2026, 1, 1))
    assert split.ratio is not None
    day = datetime.combine(split.effective, datetime.min.time(), UTC)
    around = replace(
        YEAR,
        timeframe=Timeframe.DAILY,
        start=day - timedelta(days=7),
        end=day + timedelta(days=7),
    )
    raw, adjusted = bars_of(around), bars_of(replace(around, adjustment=Adjustment.SPLIT))
    assert raw.sessions is not None
    at = int(np.searchsorted(raw.sessions, np.datetime64(split.effective)))
    assert raw.close[at - 1] / raw.open[at] == pytest.approx(float(split.ratio), rel=0.1)
    assert adjusted.close[at - 1] / adjusted.open[at] == pytest.approx(1.0, rel=0.1)


def test_the_same_bars_come_however_they_are_asked_for() -> None:
    whole = bars_of(replace(YEAR, end=datetime(2024, 2, 1, tzinfo=UTC)))
    middle = datetime(2024, 1, 17, 15, 7, tzinfo=UTC)
    parts = [
        bars_of(replace(YEAR, end=middle)),
        bars_of(replace(YEAR, start=middle, end=datetime(2024, 2, 1, tzinfo=UTC))),
    ]
    assert_same_bars(concat(parts), whole)


def test_coins_trade_around_the_clock_and_never_split() -> None:
    bars = bars_of(replace(YEAR, symbol="BTC-USD", end=datetime(2024, 1, 8, tzinfo=UTC)))
    assert len(bars) > 0.99 * 7 * 1_440
    assert actions_of("BTC-USD", date(1990, 1, 1), date(2026, 1, 1)) == []


def test_a_time_the_calendar_does_not_reach_is_refused() -> None:
    with pytest.raises(DataProviderError, match="known from 1990-01-01"):
        bars_of(replace(YEAR, start=datetime(1980, 1, 1, tzinfo=UTC)))

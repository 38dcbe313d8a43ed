"""Checks over stored series: which are made, and nothing is lost where a series is cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError, UnknownSymbolError
from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.analysis.quality.checking import (
    STORED_CHECKS,
    Checked,
    Wish,
    check_series,
    series_to_check,
)
from simutrador_data.services.analysis.quality.findings import Check
from simutrador_data.services.analysis.quality.names import parse_checks
from simutrador_data.services.serving.ranges import Range

REGISTRY = AssetRegistry.default()
DAILY = SeriesKey("BTC-USD", Timeframe.DAILY, Adjustment.RAW)
FIRST = datetime(2022, 1, 1, tzinfo=UTC)


def walk(count: int) -> Bars:
    """Return so many days of BTC-USD, which trades on all of them."""
    steps = np.cumsum(np.random.default_rng(5).normal(0, 0.01, count))
    close = np.round(20_000 * np.exp(steps), 2).astype(np.float64)
    opened = [FIRST + timedelta(days=k) for k in range(count)]
    return make_bars("BTC-USD", Timeframe.DAILY, opened_at=opened, close=close)


def times(bars: Bars, factor: float, cut: slice) -> Bars:
    changed = {}
    for name in ("open", "high", "low", "close"):
        values = getattr(bars, name).copy()
        values[cut] *= factor
        changed[name] = values
    return replace(bars, **changed)


def checked(*pages: Bars, wish: Wish | None = None, splits: tuple[date, ...] = ()) -> Checked:
    store = MemoryStore()
    for page in pages:
        store.commit(make_change(page))
    return check_series(store, REGISTRY, DAILY, wish or Wish(), splits=splits)


def test_sound_bars_pass_every_check() -> None:
    found = checked(walk(600))
    assert (found.bars, found.findings) == (600, ())
    assert Check.CROSS_TIMEFRAME not in found.checks, "there are no minutes to compare with"


@pytest.mark.parametrize("day", range(258, 263))
def test_a_spike_is_found_once_wherever_the_years_are_cut(day: int) -> None:
    # Series are judged in parts of 260 sessions.
    found = checked(times(walk(600), 2.0, slice(day, day + 1)))
    (one,) = found.findings
    assert one.check is Check.OUTLIER
    assert one.bars.sessions is not None
    assert one.bars.sessions[1].item() == (FIRST + timedelta(days=day)).date()


@pytest.mark.parametrize("day", range(258, 263))
def test_a_split_is_found_once_wherever_the_years_are_cut(day: int) -> None:
    bars = times(walk(600), 0.5, slice(day, None))
    effective = (FIRST + timedelta(days=day)).date()
    (one,) = checked(bars).findings
    assert one.check is Check.SPLIT_SUSPECT
    assert checked(bars, splits=(effective,)).findings == ()


def test_a_recorded_split_is_no_excuse_for_adjusted_bars() -> None:
    bars = replace(times(walk(300), 0.5, slice(100, None)), adjustment=Adjustment.SPLIT)
    store = MemoryStore()
    store.commit(make_change(bars))
    effective = (FIRST + timedelta(days=100)).date()
    wish = Wish(adjustment=Adjustment.SPLIT)
    found = check_series(store, REGISTRY, bars.series, wish, splits=[effective])
    assert [one.check for one in found.findings] == [Check.SPLIT_SUSPECT]


def test_daily_bars_meet_their_minutes_to_the_last_day() -> None:
    opened = [FIRST + timedelta(minutes=k) for k in range(2 * 1_440)]
    minutes = make_bars(
        "BTC-USD", opened_at=opened, close=np.full(2_880, 50.0), volume=[1.0] * 2880
    )
    days = make_bars(
        "BTC-USD",
        Timeframe.DAILY,
        opened_at=[FIRST, FIRST + timedelta(days=1)],
        close=[50.0, 50.0],
        volume=[1_440.0, 1_400.0],
    )
    found = checked(minutes, days)
    (one,) = found.findings
    assert (one.check, one.figure) == (Check.CROSS_TIMEFRAME, pytest.approx(40 / 1_440))
    assert checked(minutes, days, wish=Wish(range=Range(end=date(2022, 1, 2)))).findings == ()


def test_only_the_range_asked_for_is_checked() -> None:
    bars = times(walk(300), 2.0, slice(100, 101))
    found = checked(bars, wish=Wish(range=Range(date(2022, 6, 1), date(2022, 7, 1))))
    assert (found.bars, found.findings) == (30, ())


def test_minutes_outside_of_trading_hours_are_not_judged() -> None:
    opened = [datetime(2024, 1, 2, 9, tzinfo=UTC) + timedelta(minutes=k) for k in range(390)]
    close = np.full(390, 100.0)
    close[50] = 900.0
    store = MemoryStore()
    store.commit(make_change(make_bars("AAPL", opened_at=opened, close=close)))
    series = SeriesKey("AAPL", Timeframe.MINUTE_1, Adjustment.RAW)
    found = check_series(store, REGISTRY, series, Wish())
    assert found.findings == ()


def test_bars_with_a_price_of_zero_are_told_and_do_not_spoil_the_rest() -> None:
    bars = times(walk(300), 0.0, slice(100, 101))
    found = checked(times(bars, 2.0, slice(200, 201)))
    assert [one.check for one in found.findings] == [Check.PRICES, Check.OUTLIER]


def test_series_are_listed_in_the_order_of_the_symbols() -> None:
    store = MemoryStore()
    store.commit(make_change(make_bars("MSFT"), make_bars("AAPL")))
    names = [one.symbol for one in series_to_check(store, ["MSFT", "AAPL"], Wish())]
    assert names == ["MSFT", "AAPL"]
    assert len(series_to_check(store, [], Wish())) == 2
    with pytest.raises(UnknownSymbolError, match="AAPL"):
        series_to_check(store, ["AAPLE"], Wish())


def test_checks_are_named_and_a_misspelt_one_is_refused() -> None:
    assert parse_checks(None) == STORED_CHECKS
    assert parse_checks(["outlier", "Split-Suspect", "outlier"]) == (
        Check.OUTLIER,
        Check.SPLIT_SUSPECT,
    )
    with pytest.raises(InputError, match="did you mean outlier"):
        parse_checks(["outliers"])

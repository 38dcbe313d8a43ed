"""Rules on prices and volumes of one series; figures are worked by hand or by pandas."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from simutrador_core.models.bars import F64, Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.analysis.quality.findings import Check, Severity
from simutrador_data.services.analysis.quality.outliers import SPIKE, WICK, find_outliers
from simutrador_data.services.analysis.quality.robust import robust_scale, runs_of
from simutrador_data.services.analysis.quality.split_suspects import find_split_suspects
from simutrador_data.services.analysis.quality.stale_prices import (
    find_stale_prices,
    most_repeats,
)
from simutrador_data.services.analysis.quality.volumes import find_impossible, find_zero_volume

RETURNS = np.cumsum(np.random.default_rng(3).normal(0, 0.01, 250))
WALK: F64 = np.round(100 * np.exp(RETURNS), 2).astype(np.float64)


def daily(close: F64, *, volume: float = 1000.0) -> Bars:
    return make_bars(timeframe=Timeframe.DAILY, close=close, volume=[volume] * len(close))


def with_session(bars: Bars) -> Bars:
    return replace(bars, sessions=bars.opened_at.view("datetime64[us]").astype("datetime64[D]"))


def altered(bars: Bars, **columns: dict[int, float]) -> Bars:
    changed = {name: getattr(bars, name).copy() for name in columns}
    for name, values in columns.items():
        for at, value in values.items():
            changed[name][at] = value
    return replace(bars, **changed)


def test_the_robust_scale_is_that_of_pandas() -> None:
    values = pd.Series(np.random.default_rng(1).standard_t(3, 500))
    expected = 1.4826 * (values - values.median()).abs().median()
    assert robust_scale(np.asarray(values, dtype=np.float64)) == pytest.approx(expected)


def test_where_most_values_are_equal_the_mean_deviation_stands_in() -> None:
    assert robust_scale(np.array([0.0, 0.0, 0.0, 1.0])) == pytest.approx(1.2533 * 0.25)
    assert robust_scale(np.zeros(9)) == 0.0
    assert robust_scale(np.empty(0)) == 0.0


def test_runs_are_half_open() -> None:
    assert runs_of(np.array([True, False, True, True])) == [(0, 1), (2, 4)]
    assert runs_of(np.zeros(3, dtype=np.bool_)) == []


def test_a_price_that_jumps_and_comes_back_is_an_outlier() -> None:
    bad = WALK.copy()
    bad[100] *= 2
    (found,) = find_outliers(daily(bad))

    returns = pd.Series(np.log(bad)).diff().dropna()
    scale = 1.4826 * (returns - returns.median()).abs().median()
    assert found.figure == pytest.approx(min(returns[100], -returns[101]) / scale)
    assert (found.check, found.limit) == (Check.OUTLIER, SPIKE)
    assert found.bars.close.tolist() == bad[99:102].tolist()


def test_a_price_that_jumps_and_stays_is_none() -> None:
    moved = WALK.copy()
    moved[100:] *= 2
    assert list(find_outliers(daily(moved))) == []


def test_a_small_move_in_a_very_quiet_market_is_none() -> None:
    ticks = np.random.default_rng(2).integers(-1, 2, 300)
    quiet: F64 = (100 + 0.01 * ticks).astype(np.float64)
    quiet[50] = 103.0  # 3 %: hundreds of deviations, and below 5 %
    assert list(find_outliers(daily(quiet))) == []


def test_the_night_is_no_return_of_a_minute() -> None:
    opened = [datetime(2024, 1, 2 + d, 15, m, tzinfo=UTC) for d in range(3) for m in range(60)]
    close = np.concatenate([WALK[:60], 1.5 * WALK[60:120], WALK[120:180]])
    close[60:120] = 1.5 * WALK[60:120]
    bars = with_session(make_bars(opened_at=opened, close=close))
    assert list(find_outliers(bars)) == []


def test_a_wick_far_outside_is_an_outlier() -> None:
    whole = daily(WALK)
    bars = replace(whole, high=WALK * 1.01, low=WALK * 0.99)
    (found,) = find_outliers(altered(bars, low={70: WALK[70] * 0.5}))
    assert (found.check, found.limit) == (Check.OUTLIER, WICK)
    assert found.bars.low.tolist() == [WALK[70] * 0.5]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_bars_to_judge_are_not_judged(count: int) -> None:
    bars = daily(WALK[:count])
    assert list(find_outliers(bars)) == []
    assert list(find_split_suspects(bars)) == []
    assert list(find_stale_prices(bars)) == []
    assert list(find_zero_volume(bars)) == []


def test_a_split_that_nobody_recorded_is_suspected() -> None:
    halved = WALK.copy()
    halved[120:] /= 2
    bars = daily(halved)
    (found,) = find_split_suspects(bars)

    assert found.check is Check.SPLIT_SUSPECT
    assert "(2:1)" in found.rule
    # Opens are closes here: the open of day 120 is its close, 2:1 but for the day's own return.
    assert found.figure == pytest.approx(abs(np.log(WALK[120] / WALK[119])))
    assert bars.sessions is not None
    assert list(find_split_suspects(bars, [bars.sessions[120].item()])) == []
    other_day = bars.sessions[120].item() + timedelta(days=5)
    assert len(list(find_split_suspects(bars, [other_day]))) == 1


def test_prices_in_pence_from_a_day_on_are_suspected() -> None:
    pence = WALK.copy()
    pence[120:] *= 100
    (found,) = find_split_suspects(daily(pence))
    assert "(1:100)" in found.rule


def test_a_fall_of_a_fifth_and_a_spike_are_no_split() -> None:
    fallen, spiked = WALK.copy(), WALK.copy()
    fallen[120:] *= 0.8
    spiked[120] /= 2
    assert list(find_split_suspects(daily(fallen))) == []
    assert list(find_split_suspects(daily(spiked))) == []


def test_minutes_jump_between_sessions_alone() -> None:
    opened = [datetime(2024, 1, 2 + d, 15, m, tzinfo=UTC) for d in range(2) for m in range(30)]
    night, noon = WALK[:60].copy(), WALK[:60].copy()
    night[30:] /= 3
    noon[20:] /= 3
    bars = [with_session(make_bars(opened_at=opened, close=close)) for close in (night, noon)]
    (found,) = find_split_suspects(bars[0])
    assert "(3:1)" in found.rule
    assert list(find_split_suspects(bars[1])) == []


@pytest.mark.parametrize(
    ("timeframe", "limit"),
    [
        (Timeframe.MINUTE_1, 60),
        (Timeframe.MINUTE_5, 12),
        (Timeframe.HOUR_1, 5),
        (Timeframe.DAILY, 5),
        (Timeframe.WEEKLY, 5),
    ],
)
def test_an_hour_of_bars_may_repeat_a_price_and_five_at_least(
    timeframe: Timeframe, limit: int
) -> None:
    assert most_repeats(timeframe) == limit


@pytest.mark.parametrize(("repeats", "found"), [(5, 0), (6, 1)])
def test_a_price_that_stands_still_while_shares_trade_is_stale(repeats: int, found: int) -> None:
    still = WALK[:50].copy()
    still[10 : 11 + repeats] = 42.0  # the first one moves there, the others repeat it
    stale = list(find_stale_prices(daily(still)))
    assert len(stale) == found
    assert [one.figure for one in stale] == [repeats] * found


def test_a_price_stands_still_without_trades_and_is_not_stale() -> None:
    still = np.concatenate([WALK[:20], np.full(20, WALK[19])])
    volume = [1000.0] * 20 + [0.0] * 20
    bars = make_bars(timeframe=Timeframe.DAILY, close=still, volume=volume)
    assert list(find_stale_prices(bars)) == []
    # Of a source that never gives volume the price alone counts.
    assert len(list(find_stale_prices(replace(bars, volume=np.zeros(40))))) == 1


def test_a_price_that_moves_without_volume_is_an_error_and_else_a_warning() -> None:
    bars = make_bars(close=[10.0, 10.0, 10.0, 11.0, 11.0], volume=[5, 0, 0, 0, 9])
    moved, quiet = find_zero_volume(bars)
    assert (moved.severity, moved.bars.close.tolist()) == (Severity.ERROR, [11.0])
    assert (quiet.severity, quiet.figure, quiet.limit) == (Severity.WARNING, 2, 0)


def test_a_source_without_volume_is_not_judged_by_it() -> None:
    bars = make_bars("EUR/USD", close=[1.0, 1.1, 1.2], volume=[0, 0, 0])
    assert list(find_zero_volume(bars)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("high", 99.0), ("low", 101.0), ("low", 0.0), ("low", -1.0), ("volume", -1.0)],
)
def test_bars_that_contradict_themselves_are_found(column: str, value: float) -> None:
    bars = replace(daily(np.full(3, 100.0)), high=np.full(3, 101.0), low=np.full(3, 99.5))
    assert list(find_impossible(bars)) == []
    (found,) = find_impossible(altered(bars, **{column: {1: value}}))
    assert (found.check, found.figure, len(found.bars)) == (Check.PRICES, 1, 1)


def test_a_weekly_bar_holds_the_split_of_any_day_of_its_week() -> None:
    mondays = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=k) for k in range(20)]
    close = np.full(20, 100.0)
    close[10:] = 50.0
    bars = make_bars(timeframe=Timeframe.WEEKLY, opened_at=mondays, close=close)
    assert list(find_split_suspects(bars, [date(2024, 3, 14)])) == []  # Thursday of that week
    assert len(list(find_split_suspects(bars, [date(2024, 3, 25)]))) == 1

"""Every number against empyrical, against values worked by hand, and where it is not defined."""

from __future__ import annotations

import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest

from runs import DAY, FLAT, bars_of, buy, engine_of, rest, sell, send, started
from simutrador_core.models.enums import Timeframe
from simutrador_engine.performance import metrics
from simutrador_engine.performance.equity import equity_curve
from simutrador_engine.performance.metrics import performance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it reads settings of pandas that are going away
    import empyrical


@pytest.mark.parametrize("seed", range(20))
def test_ratios_equal_empyricals(seed: int) -> None:
    daily = np.random.default_rng(seed).normal(0.0005, 0.012, size=500)
    equity = 10_000 * np.concatenate([[1.0], np.cumprod(1 + daily)])
    steps = metrics.returns(equity)

    np.testing.assert_allclose(steps, daily, atol=1e-12)
    assert metrics.sharpe_ratio(steps) == pytest.approx(empyrical.sharpe_ratio(daily), rel=1e-9)
    assert metrics.sortino_ratio(steps) == pytest.approx(empyrical.sortino_ratio(daily), rel=1e-9)
    assert metrics.calmar_ratio(equity) == pytest.approx(empyrical.calmar_ratio(daily), rel=1e-9)
    assert metrics.annual_return(equity) == pytest.approx(empyrical.annual_return(daily), rel=1e-9)
    assert metrics.drawdown(equity).max() == pytest.approx(-empyrical.max_drawdown(daily), rel=1e-9)


def test_ratios_by_hand() -> None:
    # Returns +10 %, -5 %: mean 0.025, deviations +-0.075, variance 2 x 0.075^2 / 1.
    equity = np.array([100.0, 110.0, 104.5])
    steps = metrics.returns(equity)
    root = 252**0.5

    assert metrics.sharpe_ratio(steps) == pytest.approx(0.025 / (0.075 * 2**0.5) * root)
    assert metrics.sortino_ratio(steps) == pytest.approx(0.025 / (0.05**2 / 2) ** 0.5 * root)
    assert metrics.annual_return(equity) == pytest.approx(1.045**126 - 1)
    assert metrics.calmar_ratio(equity) == pytest.approx((1.045**126 - 1) / 0.05)
    np.testing.assert_allclose(metrics.drawdown(equity), [0.0, 0.0, 0.05], atol=1e-15)


def test_numbers_that_are_not_defined_are_absent() -> None:
    none = np.array([])
    assert metrics.sharpe_ratio(none) is None
    assert metrics.sharpe_ratio(np.array([0.1])) is None
    assert metrics.sharpe_ratio(np.array([0.01, 0.01, 0.01])) is None
    assert metrics.sortino_ratio(np.array([0.1])) is None
    assert metrics.sortino_ratio(np.array([0.1, 0.0, 0.2])) is None
    assert metrics.annual_return(np.array([100.0])) is None
    assert metrics.annual_return(np.array([100.0, 0.0])) is None
    assert metrics.calmar_ratio(np.array([100.0, 101.0])) is None
    assert metrics.win_rate([]) is None
    with pytest.raises(ValueError, match="equity"):
        metrics.drawdown(none)


def test_returns_that_differ_by_rounding_alone_do_not_vary() -> None:
    steps = metrics.returns(np.array([100 * 1.01**n for n in range(300)]))

    assert len(set(steps.tolist())) > 1
    assert metrics.sharpe_ratio(steps) is None


@pytest.mark.parametrize("steps", [0, 1])
def test_run_without_trades_has_no_ratios(steps: int) -> None:
    engine = engine_of(bars_of(*[FLAT] * steps))
    rest(engine)

    found = performance(engine)

    assert (found.final_equity, found.total_return, found.max_drawdown) == (1_000_000, 0.0, 0.0)
    assert (found.total_trades, found.win_rate, found.total_commission) == (0, None, 0)
    assert (found.sharpe_ratio, found.sortino_ratio, found.calmar_ratio) == (None, None, None)


def test_run_that_has_not_begun_has_its_starting_cash() -> None:
    engine = engine_of(bars_of(FLAT, FLAT))

    assert performance(engine).final_equity == 1_000_000
    np.testing.assert_array_equal(equity_curve(engine).equity, [1_000_000.0])


def test_ruined_account_has_a_drawdown_but_no_ratios() -> None:
    days = [f"{p} {p} {p} {p}" for p in (100, 100, 150, 200, 200, 100)]
    engine = engine_of(bars_of(*days, step=DAY, timeframe=Timeframe.DAILY), cash=Decimal(1_000))
    engine.advance()
    send(engine, sell(quantity=10))
    rest(engine)

    found = performance(engine)

    # Short 10 at 100: cash 2,000, equity 1,000, 500, 0, 0, 1,000.
    np.testing.assert_allclose(equity_curve(engine).equity, [1000, 1000, 500, 0, 0, 1000])
    assert found.max_drawdown == 1.0
    assert (found.sharpe_ratio, found.sortino_ratio, found.calmar_ratio) == (None, None, None)


def test_drawdown_inside_a_session_counts() -> None:
    engine = started(FLAT, FLAT, "90 90 90 90", "100 101 99 100", cash=Decimal(1_000))
    send(engine, buy())
    rest(engine)

    assert performance(engine).max_drawdown == pytest.approx(0.1)


def test_history_before_the_start_is_no_part_of_the_curve() -> None:
    days = [f"{p} {p} {p} {p}" for p in (50, 60, 100, 110, 104.5)]
    engine = engine_of(
        bars_of(*days, step=DAY, timeframe=Timeframe.DAILY), cash=Decimal(100), start=2 * DAY
    )
    send(engine, buy(quantity=1, limit_price=100))
    rest(engine)

    curve = equity_curve(engine)

    assert curve.at.tolist() == [2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY]
    np.testing.assert_allclose(curve.by_session(), [100, 100, 110, 104.5])


def test_decimal_context_of_the_caller_changes_no_number() -> None:
    engine = started(FLAT, "100.37 101 99 100", FLAT)
    send(engine, buy(quantity=1234))
    rest(engine)
    wanted = performance(engine)

    with localcontext() as strange:
        strange.prec = 3
        assert performance(engine) == wanted

"""SMA 10/20 on GOOG: figures other engines agree on, and backtesting.py trade by trade.

The bars come with PyPI's `backtesting`. Its final equity, and those of backtrader, vectorbt and
akquant fed with the same indicator values, are 19,477.70.
"""

from __future__ import annotations

import warnings
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from runs import engine_of
from simutrador_core.models.bars import F64, Bars
from simutrador_core.models.enums import Adjustment, Timeframe, TimeInForce
from simutrador_engine.drivers import on_bar, targets
from simutrador_engine.engine import Engine
from simutrador_engine.performance.equity import equity_curve
from simutrador_engine.performance.metrics import performance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its plotting library warns while it is imported
    import backtesting.lib
    from backtesting.test import GOOG


@cache
def goog() -> Bars:
    days = GOOG.index.to_numpy().astype("datetime64[D]")
    columns = [GOOG[name].to_numpy(dtype=np.float64) for name in ("Open", "High", "Low", "Close")]
    first, high, low, last = columns
    return Bars(
        "GOOG", Timeframe.DAILY, Adjustment.RAW, days.astype("datetime64[us]").astype(np.int64),
        first, high, low, last, GOOG["Volume"].to_numpy(dtype=np.float64), days,
    )  # fmt: skip


def average(closes: F64, length: int) -> F64:
    means = np.convolve(closes, np.ones(length) / length, mode="valid")
    return np.concatenate([np.full(length - 1, np.nan), means])


def wanted() -> F64:
    """Return units wanted after each close: 10 from a crossing above to the next one below."""
    fast, slow = average(goog().close, 10), average(goog().close, 20)
    above, below = fast > slow, fast < slow
    up = np.append(False, above[1:] & below[:-1])
    down = np.append(False, below[1:] & above[:-1])
    return np.where(up, 10.0, np.where(down, 0.0, np.nan))


def crossed(one: Any, other: Any) -> bool:
    return backtesting.lib.crossover(one, other)


class Crossing:
    """The same rule, decided bar by bar."""

    def __init__(self, units: F64) -> None:
        self.units = units
        self.last = 0.0

    def on_start(self, ctx: Any) -> None:
        """Nothing to prepare."""

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Nothing to note."""

    def on_bar(self, ctx: Any) -> None:
        units = self.units[len(ctx.bars["GOOG"]) - 1]
        if not np.isnan(units) and units != self.last:
            ctx.order_to("GOOG", int(units))
            self.last = units


def new_engine() -> Engine:
    return engine_of(goog(), cash=Decimal(10_000))


@cache
def played() -> Engine:
    engine = new_engine()
    targets.run({"GOOG": wanted()}, engine)
    return engine


@cache
def oracle() -> Any:
    fast, slow = average(goog().close, 10), average(goog().close, 20)

    class Oracle(backtesting.Strategy):
        def init(self) -> None:
            self.fast = self.I(lambda: fast, plot=False)
            self.slow = self.I(lambda: slow, plot=False)

        def next(self) -> None:
            if crossed(self.fast, self.slow) and not self.position:
                self.buy(size=10)
            elif crossed(self.slow, self.fast) and self.position:
                self.position.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return backtesting.Backtest(GOOG, Oracle, cash=10_000, finalize_trades=False).run()


def test_figures_are_those_other_engines_agree_on() -> None:
    found = performance(played())

    assert found.final_equity == Decimal("19477.70")
    assert found.total_trades == 46
    assert [p.quantity for p in played().account().positions] == [10]
    assert found.max_drawdown == pytest.approx(0.09033297, abs=5e-9)
    assert found.sharpe_ratio == pytest.approx(1.105610, abs=5e-7)


def test_every_trade_equals_the_oracles() -> None:
    theirs = oracle()["_trades"]
    closes = played().timeline.closes["GOOG"]

    assert len(theirs) == 46
    for own, (_, trade) in zip(played().portfolio.trades, theirs.iterrows(), strict=True):
        assert own.entry_at == goog().opened_at[trade["EntryBar"]]
        assert own.exit_at == goog().opened_at[trade["ExitBar"]]
        assert closes[trade["ExitBar"]] > own.exit_at
        assert (own.quantity, own.entry_price) == (trade["Size"], Decimal(str(trade["EntryPrice"])))
        assert own.exit_price == Decimal(str(trade["ExitPrice"]))
        assert float(own.pnl) == pytest.approx(trade["PnL"], abs=1e-9)


def test_equity_equals_the_oracles_at_every_close() -> None:
    theirs = oracle()["_equity_curve"]["Equity"].to_numpy()

    np.testing.assert_allclose(equity_curve(played()).equity, theirs, rtol=1e-12)


def test_bar_by_bar_and_columns_give_the_same_log() -> None:
    stepped = new_engine()
    on_bar.run(Crossing(wanted()), stepped)

    assert stepped.log.sha256() == played().log.sha256()
    assert stepped.log.to_bytes() == played().log.to_bytes()
    assert TimeInForce.GTC.encode() in stepped.log.to_bytes()

"""V7: money is exact, however many fills there were."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from runs import MINUTE, engine_of
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, OrderSide, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import MarketOrder, Submit
from simutrador_engine.models.events import Equity, Filled
from simutrador_engine.portfolio import portfolio
from simutrador_engine.portfolio.portfolio import Portfolio

ENGINE_FILLS = at_scale(10_000, 100_000)
LEDGER_FILLS = at_scale(30_000, 1_000_000)


class Floats:
    """Arithmetic as float64 does it."""

    def add(self, one: Decimal, other: Decimal) -> Decimal:
        return Decimal(repr(float(one) + float(other)))

    def subtract(self, one: Decimal, other: Decimal) -> Decimal:
        return Decimal(repr(float(one) - float(other)))

    def multiply(self, one: Decimal, other: Decimal) -> Decimal:
        return Decimal(repr(float(one) * float(other)))


def a_ledger_of_floats() -> Any:
    """Fault: cash is added up in float64."""
    return patch.object(portfolio, "LEDGER", Floats())


@pytest.mark.acceptance("V7", package="engine", breaks=a_ledger_of_floats)
def test_money_does_not_drift(figure: Callable[[str], None]) -> None:
    through_engine = fills_through_an_engine(ENGINE_FILLS)
    in_the_ledger = fills_in_a_ledger(LEDGER_FILLS)

    figure(f"{through_engine + in_the_ledger} fills, cash and fees equal to exact fractions")


def fills_through_an_engine(count: int) -> int:
    """Trade at every bar, with prices and lots that no float holds exactly."""
    random = np.random.default_rng(7)
    cents = 1_000 + np.cumsum(random.integers(-3, 4, size=count + 1)) % 700
    close = cents / 1000
    at = np.arange(count + 1, dtype=np.int64) * MINUTE
    bars = Bars("X", Timeframe.MINUTE_1, Adjustment.RAW, at, close, close, close, close, close)
    engine = engine_of(
        bars,
        commission_per_share=Decimal("0.0033"),
        slippage_bps=Decimal("7.5"),
        tick_sizes={"X": Decimal("0.001")},
        lot_sizes={"X": Decimal("0.1")},
    )
    cash, fees, units = Fraction(engine.config.cash), Fraction(0), Fraction(0)
    fills = 0
    for n, quantity in enumerate(random.integers(1, 50, size=count)):
        for event in engine.advance().events:
            if isinstance(event, Filled):
                signed = Fraction(event.quantity) * (1 if event.side == "buy" else -1)
                cash -= signed * Fraction(event.price) + Fraction(event.commission)
                fees, units = fees + Fraction(event.commission), units + signed
                fills += 1
            elif isinstance(event, Equity):
                assert Fraction(event.cash) == cash
        side = OrderSide.BUY if n % 2 else OrderSide.SELL
        engine.apply(Submit((MarketOrder(
            id=str(n), symbol="X", side=side, quantity=Decimal(int(quantity)) / 10,
        ),)))  # fmt: skip
    check_ledger(engine, cash, fees, units)
    return fills


def check_ledger(engine: Engine, cash: Fraction, fees: Fraction, units: Fraction) -> None:
    account = engine.account()
    assert Fraction(account.cash) == cash
    assert Fraction(account.commission_paid) == fees
    assert sum((Fraction(p.quantity) for p in account.positions), Fraction(0)) == units
    assert Fraction(account.equity) == cash + units * Fraction(engine.mark("X") or 0)


def fills_in_a_ledger(count: int) -> int:
    """Book fills alone; every trade's profit, and what is still open, must make up the cash."""
    ledger = Portfolio(Decimal(1_000_000), ("X",))
    random = np.random.default_rng(11)
    cash, fees = Fraction(1_000_000), Fraction(0)
    prices, sizes = random.integers(1, 10**6, count), random.integers(-300, 300, count)
    for n, (price, size) in enumerate(zip(prices.tolist(), sizes.tolist(), strict=True)):
        if not size:
            continue
        quantity, paid = Decimal(size) / 10, Decimal(price) / 10_000
        fee = abs(quantity) * Decimal("0.00333333").quantize(Decimal("1e-7"))
        ledger.book("X", quantity, paid, fee, at=n, step_at=n)
        cash -= Fraction(quantity) * Fraction(paid) + Fraction(fee)
        fees += Fraction(fee)
    assert Fraction(ledger.cash) == cash
    assert Fraction(ledger.commission_paid) == fees
    ledger.book("X", -ledger.quantity("X"), Decimal(1), Decimal(0), at=count, step_at=count)
    assert sum((Fraction(trade.fees) for trade in ledger.trades), Fraction(0)) == fees
    profit = sum((Fraction(trade.pnl) for trade in ledger.trades), Fraction(0))
    assert Fraction(1_000_000) + profit == Fraction(ledger.cash)
    return len(ledger.fills)

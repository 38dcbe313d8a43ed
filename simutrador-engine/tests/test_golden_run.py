"""Twenty ticks worked out by hand in docs/golden-run.md, to the cent and to the byte."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

import golden_run
from golden_run import GoldenCommand, GoldenRun
from runs import KINDS
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, OrderSide, Timeframe, TimeInForce
from simutrador_engine.drivers import on_bar
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Command, Replace, Submit, Until
from simutrador_engine.models.config import EngineConfig, FillPolicy
from simutrador_engine.performance.equity import equity_curve
from simutrador_engine.performance.metrics import performance


@cache
def page() -> GoldenRun:
    return golden_run.read()


def new_engine() -> Engine:
    run, given = page(), page().settings
    opened = np.array([run.opened_at(int(row["tick"])) for row in run.bars], dtype=np.int64)
    prices = [[float(row[n]) for n in ("open", "high", "low", "close")] for row in run.bars]
    first, high, low, last = np.array(prices).T
    bars = Bars(
        run.symbol, Timeframe.MINUTE_1, Adjustment.RAW, opened, first, high, low, last,
        np.ones(len(opened)),
    )  # fmt: skip
    config = EngineConfig(
        symbols=(run.symbol,),
        timeframe=Timeframe(given["timeframe"]),
        cash=Decimal(given["cash"]),
        commission_per_share=Decimal(given["commission_per_share"]),
        slippage_bps=Decimal(given["slippage_bps"]),
        policy=FillPolicy(given["policy"]),
        dataset_id=given["dataset_id"],
        seed=int(given["seed"]),
    )
    return Engine(config, {run.symbol: bars})


def to_command(given: GoldenCommand) -> Command:
    if given.action == "cancel":
        return Cancel(given.order_id)
    terms: dict[str, Any] = {
        name: TimeInForce(text) if name == "time_in_force" else Decimal(text)
        for name, text in given.terms.items()
    }
    if given.action == "replace":
        return Replace(order_id=given.order_id, **terms)
    kind: Any = KINDS["limit_price" in terms, "stop_price" in terms]
    terms = {"time_in_force": TimeInForce.GTC} | terms
    order = kind(id=given.order_id, symbol=page().symbol, side=OrderSide(given.action), **terms)
    return Submit((order,))


def commands_after(tick: int) -> list[Command]:
    return [to_command(given) for given in page().commands if given.tick == tick]


@cache
def played() -> Engine:
    engine = new_engine()
    for row in page().bars:
        engine.advance()
        for command in commands_after(int(row["tick"])):
            engine.apply(command)
    assert engine.is_over
    return engine


def test_page_has_twenty_ticks_and_every_kind_of_order() -> None:
    assert [row["tick"] for row in page().bars] == [str(n) for n in range(1, 21)]
    kinds = {(("limit_price" in c.terms), ("stop_price" in c.terms)) for c in page().commands}
    assert kinds >= set(KINDS)


def test_log_is_the_pages_byte_for_byte() -> None:
    assert played().log.to_bytes().decode().splitlines() == page().lines
    assert played().log.to_bytes() == page().log()


def test_header_carries_the_digest_of_the_settings() -> None:
    assert f'"config":"{page().digest()}"' in page().lines[0]


def test_account_after_each_tick_is_the_pages() -> None:
    engine = new_engine()
    for row in page().account:
        engine.advance()
        account = engine.account()
        units = sum((p.quantity for p in account.positions), Decimal(0))
        found = (account.cash, units, account.equity)
        assert found == (Decimal(row["cash"]), Decimal(row["units"]), Decimal(row["equity"])), row
        for command in commands_after(int(row["tick"])):
            engine.apply(command)
    assert engine.account().open_orders == ("g1",)


def test_equity_curve_is_the_pages() -> None:
    wanted = [float(row["equity"]) for row in page().account]

    np.testing.assert_allclose(equity_curve(played()).equity, wanted, atol=1e-9)


def test_round_trips_are_the_pages() -> None:
    found = [
        (t.quantity, t.entry_price, t.exit_price, t.fees, t.pnl) for t in played().portfolio.trades
    ]

    names = ("units", "entry", "exit", "fees", "pnl")
    assert found == [tuple(Decimal(row[name]) for name in names) for row in page().trades]


@pytest.mark.parametrize("name", list(golden_run.read().numbers))
def test_number_is_the_pages(name: str) -> None:
    found, wanted = getattr(performance(played()), name), page().numbers[name]

    if wanted is None or isinstance(found, Decimal):
        assert found == (None if wanted is None else Decimal(wanted))
    else:
        assert found == pytest.approx(float(wanted), abs=1e-12)


class Sending:
    """Sends the page's commands tick by tick."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tick = 0

    def on_start(self, ctx: Any) -> None:
        """Nothing to prepare."""

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Nothing to note."""

    def on_bar(self, ctx: Any) -> None:
        self.tick += 1
        for command in commands_after(self.tick):
            self.engine.apply(command)


def test_log_is_the_same_by_strategy_and_in_strides() -> None:
    driven, strides = new_engine(), new_engine()
    on_bar.run(Sending(driven), driven)
    for given in page().commands:
        strides.advance(Until(at=page().opened_at(given.tick + 1)))
        strides.apply(to_command(given))
    strides.advance(Until())

    assert driven.log.to_bytes() == page().log()
    assert strides.log.to_bytes() == page().log()

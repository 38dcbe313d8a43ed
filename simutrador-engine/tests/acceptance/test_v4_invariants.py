"""V4: what must hold after every event, whatever is sent and however time moves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from math import nan
from random import Random
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit import Audit
from simutrador_core.testing.acceptance import at_scale
from simutrador_engine import acceptance, desk, intake
from simutrador_engine.book import OrderState, WorkingOrder
from simutrador_engine.desk import Desk
from simutrador_engine.fills import costs, rules
from simutrador_engine.models.commands import BatchMode, Cancel, Replace, Submit, Until
from simutrador_engine.portfolio import portfolio
from worlds import World, last_price, make_daily_world, make_script, make_world, random_order

STEPS: Final = 50
RUNS: Final = at_scale(40, 2_000)
SEEDS: Final = at_scale(60, 1_000)
Plant = Callable[[], AbstractContextManager[object]]


class Trading(RuleBasedStateMachine):
    """Sends what a careless trader might, and audits every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    @initialize(seed=st.integers(0, 10_000))
    def open(self, seed: int) -> None:
        self.world = make_world(seed, sessions=2)
        self.engine = self.world.engine()
        self.audit = Audit(self.engine)

    @precondition(lambda self: not self.engine.is_over)
    @rule(bars=st.integers(1, 4), fill=st.booleans())
    def advance(self, bars: int, fill: bool) -> None:
        self.audit.check(self.engine.advance(Until(bars=bars, fill=fill)).events)

    @rule(
        seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=3),
        mode=st.sampled_from(BatchMode),
    )
    def submit(self, seeds: list[int], mode: BatchMode) -> None:
        orders = tuple(self.any_order(seed) for seed in seeds)
        self.audit.check(self.engine.apply(Submit(orders, mode)))

    def any_order(self, seed: int) -> Any:
        self.sent += 1
        return random_order(Random(seed), f"o{self.sent}", self.engine.now, self.world)

    @precondition(lambda self: self.sent)
    @rule(n=st.integers(0, 200), exit_=st.sampled_from(["", "/stop_loss", "/take_profit"]))
    def cancel(self, n: int, exit_: str) -> None:
        self.audit.check(self.engine.apply(Cancel(f"o{n % self.sent + 1}{exit_}")))

    @precondition(lambda self: self.sent)
    @rule(
        n=st.integers(0, 200),
        exit_=st.sampled_from(["", "/stop_loss", "/take_profit"]),
        name=st.sampled_from(["quantity", "limit_price", "stop_price"]),
        percent=st.integers(-6, 6),
    )
    def replace(self, n: int, exit_: str, name: str, percent: int) -> None:
        price = last_price(self.world, self.world.config.symbols[0], self.engine.now)
        value = Decimal(str(round(price * (1 + percent / 100), 2)))
        terms: Any = {name: Decimal(abs(percent)) if name == "quantity" else value}
        order_id = f"o{n % self.sent + 1}{exit_}"
        self.audit.check(self.engine.apply(Replace(order_id=order_id, **terms)))


def stop_fills_where_it_stands() -> Any:
    """Fault: a stop that is gapped through fills at its own price, where nobody traded."""

    def careless(buy: bool, stop: float, bar_open: float) -> float:
        return stop if (bar_open >= stop if buy else bar_open <= stop) else nan

    return patch.object(rules, "stop_at_open", careless)


@pytest.mark.acceptance("V4", package="engine", breaks=stop_fills_where_it_stands)
def test_invariants_hold_after_every_step(figure: Callable[[str], None]) -> None:
    run_state_machine_as_test(
        Trading, settings=settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None)
    )
    audited = sum(audit_script(seed, make_world(seed)) for seed in range(SEEDS))
    audited += sum(audit_script(seed, make_daily_world(seed)) for seed in range(SEEDS))
    figure(f"{RUNS * STEPS} steps and {audited} fills audited, 0 violations")


def audit_script(seed: int, world: World) -> int:
    """Audit one random script bar by bar and return how many fills it had."""
    script, engine = make_script(seed, world, orders=30), world.engine()
    audit = Audit(engine)
    while not engine.is_over:
        audit.check(engine.advance().events)
        for command in script.by_instant.get(engine.now, ()):
            audit.check(engine.apply(command))
    paid = sum((trade.fees for trade in engine.portfolio.trades), Decimal(0))
    assert paid <= engine.portfolio.commission_paid
    return audit.fills


# The auditor must see each of these; a fault it overlooks would make the test above worthless.


after_fill = Desk._after_fill


def twin_survives(self: Desk, order: WorkingOrder, at: int) -> None:
    order.sibling, twin = None, order.sibling
    after_fill(self, order, at)
    order.sibling = twin


def dead_rise(self: Desk, order: WorkingOrder, at: int) -> None:
    after_fill(self, order, at)
    for child in order.children:
        child.state = OrderState.ACCEPTED


FAULTS: Final[dict[str, Plant]] = {
    "both exits of a bracket may fill": lambda: patch.object(Desk, "_after_fill", twin_survives),
    "a cancelled exit comes back": lambda: patch.object(Desk, "_after_fill", dead_rise),
    "a bar under way fills": lambda: patch.object(
        Desk, "_queue_last", lambda self, order: setattr(order, "since", 0)
    ),
    "an exit takes its whole quantity": lambda: patch.object(
        Desk, "_only_closes", lambda self, order: False
    ),
    "slippage helps": lambda: patch.object(
        costs, "against_trader", lambda price, *, buy, tick: price * (Decimal(2) - buy)
    ),
    "a limit fills at the far end": lambda: patch.object(
        rules, "limit_inside",
        lambda buy, limit, high, low: (low - 1 if buy else high + 1)
        if (low <= limit if buy else high >= limit) else nan,
    ),
    "limits are ignored at the open": lambda: patch.object(
        rules, "limit_at_open", lambda buy, limit, bar_open: bar_open
    ),
    "cash is kept in cents": lambda: patch.object(
        portfolio, "to_cash", lambda amount: round(amount, 2)
    ),
    "fees are forgotten": lambda: patch.object(
        costs, "to_cash", lambda amount: Decimal(0)
    ),
    "short sales are never refused": lambda: patch.multiple(
        acceptance, check_short=lambda *a, **k: None
    ),
    "a dead order can be cancelled": lambda: patch.object(intake, "OPEN", frozenset(OrderState)),
    "prices are not the bar's": lambda: patch.object(
        desk, "to_exact", lambda price: Decimal(repr(price)) + 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_audit_sees_the_fault(fault: str) -> None:
    def audit_until_seen() -> None:
        for seed in range(500):
            audit_script(seed, make_world(seed))

    with FAULTS[fault](), pytest.raises((AssertionError, KeyError)):
        audit_until_seen()

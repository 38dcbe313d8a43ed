"""The policy decides only what a bar leaves open, in the direction its name says."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from runs import FLAT, buy, rest, sell, send, started, told
from simutrador_core.testing.acceptance import at_scale
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Order
from simutrador_engine.models.config import FillPolicy, ShortSelling
from worlds import World, make_world

RUNS = at_scale(300, 10_000)


def play(world: World, policy: FillPolicy, orders: dict[str, tuple[int, Order]]) -> Engine:
    """Return a run of one bracket a symbol, each sent at its own instant."""
    engine = World(replace(world.config, policy=policy), world.bars).engine()
    while not engine.is_over:
        engine.advance()
        for symbol, (at, order) in orders.items():
            if at == engine.now and engine.mark(symbol):
                send(engine, order)
    return engine


def test_pessimistic_never_ends_above_optimistic() -> None:
    # One market entry a symbol: it fills at an open, so that each doubt is stop or target, now.
    differ = doubts = 0
    for seed in range(RUNS):
        random = Random(seed)
        world = make_world(
            seed, symbols=3, sessions=1, cash=Decimal(10_000_000), start=None,
            leverage=Decimal(5), short_selling=ShortSelling.ALLOWED,
        )  # fmt: skip
        orders: dict[str, tuple[int, Order]] = {}
        for symbol in world.config.symbols:
            instants = world.engine().timeline.closes[symbol]
            if len(instants):
                orders[symbol] = int(random.choice(list(instants))), _bracket(world, symbol, random)

        worst = play(world, FillPolicy.PESSIMISTIC, orders)
        best = play(world, FillPolicy.OPTIMISTIC, orders)

        assert worst.account().equity <= best.account().equity, seed
        assert worst.ambiguous == best.ambiguous, seed
        assert (worst.ambiguous > 0) == (worst.account().equity < best.account().equity), seed
        differ += worst.account().equity < best.account().equity
        doubts += worst.ambiguous
    assert differ > RUNS // 20
    assert doubts >= differ


def _bracket(world: World, symbol: str, random: Random) -> Order:
    bars = world.bars[symbol]
    low, high = float(bars.low.min()), float(bars.high.max())
    below = Decimal(str(round(low + (high - low) * random.uniform(0.3, 0.49), 2)))
    above = Decimal(str(round(high - (high - low) * random.uniform(0.3, 0.49), 2)))
    if random.random() < 0.5:
        return buy(symbol, 100, symbol=symbol, stop_loss=below, take_profit=above)
    return sell(symbol, 100, symbol=symbol, stop_loss=above, take_profit=below)


def test_withheld_exit_may_later_do_better() -> None:
    """Each doubt is judged in its own bar: over a whole run an inside entry has no such order."""
    fills: dict[str, list[str]] = {}
    for policy in FillPolicy:
        engine = started(FLAT, "100 112 98 105", "130 131 129 130", policy=policy)
        send(engine, buy(limit_price=99, stop_loss=95, take_profit=110))
        fills[policy] = [text for text in told(rest(engine)) if "profit" in text]
        assert engine.ambiguous == 1

    assert fills["optimistic"] == ["fill a/take_profit 10 110 ambiguous"]
    assert fills["pessimistic"] == ["fill a/take_profit 10 130"]

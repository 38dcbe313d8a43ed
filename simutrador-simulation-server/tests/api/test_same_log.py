"""One run, three ways: bar by bar in process, as columns in process, over a socket.

The same commands must give the same event log, byte for byte; its hash is in `simulation_end`.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.websocket import CreateAndStartRequest
from simutrador_core.testing.acceptance import Scale, acceptance_scale
from simutrador_engine.drivers import on_bar, targets
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Command, Order, Replace, Submit
from simutrador_server.simulation.setup import make_engine
from venue_fixtures import PRINCIPAL, START, Served, hear, hear_until, minute_bars, say, served

pytestmark = pytest.mark.integration

TICKS = 20
SCRIPTS = {Scale.CI: 50, Scale.FULL: 500}
ASK: dict[str, Any] = {
    **START,
    "slippage_bps": 3,
    "commission_per_share": "0.01",
    "flow_control": True,
}


class RandomTrader:
    """Sends whatever its seed says: all order types, brackets, cancels and replacements."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.symbols = names(seed)

    def on_start(self, ctx: Any) -> None:
        self.sent: list[str] = []

    def on_fill(self, ctx: Any, fill: Any) -> None: ...

    def on_bar(self, ctx: Any) -> None:
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            self.act(ctx)

    def act(self, ctx: Any) -> None:
        roll = self.random.random()
        if self.sent and roll < 0.15:
            ctx.cancel(self.random.choice(self.sent))
        elif self.sent and roll < 0.3:
            ctx.replace(self.random.choice(self.sent), quantity=self.random.randint(1, 50))
        else:
            self.order(ctx)

    def order(self, ctx: Any) -> None:
        def near() -> str:
            return str(Decimal(self.random.randint(9600, 10400)) / 100)

        terms: dict[str, Any] = {}
        for name in ("limit_price", "stop_price"):
            if self.random.random() < 0.4:
                terms[name] = near()
        buy = self.random.random() < 0.5
        if self.random.random() < 0.4:
            low, high = "93.50", "106.50"
            terms |= {"stop_loss": low if buy else high, "take_profit": high if buy else low}
        symbol = self.random.choice(self.symbols)
        send = ctx.buy if buy else ctx.sell
        self.sent.append(send(symbol, self.random.randint(1, 300), **terms))


class FollowTargets:
    """Trades towards a column of targets, as the array driver does."""

    def __init__(self, symbol: str, column: Any) -> None:
        self.symbol = symbol
        self.column = column
        self.step = 0

    def on_start(self, ctx: Any) -> None: ...

    def on_fill(self, ctx: Any, fill: Any) -> None: ...

    def on_bar(self, ctx: Any) -> None:
        target = self.column[self.step]
        if not np.isnan(target):
            ctx.order_to(self.symbol, Decimal(str(target)))
        self.step += 1


def names(seed: int) -> list[str]:
    """Return the two symbols of a seed, so that one venue holds the bars of all."""
    letters = "".join(chr(ord("A") + int(digit)) for digit in f"{seed:03}")
    return [f"A{letters}", f"M{letters}"]


def random_bars(seed: int) -> tuple[Bars, Bars]:
    """Return bars that wander in cents, the second symbol's some minutes later."""
    random = Random(seed)

    def rows() -> list[tuple[float, float, float, float]]:
        cents, made = 10_000, list[tuple[float, float, float, float]]()
        for _ in range(TICKS):
            opened = cents + random.randint(-120, 120)
            cents = opened + random.randint(-150, 150)
            top, low = max(opened, cents), min(opened, cents)
            extremes = top + random.randint(0, 90), low - random.randint(0, 90)
            made.append((opened / 100, extremes[0] / 100, extremes[1] / 100, cents / 100))
        return made

    first, second = names(seed)
    return minute_bars(first, rows()), minute_bars(second, rows()[: TICKS - 2], skip=2)


def ask(seed: int) -> dict[str, Any]:
    return {**ASK, "symbols": names(seed)}


def engine_of(venue: Served, seed: int) -> Engine:
    """Return the engine that the venue would make for the same request."""
    request = CreateAndStartRequest.model_validate(ask(seed))
    loader = venue.venue.loader
    return make_engine(request, loader.material(request), venue.venue.defaults)


async def over_the_socket(venue: Served, seed: int, commands: list[tuple[int, Command]]) -> str:
    """Send the commands at the ticks they belong to and return the log's hash."""
    due: dict[int, list[Command]] = defaultdict(list)
    for at, command in commands:
        due[at].append(command)
    token = venue.venue.door.tokens.issue(PRINCIPAL)
    async with venue.connect(token) as socket:
        await say(socket, "start_simulation", ask(seed))
        while True:
            message = (await hear_until(socket, "tick"))[-1] if due else await hear(socket)
            if message.type == "simulation_end":
                return message.data.log_sha256
            if message.type != "tick":
                continue
            for n, command in enumerate(due.pop(to_us(message.data.sim_time), [])):
                await say(socket, *wire(command, n))
            number = message.data.sequence_id
            await say(socket, "tick_ack", {"sequence_id": number, "processing_status": "ready"})


def wire(command: Command, n: int) -> tuple[str, dict[str, Any]]:
    """Return the message that stands for a command."""
    match command:
        case Submit():
            orders = [wire_order(order) for order in command.orders]
            return "order_batch", {
                "batch_id": f"b{n}",
                "orders": orders,
                "execution_mode": command.mode.value,
            }
        case Cancel():
            return "cancel_order", {"order_id": command.order_id}
        case Replace():
            return "replace_order", {
                "order_id": command.order_id,
                "quantity": str(command.quantity),
            }


def wire_order(order: Order) -> dict[str, Any]:
    limit, stop = getattr(order, "limit_price", None), getattr(order, "stop_price", None)
    kinds = {(False, False): "market", (True, False): "limit", (False, True): "stop"}
    given = {
        "price": limit,
        "stop_price": stop,
        "stop_loss": order.stop_loss,
        "take_profit": order.take_profit,
    }
    return {
        "order_id": order.id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": kinds.get((limit is not None, stop is not None), "stop_limit"),
        "quantity": str(order.quantity),
        "time_in_force": order.time_in_force.value,
        **{name: str(price) for name, price in given.items() if price is not None},
    }


async def test_random_scripts_give_the_same_log_in_process_and_over_the_socket(
    tmp_path: Path,
) -> None:
    scripts, fills = SCRIPTS[acceptance_scale()], 0
    bars = [one for seed in range(scripts) for one in random_bars(seed)]
    async with served(tmp_path, *bars) as venue:
        for seed in range(scripts):
            engine = engine_of(venue, seed)
            ctx = on_bar.run(RandomTrader(seed), engine)
            assert await over_the_socket(venue, seed, ctx.commands) == engine.log.sha256()
            fills += len(engine.portfolio.fills)
    assert fills > 5 * scripts


async def test_targets_give_the_same_log_as_columns_bar_by_bar_and_over_the_socket(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, *(one for seed in range(5) for one in random_bars(seed))) as venue:
        for seed in range(5):
            random, symbol = Random(seed), names(seed)[0]
            column = np.array([random.choice([np.nan, -20, 0, 10, 35]) for _ in range(TICKS)])
            as_columns, by_bar = engine_of(venue, seed), engine_of(venue, seed)
            targets.run({symbol: column}, as_columns)
            ctx = on_bar.run(FollowTargets(symbol, column), by_bar)
            assert as_columns.log.to_bytes() == by_bar.log.to_bytes()
            assert await over_the_socket(venue, seed, ctx.commands) == by_bar.log.sha256()

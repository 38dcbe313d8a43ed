"""However a run is driven, the same commands give the same bytes."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from runs import FLAT, MINUTE, bars_of, engine_of
from simutrador_core.errors import InputError
from simutrador_core.models.bars import F64
from simutrador_core.testing.acceptance import at_scale
from simutrador_engine import engine as engine_module
from simutrador_engine.drivers import on_bar, targets
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Command, Order, Replace, Submit, Until
from worlds import Script, World, make_script, make_world, play

EVENT_TYPES = {
    "accepted", "rejected", "triggered", "filled", "cancelled", "replaced", "expired", "equity",
}  # fmt: skip
SCRIPTS = at_scale(500, 5_000)
TARGETS = at_scale(100, 1_000)


class Scripted:
    """A strategy that sends the commands of a script in its own words."""

    def __init__(self, script: Script) -> None:
        self.script = script

    def on_start(self, ctx: Any) -> None:
        """Nothing to prepare."""

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Nothing to note."""

    def on_bar(self, ctx: Any) -> None:
        at = round(ctx.now.timestamp() * 1_000_000)
        for command in self.script.by_instant.get(at, ()):
            self.send(ctx, command)

    def send(self, ctx: Any, command: Command) -> None:
        match command:
            case Cancel(order_id):
                ctx.cancel(order_id)
            case Replace():
                names = ("quantity", "limit_price", "stop_price")
                terms = {n: getattr(command, n) for n in names if getattr(command, n) is not None}
                ctx.replace(command.order_id, **terms)
            case Submit((order,)):
                act = ctx.buy if order.side == "buy" else ctx.sell
                assert act(order.symbol, order.quantity, **terms_of(order)) == order.id
            case _:
                pytest.fail(f"no words for {command}")


def terms_of(order: Order) -> dict[str, Any]:
    names = ("time_in_force", "limit_price", "stop_price", "stop_loss", "take_profit")
    found = {name: getattr(order, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def play_in_slices(world: World, script: Script, random: Random) -> Engine:
    """Return the engine after a run in strides of every kind between the commands."""
    engine = world.engine()
    for stop in sorted({*script.by_instant, int(engine.timeline.instants[-1])}):
        while engine.now < stop:
            bars = random.choice([None, 1, 2, 7])
            engine.advance(
                Until(
                    bars=bars,
                    at=random.choice([stop, min(stop, engine.now + 3 * MINUTE + 1), stop]),
                    fill=random.random() < 0.5,
                )
            )
        for command in script.by_instant.get(stop, ()):
            engine.apply(command)
    return engine


def test_random_scripts_give_the_same_log_through_every_driver() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(SCRIPTS):
        world = make_world(seed)
        script = make_script(seed, world)
        wanted = play(world, script)
        lines = wanted.log.to_bytes().decode().splitlines()[1:]
        kinds.update([line.split('"type":"')[1].split('"')[0] for line in lines])

        driven = world.engine()
        ctx = on_bar.run(Scripted(script), driven)
        replayed = world.engine()
        for at, command in ctx.commands:
            replayed.advance(Until(at=at))
            replayed.apply(command)
        replayed.advance(Until())
        sliced = play_in_slices(world, script, Random(seed))

        for name, engine in (("on_bar", driven), ("replay", replayed), ("slices", sliced)):
            assert engine.log.sha256() == wanted.log.sha256(), (seed, name)
            assert engine.account() == wanted.account(), (seed, name)
            assert engine.ambiguous == wanted.ambiguous, (seed, name)
    # The scripts are worth something only if they make everything happen.
    assert set(kinds) == EVENT_TYPES
    assert min(kinds.values()) > SCRIPTS // 10, kinds


class Aiming:
    """A strategy that asks for a position whenever its target changes."""

    def __init__(self, columns: dict[str, F64], engine: Engine) -> None:
        self.columns = columns
        self.rows = {int(at): n for n, at in enumerate(engine.timeline.instants)}
        self.last = dict.fromkeys(columns, 0.0)

    def on_start(self, ctx: Any) -> None:
        """Nothing to prepare."""

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Nothing to note."""

    def on_bar(self, ctx: Any) -> None:
        row = self.rows[round(ctx.now.timestamp() * 1_000_000)]
        for symbol, column in self.columns.items():
            given = column[: row + 1][~np.isnan(column[: row + 1])]
            if len(given) and given[-1] != self.last[symbol]:
                self.last[symbol] = given[-1]
                ctx.order_to(symbol, int(given[-1]))


def test_columns_of_targets_give_the_log_of_asking_bar_by_bar() -> None:
    for seed in range(TARGETS):
        world = make_world(seed)
        random = np.random.default_rng(seed)
        length = len(world.engine().timeline.instants)
        columns = {
            symbol: random.choice([np.nan] * 9 + [-20.0, 0.0, 10.0, 30.0], size=length)
            for symbol in world.config.symbols
        }
        by_columns, by_bar = world.engine(), world.engine()

        sent = targets.run(columns, by_columns).commands
        asked = on_bar.run(Aiming(columns, by_bar), by_bar).commands

        assert sent == asked, seed
        assert by_columns.log.sha256() == by_bar.log.sha256(), seed


def test_target_wanted_since_before_the_start_is_ordered_at_the_first_bar() -> None:
    engine = engine_of(bars_of(*[FLAT] * 5), start=2 * MINUTE)

    ctx = targets.run({"X": np.array([10.0, np.nan, np.nan, np.nan, np.nan])}, engine)

    assert [at for at, _ in ctx.commands] == [3 * MINUTE]
    assert [p.quantity for p in engine.account().positions] == [10]


def test_targets_that_do_not_fit_the_run_are_refused() -> None:
    engine = engine_of(bars_of(*[FLAT] * 5))
    with pytest.raises(InputError, match="shape"):
        targets.run({"X": np.zeros(4)}, engine)
    with pytest.raises(InputError, match="Y"):
        targets.run({"Y": np.zeros(5)}, engine)


def test_no_targets_replay_every_bar() -> None:
    engine = engine_of(bars_of(*[FLAT] * 5))
    targets.run({}, engine)

    assert engine.is_over
    assert len(engine.log) == 1


def test_target_that_is_no_number_of_units_is_refused_by_the_engine() -> None:
    engine = engine_of(bars_of(*[FLAT] * 3))
    targets.run({"X": np.array([np.inf, np.nan, 0.0])}, engine)

    assert b"invalid_quantity" in engine.log.to_bytes()
    assert engine.account().positions == ()


def test_passing_over_quiet_bars_changes_nothing() -> None:
    def every_step(*_: Any, first: int, last: int) -> int:
        return min(first, last)

    for seed in range(SCRIPTS // 5):
        world = make_world(seed)
        script = make_script(seed, world)
        wanted = play_in_slices(world, script, Random(seed))
        with patch.object(engine_module, "next_step", every_step):
            stepped = play_in_slices(world, script, Random(seed))

        assert stepped.log.sha256() == wanted.log.sha256(), seed
        assert stepped.ambiguous == wanted.ambiguous, seed

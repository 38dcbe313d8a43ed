"""V5: what happened up to an instant does not depend on any bar that closes after it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from simutrador_core.testing.acceptance import at_scale
from simutrador_engine.drivers import on_bar
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Until
from simutrador_engine.performance.metrics import performance
from worlds import Script, World, make_daily_world, make_script, make_world

CUTS = at_scale(200, 5_000)
original_seen = Engine.seen


def marks_peek_one_bar_ahead() -> Any:
    """Fault: positions are marked, and orders judged, at the close of the bar still to come."""

    def peeking(self: Engine, symbol: str) -> int:
        return min(original_seen(self, symbol) + 1, len(self.bars[symbol]))

    return patch.object(Engine, "seen", peeking)


@pytest.mark.acceptance("V5", package="engine", breaks=marks_peek_one_bar_ahead)
def test_cutting_the_data_leaves_everything_before_identical(figure: Callable[[str], None]) -> None:
    events = 0
    for seed in range(CUTS):
        world = make_daily_world(seed) if seed % 4 == 0 else make_world(seed, sessions=2)
        script = make_script(seed, world, orders=25)
        cut_at = _any_instant(world, Random(seed))

        whole, cut = world.engine(), world.cut(cut_at).engine()
        _play_until(whole, script, cut_at)
        _play_until(cut, script, cut_at)

        assert cut.log.to_bytes() == whole.log.to_bytes(), seed
        assert cut.account() == whole.account(), seed
        assert cut.now == whole.now <= cut_at, seed
        assert performance(cut) == performance(whole), seed
        events += len(cut.log) - 1
        _play_on(whole, script, cut_at)
        assert whole.log.to_bytes().startswith(cut.log.to_bytes()), seed
    figure(f"{CUTS} random cuts, {events} events before them identical")


def _any_instant(world: World, random: Random) -> int:
    """Return an instant at, or just beside, the close of some bar."""
    engine = world.engine()
    instants = engine.timeline.instants[engine.timeline.instants > engine.started_at]
    return int(random.choice(list(instants))) + random.choice([0, 0, 0, 1, 1_000_000])


def _play_until(engine: Engine, script: Script, instant: int) -> None:
    for at, command in script.all():
        if at <= instant:
            engine.advance(Until(at=at))
            engine.apply(command)
    engine.advance(Until(at=instant))


def _play_on(engine: Engine, script: Script, instant: int) -> None:
    for at, command in script.all():
        if at > instant:
            engine.advance(Until(at=at))
            engine.apply(command)
    engine.advance()


class Peeping:
    """A strategy that looks at everything it can reach."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.looks = 0

    def on_start(self, ctx: Any) -> None:
        self.look(ctx)

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Nothing to note."""

    def on_bar(self, ctx: Any) -> None:
        self.look(ctx)

    def look(self, ctx: Any) -> None:
        now = self.engine.now
        for symbol, bars in ctx.bars.items():
            closes = self.engine.timeline.closes[symbol]
            assert len(bars) == np.count_nonzero(closes <= now)
            assert bars.equals(self.engine.bars[symbol].take(slice(0, len(bars))))
            assert not bars.close.flags.writeable
            self.looks += 1
        assert list(ctx.bars) == list(self.engine.config.symbols)


def test_strategy_never_sees_a_bar_that_has_not_closed() -> None:
    for seed in range(20):
        engine = make_world(seed, sessions=1).engine()
        peeping = Peeping(engine)
        on_bar.run(peeping, engine)
        assert peeping.looks

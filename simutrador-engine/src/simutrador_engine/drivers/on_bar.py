"""Run a strategy that decides at every bar."""

from __future__ import annotations

from simutrador_core.interfaces.strategy import BarStrategy
from simutrador_engine.drivers.context import Context
from simutrador_engine.engine import Engine
from simutrador_engine.models.events import Filled


def run(strategy: BarStrategy, engine: Engine) -> Context:
    """Replay every bar, calling `on_fill` and then `on_bar` after each instant."""
    ctx = Context(engine)
    strategy.on_start(ctx)
    while not engine.is_over:
        for event in engine.advance().events:
            if isinstance(event, Filled):
                strategy.on_fill(ctx, event)
        strategy.on_bar(ctx)
    return ctx

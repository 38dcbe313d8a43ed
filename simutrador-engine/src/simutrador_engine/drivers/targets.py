"""Run a strategy that gives all its positions at once, as columns.

Orders come from changes of target; between changes the engine is asked to advance in one go. The
event log equals that of a strategy which calls `ctx.order_to` whenever its target changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simutrador_core.errors import InputError
from simutrador_core.models.bars import F64, BoolArray
from simutrador_engine.drivers.context import Context
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Until
from simutrador_engine.models.decimals import to_exact


def run(targets: Mapping[str, F64], engine: Engine) -> Context:
    """Replay every bar, sending market orders where a target changes.

    Args:
        targets: By symbol, float64 (instants,): units wanted after each instant of
            `engine.timeline`; nan keeps what was wanted before.
        engine: A fresh engine.

    Raises:
        InputError: a column's length is not the timeline's.
    """
    instants = engine.timeline.instants
    changed: dict[str, BoolArray] = {}
    for symbol, column in targets.items():
        if column.shape != instants.shape:
            raise InputError(f"targets of {symbol} have shape {column.shape}, not {instants.shape}")
        changed[symbol] = _changes(column)
    ctx = Context(engine)
    steps = np.logical_or.reduce(list(changed.values())) & (instants > engine.started_at)
    for step in np.flatnonzero(steps):
        engine.advance(Until(at=int(instants[step])))
        for symbol in engine.config.symbols:
            if symbol in changed and changed[symbol][step]:
                ctx.order_to(symbol, to_exact(targets[symbol][step]))
    engine.advance(Until())
    return ctx


def _changes(column: F64) -> BoolArray:
    """Return where a target is given and differs from the one given before (0 at the start)."""
    given = ~np.isnan(column)
    last = np.maximum.accumulate(np.where(given, np.arange(len(column)), -1))
    before = np.concatenate([[0.0], np.where(last >= 0, column[np.maximum(last, 0)], 0.0)[:-1]])
    return given & (column != before)

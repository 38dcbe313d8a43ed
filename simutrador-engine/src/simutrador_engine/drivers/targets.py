"""Run a strategy that gives all its positions at once, as columns.

Orders come from changes of target; between changes the engine is asked to advance in one go. The
event log equals that of a strategy which calls `ctx.order_to` whenever its target changes.
"""

from __future__ import annotations

import numpy as np

from simutrador_core.errors import InputError
from simutrador_core.interfaces.strategy import Targets
from simutrador_core.models.bars import F64, BoolArray
from simutrador_engine.drivers.context import Context
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Until
from simutrador_engine.models.decimals import to_exact


def run(targets: Targets, engine: Engine) -> Context:
    """Replay every bar, sending market orders where a target changes.

    Args:
        targets: By symbol, float64 (instants,): units wanted after each instant of
            `engine.timeline`; nan keeps what was wanted before, 0 at the start of the column.
        engine: A fresh engine.

    Raises:
        InputError: a column's length is not the timeline's, or its symbol is not traded.
    """
    instants = engine.timeline.instants
    first = int(np.searchsorted(instants, engine.started_at, side="right"))
    wanted: dict[str, F64] = {}
    changed: dict[str, BoolArray] = {}
    for symbol, column in targets.items():
        if symbol not in engine.bars:
            raise InputError(f"targets of {symbol}, which is not traded here", field="targets")
        if column.shape != instants.shape:
            raise InputError(f"targets of {symbol} have shape {column.shape}, not {instants.shape}")
        wanted[symbol] = _wanted(column)
        changed[symbol] = _changes(wanted[symbol], first)
    ctx = Context(engine)
    steps = np.logical_or.reduce(list(changed.values())) if changed else np.zeros(0)
    for step in np.flatnonzero(steps):
        engine.advance(Until(at=int(instants[step])))
        for symbol in engine.config.symbols:
            if symbol in changed and changed[symbol][step]:
                ctx.order_to(symbol, to_exact(wanted[symbol][step]))
    engine.advance(Until())
    return ctx


def _wanted(column: F64) -> F64:
    """Return the target in force at each step: the last one given, 0 before the first."""
    given = np.maximum.accumulate(np.where(np.isnan(column), -1, np.arange(len(column))))
    return np.where(given >= 0, column[np.maximum(given, 0)], 0.0)


def _changes(wanted: F64, first: int) -> BoolArray:
    """Return where a target changes; before step `first` nothing can be traded, so 0 is held."""
    before = np.concatenate([[0.0], wanted[:-1]])
    before[first : first + 1] = 0.0
    changed = wanted != before
    changed[:first] = False
    return changed

"""The equity curve of a run, worked out from its fills in one pass over columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simutrador_core.models.bars import D64, F64, I64
from simutrador_engine.engine import Engine


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """Account value at every instant replayed so far.

    The first value is the starting cash: at the configured start, or at the first bar's close,
    before which nothing can be traded. A run without a bar has this one value.

    Attributes:
        at: int64 (n,), microseconds UTC, ascending.
        equity: float64 (n,), account currency; positions at each symbol's last close.
        sessions: datetime64[D] (n,), the session (or UTC day) each instant belongs to.
    """

    at: I64
    equity: F64
    sessions: D64

    def by_session(self) -> F64:
        """Return the first value and then the last one of each session after it, float64 (m,)."""
        if len(self.equity) < 2:
            return self.equity
        days = self.sessions[1:]
        last = np.append(np.flatnonzero(days[1:] != days[:-1]), len(days) - 1)
        return np.concatenate([self.equity[:1], self.equity[1:][last]])


def equity_curve(engine: Engine) -> EquityCurve:
    """Return the equity curve of what an engine has replayed, from its start to now."""
    instants = engine.timeline.instants
    seen = instants[int(np.searchsorted(instants, engine.started_at, side="right")) :]
    seen = seen[: int(np.searchsorted(seen, engine.now, side="right"))]
    fills = engine.portfolio.fills
    booked = np.array([fill.step_at for fill in fills], dtype=np.int64)
    equity = np.full(len(seen), float(engine.config.cash))
    paid = np.array([float(fill.cash) for fill in fills])
    equity += _sum_until(booked, paid, seen)
    for symbol, bars in engine.bars.items():
        own = np.array([fill.symbol == symbol for fill in fills], dtype=np.bool_)
        if not own.any():
            continue
        units = np.array([float(fill.quantity) for fill in fills])[own]
        closes = engine.timeline.closes[symbol]
        row = np.searchsorted(closes, seen, side="right") - 1
        mark = np.where(row >= 0, bars.close[np.maximum(row, 0)], 0.0)
        equity += _sum_until(booked[own], units, seen) * mark
    if engine.config.start is not None or not len(seen):
        seen = np.concatenate([[engine.started_at], seen])
        equity = np.concatenate([[float(engine.config.cash)], equity])
    return EquityCurve(seen, equity, _sessions(engine, seen))


def _sum_until(at: I64, amounts: F64, instants: I64) -> F64:
    """Return the running sum of amounts booked at or before each instant."""
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    return total[np.searchsorted(at, instants, side="right")]


def _sessions(engine: Engine, at: I64) -> D64:
    schedule = engine.config.schedules.get(engine.config.symbols[0])
    if schedule is None or not len(schedule):
        return (at - 1).view("datetime64[us]").astype("datetime64[D]")
    # An instant is a bar's close, so it belongs to the session whose close is at or after it.
    row = np.minimum(np.searchsorted(schedule.closes, at), len(schedule) - 1)
    return schedule.sessions[row]

"""Puts a simulation together from what was asked and what was read."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import SessionState
from simutrador_core.models.websocket import ErrorCode, SessionData
from simutrador_engine.engine import Engine
from simutrador_server.simulation.conversation import Wanted
from simutrador_server.simulation.setup import Defaults, Material, Refusal, make_engine
from simutrador_server.simulation.simulation import Simulation
from simutrador_server.simulation.ticks import TickFeed


def make_simulation(
    wanted: Wanted, material: Material, defaults: Defaults, *, now: datetime
) -> Simulation:
    """Return a simulation that is ready to start, its first ticks rendered.

    Raises:
        InputError: the bars cannot be traded.
        Refusal: no bar is left to replay.
    """
    engine = make_engine(wanted.request, material, defaults)
    info = describe(wanted, material, engine, now=now)
    if not info.estimated_ticks:
        raise Refusal(ErrorCode.INVALID_DATE_RANGE, "no bar closes inside the range asked for")
    feed = TickFeed(engine)
    feed.body(len(engine.timeline.instants) - info.estimated_ticks)
    return Simulation(info, engine, feed)


def describe(wanted: Wanted, material: Material, engine: Engine, *, now: datetime) -> SessionData:
    """Return what `session_created` says."""
    request, config = wanted.request, engine.config
    instants = engine.timeline.instants
    ticks = instants[int(np.searchsorted(instants, engine.started_at, side="right")) :]
    warmup = {symbol: engine.seen(symbol) for symbol in config.symbols}
    opens = [
        int(bars.opened_at[warmup[symbol]])
        for symbol, bars in engine.bars.items()
        if warmup[symbol] < len(bars)
    ]
    return SessionData(
        session_id=wanted.session_id,
        state=SessionState.READY,
        symbols=list(config.symbols),
        symbols_loaded=list(config.symbols),
        start_date=request.start_date,
        end_date=request.end_date,
        start=request.start_date,
        end=request.end_date,
        timeframe=config.timeframe,
        initial_capital=config.cash,
        initial_cash=config.cash,
        created_at=now,
        data_provider=request.data_provider or "local",
        data_range_actual={"start": from_us(min(opens)), "end": from_us(int(ticks[-1]))}
        if len(ticks)
        else None,
        commission_per_share=config.commission_per_share,
        slippage_bps=float(config.slippage_bps),
        estimated_ticks=len(ticks),
        warmup_bars=sum(warmup.values()),
        adjustment=material.adjustment,
        warnings=list(material.warnings),
        dataset_id=config.dataset_id,
        user_id=wanted.user_id,
        metadata=request.metadata or {},
    )

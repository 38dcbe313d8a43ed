"""From what a client asked for to an engine that can start. Pure: the bars come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.models.websocket import (
    CreateAndStartRequest,
    ErrorCode,
    SimulationRequest,
)
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.utils.serialization import to_decimal
from simutrador_engine.engine import Engine
from simutrador_engine.models.config import EngineConfig, FillPolicy, ShortSelling
from simutrador_engine.timeline import bar_closes

CreateRequest = SimulationRequest | CreateAndStartRequest


class Refusal(Exception):  # noqa: N818 - an answer on its way to the client, not a fault
    """Why a request cannot be granted: a documented code, a text, and facts."""

    def __init__(self, code: ErrorCode, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a simulation gets where its request is silent; see the settings of the same names."""

    commission_per_share: Decimal = Decimal("0.005")
    slippage_bps: Decimal = Decimal(5)
    leverage: Decimal = Decimal(1)
    short_selling: ShortSelling = ShortSelling.ALLOWED
    policy: FillPolicy = FillPolicy.PESSIMISTIC
    tick_interval_ms: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a simulation is made of.

    Attributes:
        bars: By symbol, warm-up and replayed bars, one timeframe.
        schedules: By symbol, its exchange's sessions, from the first bar to beyond the last.
        tick_sizes: Least price steps that are known.
        lot_sizes: Least quantity steps that are known.
        dataset_id: Names exactly these bars.
        warnings: What is not as asked.
    """

    bars: Mapping[str, Bars]
    schedules: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    tick_sizes: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    lot_sizes: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    dataset_id: str = ""
    warnings: Sequence[str] = ()

    @property
    def adjustment(self) -> dict[str, Adjustment]:
        """By symbol, what its prices are corrected for."""
        return {symbol: bars.adjustment for symbol, bars in self.bars.items()}


def engine_config(request: CreateRequest, material: Material, defaults: Defaults) -> EngineConfig:
    """Return the configuration of a request; the same request and bars give the same digest."""
    fee, slippage = request.commission_per_share, request.slippage_bps
    return EngineConfig(
        symbols=tuple(material.bars),
        timeframe=Timeframe(request.timeframe),
        cash=request.initial_capital,
        commission_per_share=defaults.commission_per_share if fee is None else fee,
        slippage_bps=defaults.slippage_bps if slippage is None else to_decimal(slippage),
        policy=defaults.policy,
        short_selling=defaults.short_selling,
        leverage=defaults.leverage,
        tick_sizes=material.tick_sizes,
        lot_sizes=material.lot_sizes,
        schedules=material.schedules,
        dataset_id=material.dataset_id,
        start=history_end(material, to_us(request.start_date)),
    )


def make_engine(request: CreateRequest, material: Material, defaults: Defaults) -> Engine:
    """Return an engine that stands right before the first tick."""
    return Engine(engine_config(request, material, defaults), material.bars)


def history_end(material: Material, start_us: int) -> int | None:
    """Return the instant up to which bars are history, or None when there is none.

    Bars that open before the start are history. One of them may close after it: then the clock
    starts at its close, because an order sent at the start could otherwise fill at its open.
    """
    ends = [
        int(bar_closes(early, material.schedules.get(symbol))[-1])
        for symbol, bars in material.bars.items()
        if len(early := bars.take(slice(0, int(np.searchsorted(bars.opened_at, start_us)))))
    ]
    return max(start_us, *ends) if ends else None

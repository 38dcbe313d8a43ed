"""Starting and ending a simulation, which the wire calls a session."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from simutrador_core.models.enums import SessionState
from simutrador_core.models.fields import (
    AnyTimeframe,
    Bps,
    Capital,
    Fee,
    Instant,
    Money,
    Statistic,
    Symbol,
    WireModel,
)

Symbols = Annotated[list[Symbol], Field(min_length=1)]


class CreateSessionData(WireModel):
    """Data of `create_session`: make a simulation under an id of the client's choice."""

    session_id: str
    symbols: Symbols
    start: Instant
    end: Instant
    data_provider: str = "polygon"
    initial_cash: Capital

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} is not before end {self.end}")
        return self


class SimulationStartData(WireModel):
    """Data of `start_simulation` for a simulation made before: how its clock is driven."""

    flow_control: bool = True
    max_pending_ticks: int = Field(default=1, ge=1)


class StartSimulationRequest(WireModel):
    """Data of `start_simulation` as the client SDK sends it: create and start at once.

    Attributes:
        symbols: At least one.
        start_date: First instant simulated.
        end_date: First instant no longer simulated, after `start_date`.
        initial_capital: Cash at the start, above zero.
        timeframe: Of the bars replayed.
        warmup_bars: How many bars before `start_date` the history snapshot holds.
        adjusted: Whether prices are corrected for splits and dividends.
        data_provider: Whose bars; None means the server's own choice.
        commission_per_share: Money a unit; None means the server's default.
        slippage_bps: None means the server's default.
        metadata: The client's own notes, given back unread.
    """

    symbols: Symbols
    start_date: Instant
    end_date: Instant
    initial_capital: Capital
    timeframe: AnyTimeframe
    warmup_bars: int = Field(ge=0)
    adjusted: bool = True
    data_provider: str | None = None
    commission_per_share: Fee | None = None
    slippage_bps: Bps | None = None
    metadata: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_date >= self.end_date:
            raise ValueError(f"start_date {self.start_date} is not before end_date {self.end_date}")
        return self


class SessionCreatedData(WireModel):
    """Data of `session_created` as the written specification has it."""

    session_id: str
    estimated_ticks: int = Field(ge=0)
    symbols_loaded: list[str]
    data_range_actual: dict[str, Any] | None = None
    server_ready: bool | None = None


class SessionCreatedResponseData(WireModel):
    """Data of `session_created` as the client SDK reads it."""

    session_id: str
    status: str = "created"
    symbols: list[str]
    start_date: Instant
    end_date: Instant
    initial_capital: Capital
    state: SessionState
    created_at: Instant
    data_provider: str
    commission_per_share: Fee
    slippage_bps: Bps | None = None


class SimulationStartedData(WireModel):
    """Data of `simulation_started`: the clock runs."""

    session_id: str
    started_at: Instant
    flow_control_enabled: bool
    estimated_duration_sec: Statistic | None = None
    tick_interval_ms: Statistic | None = None


class SimulationStatusData(WireModel):
    """Data of `simulation_paused` and its kin: the state a simulation is in."""

    session_id: str
    state: SessionState
    sim_time: Instant | None = None


class SimulationEndData(WireModel):
    """Data of `simulation_end`: the results. Fields ending in `_pct` are percent, not fractions."""

    session_id: str
    final_equity: Money
    total_trades: int = Field(ge=0)
    sharpe_ratio: Statistic | None = None
    total_return_pct: Statistic | None = None
    win_rate: Statistic | None = None
    max_drawdown_pct: Statistic | None = None
    simulation_duration_sec: Statistic | None = None

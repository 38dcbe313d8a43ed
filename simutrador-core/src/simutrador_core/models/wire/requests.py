"""What a client asks of a simulation: the published requests, completed and in both spellings."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AliasChoices, Field, model_validator

from simutrador_core.models.enums import Timeframe
from simutrador_core.models.fields import (
    AnyTimeframe,
    Bps,
    Capital,
    Fee,
    Instant,
    Symbol,
    WireModel,
)
from simutrador_core.models.wire.market import TickAckData

_SYMBOLS = Annotated[list[Symbol], Field(min_length=1)]


class SimulationTerms(WireModel):
    """What both ways of making a simulation ask for; both spellings are read.

    Attributes:
        symbols: At least one.
        start_date: First instant simulated; also read as `start`.
        end_date: First instant no longer simulated; also read as `end`.
        initial_capital: Cash at the start, above zero; also read as `initial_cash`.
        session_id: An id of the client's choice; the server makes one when absent.
        adjusted: Whether prices corrected for splits and dividends are preferred.
        data_provider: Given back; the server replays the bars it has.
        commission_per_share: Money a unit; None means the server's default.
        slippage_bps: None means the server's default.
        metadata: The client's own notes, given back unread.
    """

    symbols: _SYMBOLS
    start_date: Annotated[Instant, Field(validation_alias=AliasChoices("start_date", "start"))]
    end_date: Annotated[Instant, Field(validation_alias=AliasChoices("end_date", "end"))]
    initial_capital: Annotated[
        Capital, Field(validation_alias=AliasChoices("initial_capital", "initial_cash"))
    ]
    session_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
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


class SimulationRequest(SimulationTerms):
    """Data of `create_session`: daily bars without history unless it says more."""

    timeframe: AnyTimeframe = Timeframe.DAILY
    warmup_bars: int = Field(default=0, ge=0, le=100_000)


class ClockRequest(WireModel):
    """How the clock of a simulation is driven.

    Attributes:
        flow_control: Whether each tick waits for the acknowledgement of those before it; None
            means yes for a simulation made before, no for one made and started at once.
        max_pending_ticks: How many ticks may be unacknowledged.
        tick_interval_ms: Least milliseconds between ticks without flow control.
    """

    flow_control: bool | None = None
    max_pending_ticks: int = Field(default=1, ge=1, le=100_000)
    tick_interval_ms: float | None = Field(default=None, ge=0, le=60_000, allow_inf_nan=False)


class StartCreatedRequest(ClockRequest):
    """Data of a `start_simulation` for a simulation made before.

    `session_id` None means the one made last on this connection.
    """

    session_id: str | None = None


class CreateAndStartRequest(SimulationTerms, ClockRequest):
    """Data of a `start_simulation` that creates, too.

    Attributes:
        timeframe: Of the bars replayed.
        warmup_bars: How many bars before `start_date` the history snapshot holds.
    """

    timeframe: AnyTimeframe
    warmup_bars: int = Field(ge=0, le=100_000)


class TickAckRequest(TickAckData):
    """Data of `tick_ack`; `session_id` is needed only where a connection runs several."""

    session_id: str | None = None


class SessionRequest(WireModel):
    """Data of requests about one simulation; None means the one made last on this connection."""

    session_id: str | None = None


class NamedSessionRequest(WireModel):
    """Data of `get_session` and `delete_session`."""

    session_id: str


class NoData(WireModel):
    """Data of `ping` and `list_sessions`: nothing."""

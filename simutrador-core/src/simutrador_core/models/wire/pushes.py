"""What a server says about a simulation: the published data, each with `session_id` and `seq`.

`seq` counts everything a simulation sends, from 1 and without a hole, so that nothing is lost
unnoticed. Direct answers carry it too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from simutrador_core.models.enums import Adjustment, OrderSide, SessionState
from simutrador_core.models.fields import (
    AnyTimeframe,
    Bps,
    Capital,
    Fee,
    Instant,
    Money,
    PositiveQuantity,
    Price,
    Quantity,
    Statistic,
    Symbol,
    WireModel,
)
from simutrador_core.models.wire.account import PositionData
from simutrador_core.models.wire.market import HistorySnapshotData, TickData
from simutrador_core.models.wire.orders import BatchAckData, ExecutionReportData
from simutrador_core.models.wire.simulation import (
    SimulationEndData,
    SimulationStartedData,
    SimulationStatusData,
)


class Numbered(WireModel):
    """Which simulation speaks, and its how-manyeth message this is."""

    session_id: str
    seq: int = Field(ge=1)


class SessionData(WireModel):
    """Data of `session_data`, and of each entry of `sessions_list`.

    Attributes:
        session_id: The simulation.
        status: `created`, always; older clients read it.
        state: Where it is in its life.
        symbols: What it trades, canonical.
        symbols_loaded: The same; the written specification's name.
        start_date: First instant simulated; `start` is the same.
        end_date: First instant no longer simulated; `end` is the same.
        timeframe: Of the bars replayed.
        initial_capital: Cash at the start; `initial_cash` is the same.
        created_at: When it was made.
        data_provider: As asked.
        data_range_actual: When the first bar replayed opens and the last one closes.
        commission_per_share: Money a unit.
        slippage_bps: Worsening of market and stop fills.
        estimated_ticks: How many ticks it has.
        warmup_bars: How many bars of history it has, all symbols together.
        adjustment: By symbol, what the replayed prices are corrected for.
        warnings: What is not as asked, such as raw prices where adjusted ones were wanted.
        dataset_id: Names the exact bars.
        user_id: Whose it is.
        metadata: The client's own notes.
        server_ready: Whether it can be started.
    """

    session_id: str
    status: str = "created"
    state: SessionState
    symbols: list[str]
    symbols_loaded: list[str]
    start_date: Instant
    end_date: Instant
    start: Instant
    end: Instant
    timeframe: AnyTimeframe
    initial_capital: Capital
    initial_cash: Capital
    created_at: Instant
    data_provider: str
    data_range_actual: dict[str, Any] | None = None
    commission_per_share: Fee
    slippage_bps: Bps
    estimated_ticks: int = Field(ge=0)
    warmup_bars: int = Field(ge=0)
    adjustment: dict[str, Adjustment]
    warnings: list[str] = Field(default_factory=list[str])
    dataset_id: str
    user_id: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    server_ready: bool = True


class SessionCreatedPush(SessionData, Numbered):
    """Data of `session_created`: the fields of both published forms."""


class SimulationStartedPush(SimulationStartedData, Numbered):
    """Data of `simulation_started`; `max_pending_ticks` is None without flow control."""

    session_id: str
    max_pending_ticks: int | None = None


class HistorySnapshotPush(HistorySnapshotData, Numbered):
    """Data of `history_snapshot`."""

    session_id: str


class TickPush(TickData, Numbered):
    """Data of `tick`; `candles` holds the symbols that had a bar closing at `sim_time`."""


class BatchAckPush(BatchAckData, Numbered):
    """Data of `batch_ack`; `rejection_codes` says in a word what `rejected_orders` says in full.

    `estimated_fills` is always empty: the only price that could fill it lies in the future.
    """

    rejection_codes: dict[str, str] = Field(default_factory=dict)


class ExecutionReportPush(ExecutionReportData, Numbered):
    """Data of `execution_report`.

    Attributes:
        side: Of the order.
        execution_time: The bar's open for a fill there, else its close; `timestamp` is the same.
        is_partial: Whether the order rests on.
        remaining_quantity: Units not filled yet.
        fill_reason: Which rule made the price; `reason` is the same.
        bar_price: Price before slippage, inside the bar.
        ambiguous: Whether the bar did not tell what happened and a policy decided.
        bar: The instant the bar opens.
    """

    side: OrderSide
    execution_time: Instant
    is_partial: bool
    remaining_quantity: Quantity
    fill_reason: str
    reason: str
    bar_price: Price
    ambiguous: bool
    bar: Instant


class PositionPush(PositionData):
    """A holding with its present value."""

    market_value: Money
    unrealized_pnl: Money


class AccountPush(Numbered):
    """Data of `account_snapshot` and `current_positions`.

    Attributes:
        sim_time: As of when.
        cash: Free money, possibly negative.
        equity: Total worth.
        buying_power: Exposure that new orders may still add.
        day_pnl: Change of equity in the present session.
        positions: What is held.
        open_orders: Ids of orders that can still change.
    """

    sim_time: Instant
    cash: Money
    equity: Money
    buying_power: Money
    day_pnl: Money
    positions: list[PositionPush]
    open_orders: list[str]


class OrderCancelledPush(Numbered):
    """Data of `order_cancelled`: asked for, or ended with its bracket, or its time ran out."""

    order_id: str
    symbol: Symbol
    status: Literal["cancelled", "expired"]
    reason: str
    remaining_quantity: Quantity
    time: Instant


class OrderReplacedPush(Numbered):
    """Data of `order_replaced`: the terms that hold now."""

    order_id: str
    symbol: Symbol
    revision: int = Field(ge=1)
    quantity: PositiveQuantity
    price: Price | None = None
    stop_price: Price | None = None
    time: Instant


class StatusPush(SimulationStatusData, Numbered):
    """Data of `simulation_paused` and `simulation_resumed`."""

    session_id: str


class SimulationEndPush(SimulationEndData, Numbered):
    """Data of `simulation_end`, always the last message of a simulation.

    Attributes:
        reason: `completed`.
        winning_trades: Round trips with a profit after fees.
        total_commission: Fees paid.
        sharpe: As `sharpe_ratio`; likewise `sortino` and `calmar`.
        ambiguous_fills: Fills that a policy decided because the bar did not tell.
        log_sha256: Hash of the event log.
        dataset_id: Names the exact bars.
        warnings: What is not as asked.
    """

    session_id: str
    reason: Literal["completed"] = "completed"
    winning_trades: int = Field(ge=0)
    total_commission: Fee
    sharpe: Statistic | None = None
    sortino: Statistic | None = None
    calmar: Statistic | None = None
    sortino_ratio: Statistic | None = None
    calmar_ratio: Statistic | None = None
    ambiguous_fills: int = Field(ge=0)
    log_sha256: str
    dataset_id: str
    warnings: list[str] = Field(default_factory=list[str])


class SessionsListData(WireModel):
    """Data of `sessions_list`, newest first."""

    sessions: list[SessionData]
    total_count: int = Field(ge=0)


class SessionDeletedData(WireModel):
    """Data of `session_deleted`."""

    session_id: str
    status: Literal["deleted"] = "deleted"

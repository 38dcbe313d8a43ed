"""Market data of a running simulation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simutrador_core.models.fields import AnyTimeframe, Instant, WireModel
from simutrador_core.models.price_data import PriceCandle

MarketPhase = Literal["pre_market", "regular", "after_hours"]


class HistorySnapshotData(WireModel):
    """Data of `history_snapshot`, sent once before the first tick: bars before the start.

    `count` is the number of candles of all symbols together.
    """

    session_id: str
    timeframe: AnyTimeframe
    candles: dict[str, list[PriceCandle]]
    start: Instant | None = None
    end: Instant | None = None
    count: int = Field(ge=0)


class TickData(WireModel):
    """Data of `tick`: the clock moved to `sim_time`, the close of the bars it carries."""

    sim_time: Instant
    sequence_id: int = Field(ge=0)
    timeframe: AnyTimeframe | None = None
    candles: dict[str, PriceCandle] | None = None
    market_session: MarketPhase | None = None
    symbols_trading: list[str] | None = None
    is_eod: bool | None = None


class TickAckData(WireModel):
    """Data of `tick_ack`: the client has seen a tick.

    Attributes:
        sequence_id: The tick.
        processing_status: `need_time` holds the clock for up to `max_wait_ms` more.
        orders_pending: How many orders the client will still send for this tick.
        max_wait_ms: Milliseconds.
    """

    sequence_id: int = Field(ge=0)
    processing_status: Literal["ready", "processing", "need_time"]
    orders_pending: int = Field(default=0, ge=0)
    max_wait_ms: int = Field(default=1000, ge=0)

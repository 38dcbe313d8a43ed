"""The account of a simulation, as the client sees it and as the server keeps it."""

from __future__ import annotations

from pydantic import Field

from simutrador_core.models.enums import OrderSide, OrderStatus, TimeInForce
from simutrador_core.models.fields import (
    Money,
    PositiveQuantity,
    Price,
    Quantity,
    Symbol,
    WireModel,
)


class PositionData(WireModel):
    """A holding: `quantity` is negative when short, `avg_cost` the average entry price."""

    symbol: Symbol
    quantity: Quantity
    avg_cost: Money


class AccountSnapshotData(WireModel):
    """Data of `account_snapshot`; `open_orders` are ids."""

    cash: Money
    equity: Money
    positions: list[PositionData] = Field(default_factory=list[PositionData])
    buying_power: Money | None = None
    day_pnl: Money | None = None
    open_orders: list[str] | None = None


class OpenOrderState(WireModel):
    """An order that rests in a simulation."""

    order_id: str
    symbol: Symbol
    side: OrderSide
    quantity: PositiveQuantity
    stop_loss: Price | None = None
    take_profit: Price | None = None
    status: OrderStatus = OrderStatus.OPEN


class SymbolPriceState(WireModel):
    """The last price of a symbol in a simulation."""

    symbol: Symbol
    last_price: Price


class PositionBracketState(WireModel):
    """The exits that protect a position."""

    symbol: Symbol
    side: OrderSide
    quantity: PositiveQuantity
    stop_loss: Price | None = None
    take_profit: Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY


class SessionTradingState(WireModel):
    """Everything a simulation's account consists of."""

    cash: Money
    positions: list[PositionData] = Field(default_factory=list[PositionData])
    open_orders: list[OpenOrderState] = Field(default_factory=list[OpenOrderState])
    last_prices: list[SymbolPriceState] = Field(default_factory=list[SymbolPriceState])
    trade_count: int = Field(default=0, ge=0)
    brackets: list[PositionBracketState] = Field(default_factory=list[PositionBracketState])

"""Orders, their acknowledgement and their executions."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simutrador_core.models.enums import OrderSide, TimeInForce, WSOrderType
from simutrador_core.models.fields import (
    Fee,
    Instant,
    PositiveQuantity,
    Price,
    Statistic,
    Symbol,
    WireModel,
)

_NEEDS_PRICE = frozenset({WSOrderType.LIMIT, WSOrderType.STOP_LIMIT})


class OrderData(WireModel):
    """One order.

    Attributes:
        order_id: Chosen by the client, unique in its simulation.
        symbol: What to trade.
        side: Buy or sell.
        type: A limit or stop-limit order needs `price`.
        quantity: Units, above zero; fractions where the asset's lot size allows them.
        price: The limit.
        stop_loss: Price of the protective exit: below a buy, above a sell.
        take_profit: Price of the exit with profit: above a buy, below a sell.
        time_in_force: How long it rests.
    """

    order_id: str
    symbol: Symbol
    side: OrderSide
    type: WSOrderType
    quantity: PositiveQuantity
    price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY

    @model_validator(mode="after")
    def _has_its_price(self) -> Self:
        if self.type in _NEEDS_PRICE and self.price is None:
            raise ValueError(f"a {self.type} order needs a price")
        return self

    @model_validator(mode="after")
    def _brackets_the_entry(self) -> Self:
        entry = self.price if self.type in _NEEDS_PRICE else None
        levels = {"stop_loss": self.stop_loss, "price": entry, "take_profit": self.take_profit}
        given = [(name, level) for name, level in levels.items() if level is not None]
        if self.side is OrderSide.SELL:
            given.reverse()
        for (low_name, low), (high_name, high) in pairwise(given):
            if low >= high:
                raise ValueError(
                    f"{low_name} {low} of a {self.side} order is not below {high_name} {high}"
                )
        return self


class OrderBatchData(WireModel):
    """Data of `order_batch`: orders sent together; `atomic` means all or none."""

    batch_id: str
    orders: Annotated[list[OrderData], Field(min_length=1)]
    execution_mode: Literal["atomic", "best_effort"] = "best_effort"
    parent_strategy: str | None = None


class BatchAckData(WireModel):
    """Data of `batch_ack`: ids accepted, ids refused with the reason, and estimated fill prices."""

    batch_id: str
    accepted_orders: list[str] = Field(default_factory=list)
    rejected_orders: dict[str, str] = Field(default_factory=dict)
    estimated_fills: dict[str, Price] = Field(default_factory=dict)


class ExecutionReportData(WireModel):
    """Data of `execution_report`: one execution; negative slippage is a price better than asked."""

    execution_id: str
    order_id: str
    symbol: Symbol
    executed_quantity: PositiveQuantity
    executed_price: Price
    commission: Fee
    slippage_bps: Statistic
    timestamp: Instant | None = None

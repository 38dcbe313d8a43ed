"""Orders as a client may send them: with `stop_price` and `notional`, cancelled and replaced."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simutrador_core.models.enums import OrderSide, TimeInForce, WSOrderType
from simutrador_core.models.fields import Capital, PositiveQuantity, Price, Symbol, WireModel

_LIMITED = frozenset({WSOrderType.LIMIT, WSOrderType.STOP_LIMIT})
_STOPPED = frozenset({WSOrderType.STOP, WSOrderType.STOP_LIMIT})


class OrderRequest(WireModel):
    """One order, all types usable.

    Attributes:
        order_id: Chosen by the client, unique in its simulation.
        symbol: What to trade.
        side: Buy or sell.
        type: `limit` needs `price`, `stop` needs `stop_price`, `stop_limit` needs both.
        quantity: Units, above zero; this or `notional`.
        notional: Money to trade for: the server takes as many whole lots as it buys at the last
            close.
        price: The limit.
        stop_price: Where a stop is triggered.
        stop_loss: Price of the protective exit: below a buy, above a sell.
        take_profit: Price of the exit with profit: above a buy, below a sell.
        time_in_force: How long it rests.
    """

    order_id: str = Field(min_length=1, max_length=128)
    symbol: Symbol
    side: OrderSide
    type: WSOrderType
    quantity: PositiveQuantity | None = None
    notional: Capital | None = None
    price: Price | None = None
    stop_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.quantity is None) == (self.notional is None):
            raise ValueError("an order needs quantity or notional, and not both")
        if self.type in _LIMITED and self.price is None:
            raise ValueError(f"a {self.type} order needs a price")
        if self.type in _STOPPED and self.stop_price is None:
            raise ValueError(f"a {self.type} order needs a stop_price")
        return self


class OrderBatchRequest(WireModel):
    """Data of `order_batch`; `session_id` None means the simulation that runs here."""

    batch_id: str = Field(min_length=1, max_length=128)
    orders: Annotated[list[OrderRequest], Field(min_length=1, max_length=1000)]
    execution_mode: Literal["atomic", "best_effort"] = "best_effort"
    parent_strategy: str | None = None
    session_id: str | None = None


class CancelOrderRequest(WireModel):
    """Data of `cancel_order`."""

    order_id: str
    session_id: str | None = None


class ReplaceOrderRequest(WireModel):
    """Data of `replace_order`: what is given changes; the order keeps its id, not its priority."""

    order_id: str
    quantity: PositiveQuantity | None = None
    price: Price | None = None
    stop_price: Price | None = None
    session_id: str | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.quantity is None and self.price is None and self.stop_price is None:
            raise ValueError("give a quantity, price or stop_price to change")
        return self

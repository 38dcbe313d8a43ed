"""Working orders: the only mutable state besides the ledger."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from math import nan

from simutrador_core.models.enums import OrderSide, TimeInForce, WSOrderType
from simutrador_engine.models.commands import (
    LimitOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopOrder,
)
from simutrador_engine.models.events import Role


class OrderState(StrEnum):
    """Where an order is in its life; the last four are final."""

    HELD = "held"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


RESTING = frozenset({OrderState.ACCEPTED, OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED})
OPEN = RESTING | {OrderState.HELD}


class WorkingOrder:
    """One order on its way. `limit` and `stop` are floats for comparing, nan where absent.

    It acts on bars that open at `since` (microseconds UTC) or later.
    """

    __slots__ = (
        "buy", "children", "expires_at", "filled", "id", "kind", "limit", "limit_price", "parent",
        "priority", "quantity", "revision", "role", "sibling", "since", "state", "stop",
        "stop_price", "symbol", "time_in_force",
    )  # fmt: skip

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the field's own word
        symbol: str,
        buy: bool,
        kind: WSOrderType,
        quantity: Decimal,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        role: Role = Role.ORDER,
        parent: WorkingOrder | None = None,
    ) -> None:
        self.id = id
        self.symbol = symbol
        self.buy = buy
        self.kind = kind
        self.quantity = quantity
        self.time_in_force = time_in_force
        self.role = role
        self.parent = parent
        self.state = OrderState.HELD if parent else OrderState.ACCEPTED
        self.filled = Decimal(0)
        self.revision = 0
        self.priority = 0
        self.since = 0
        self.expires_at: int | None = None
        self.sibling: WorkingOrder | None = None
        self.children: tuple[WorkingOrder, ...] = ()
        self.set_prices(limit_price, stop_price)

    def set_prices(self, limit_price: Decimal | None, stop_price: Decimal | None) -> None:
        """Take new prices, as Decimals for the log and floats for comparing."""
        self.limit_price = limit_price
        self.stop_price = stop_price
        self.limit = nan if limit_price is None else float(limit_price)
        self.stop = nan if stop_price is None else float(stop_price)

    @property
    def side(self) -> OrderSide:
        """Buy or sell."""
        return OrderSide.BUY if self.buy else OrderSide.SELL

    @property
    def remaining(self) -> Decimal:
        """Units not filled yet."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether the order can still change."""
        return self.state in OPEN

    @property
    def is_resting(self) -> bool:
        """Whether the order can fill."""
        return self.state in RESTING

    def acts_on(self, opened_at: int) -> bool:
        """Return whether the order can fill in a bar that opened then."""
        return self.state in RESTING and self.since <= opened_at


def kind_of(order: Order) -> WSOrderType:
    """Return the wire word for an order's kind."""
    match order:
        case StopLimitOrder():
            return WSOrderType.STOP_LIMIT
        case StopOrder():
            return WSOrderType.STOP
        case LimitOrder():
            return WSOrderType.LIMIT
        case _:
            return WSOrderType.MARKET


def working(order: Order) -> WorkingOrder:
    """Return an order's working form, its bracket exits attached and linked."""
    entry = WorkingOrder(
        id=order.id,
        symbol=order.symbol,
        buy=order.side is OrderSide.BUY,
        kind=kind_of(order),
        quantity=order.quantity,
        limit_price=getattr(order, "limit_price", None),
        stop_price=getattr(order, "stop_price", None),
        time_in_force=order.time_in_force,
    )
    entry.children = _exits(order, entry)
    return entry


def _exits(order: MarketOrder, entry: WorkingOrder) -> tuple[WorkingOrder, ...]:
    exits: list[WorkingOrder] = []
    if order.stop_loss is not None:
        exits.append(
            WorkingOrder(
                id=f"{order.id}/stop_loss",
                symbol=order.symbol,
                buy=not entry.buy,
                kind=WSOrderType.STOP,
                quantity=order.quantity,
                stop_price=order.stop_loss,
                role=Role.STOP_LOSS,
                parent=entry,
            )
        )
    if order.take_profit is not None:
        exits.append(
            WorkingOrder(
                id=f"{order.id}/take_profit",
                symbol=order.symbol,
                buy=not entry.buy,
                kind=WSOrderType.LIMIT,
                quantity=order.quantity,
                limit_price=order.take_profit,
                role=Role.TAKE_PROFIT,
                parent=entry,
            )
        )
    if len(exits) == 2:
        exits[0].sibling, exits[1].sibling = exits[1], exits[0]
    return tuple(exits)

"""What a trader can tell the engine: orders, cancellations, replacements. Frozen values.

An order has exactly the prices its kind needs; `stop_loss` and `take_profit` make it a bracket.
Prices are Decimals in quote currency, quantities Decimals in units, always positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from simutrador_core.models.enums import OrderSide, TimeInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOrder:
    """Buy or sell at the next bar's open."""

    id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.DAY
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrder(MarketOrder):
    """Buy at `limit_price` or below, or sell at it or above."""

    limit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder(MarketOrder):
    """Buy once the price rises to `stop_price`, or sell once it falls to it."""

    stop_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLimitOrder(MarketOrder):
    """A stop order that never fills beyond `limit_price`."""

    stop_price: Decimal
    limit_price: Decimal


Order: TypeAlias = MarketOrder | LimitOrder | StopOrder | StopLimitOrder


class BatchMode(StrEnum):
    """Whether one bad order of a batch rejects the others."""

    ATOMIC = "atomic"
    BEST_EFFORT = "best_effort"


@dataclass(frozen=True, slots=True)
class Submit:
    """Send orders. An atomic batch validates all, then accepts all or none."""

    orders: tuple[Order, ...]
    mode: BatchMode = BatchMode.BEST_EFFORT


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back what is unfilled of an order; its bracket exits go with an unfilled entry."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Change an open order: it keeps its id, gains a revision and loses its priority."""

    order_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


Command: TypeAlias = Submit | Cancel | Replace


@dataclass(frozen=True, slots=True)
class Until:
    """How far to advance; the first condition met ends it, the end of the data always does.

    Attributes:
        bars: At most this many timestamps; None means no limit.
        at: Not beyond this instant, microseconds UTC.
        fill: Stop after a timestamp in which an order filled.
    """

    bars: int | None = None
    at: int | None = None
    fill: bool = False


NEXT_BAR = Until(bars=1)
THE_END = Until()

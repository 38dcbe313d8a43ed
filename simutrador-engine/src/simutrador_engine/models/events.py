"""What happens in a run, one frozen record an event; `log.py` gives each its one text line.

`seq` counts from 1 without a hole, `at` is microseconds UTC. Field order is the log's key order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, TypeAlias


class RejectCode(StrEnum):
    """Why an order or a command was refused."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    DUPLICATE_ORDER_ID = "duplicate_order_id"
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_PRICE = "invalid_price"
    INVALID_BRACKET = "invalid_bracket"
    SHORT_NOT_ALLOWED = "short_not_allowed"
    INSUFFICIENT_BUYING_POWER = "insufficient_buying_power"
    NO_PRICE_YET = "no_price_yet"
    BATCH_REJECTED = "batch_rejected"
    UNKNOWN_ORDER = "unknown_order"
    NOT_OPEN = "not_open"


class Role(StrEnum):
    """What an order is for."""

    ORDER = "order"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


class FillReason(StrEnum):
    """Which rule of the fill contract made the price."""

    MARKET_OPEN = "market_open"
    LIMIT_OPEN = "limit_open"
    LIMIT_TOUCHED = "limit_touched"
    STOP_GAP = "stop_gap"
    STOP_TOUCHED = "stop_touched"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order rests; `state` is `held` for bracket exits whose entry has not filled."""

    type: ClassVar[str] = "accepted"
    seq: int
    at: int
    order_id: str
    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    role: Role
    parent_id: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An order or command was refused; nothing else changed."""

    type: ClassVar[str] = "rejected"
    seq: int
    at: int
    order_id: str
    code: RejectCode
    message: str


@dataclass(frozen=True, slots=True)
class Triggered:
    """A stop was reached; `price` is where, before costs."""

    type: ClassVar[str] = "triggered"
    seq: int
    at: int
    order_id: str
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Filled:
    """One execution.

    `price` is after slippage; `bar_price` before costs, inside the bar that opened at `bar`.
    """

    type: ClassVar[str] = "filled"
    seq: int
    at: int
    order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    bar_price: Decimal
    commission: Decimal
    remaining: Decimal
    reason: FillReason
    ambiguous: bool
    bar: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An order was taken back, by its owner or because its bracket ended."""

    type: ClassVar[str] = "cancelled"
    seq: int
    at: int
    order_id: str
    symbol: str
    quantity: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """An order's terms changed."""

    type: ClassVar[str] = "replaced"
    seq: int
    at: int
    order_id: str
    symbol: str
    revision: int
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Expired:
    """An order's time in force ended."""

    type: ClassVar[str] = "expired"
    seq: int
    at: int
    order_id: str
    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Equity:
    """The account after the fills of one instant, positions marked at their last close."""

    type: ClassVar[str] = "equity"
    seq: int
    at: int
    cash: Decimal
    equity: Decimal


Event: TypeAlias = (
    Accepted | Rejected | Triggered | Filled | Cancelled | Replaced | Expired | Equity
)


@dataclass(frozen=True, slots=True)
class Advance:
    """What an advance did: its events, the instant reached, and `bars`, `time`, `fill` or `end`."""

    events: tuple[Event, ...]
    at: int
    reason: str

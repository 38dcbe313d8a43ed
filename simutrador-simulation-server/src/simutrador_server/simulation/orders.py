"""Orders as a client sends them, as commands of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.enums import WSOrderType
from simutrador_core.models.websocket import OrderBatchRequest, OrderRequest, ReplaceOrderRequest
from simutrador_core.utils.validation import parse_symbol
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import (
    BatchMode,
    LimitOrder,
    MarketOrder,
    Order,
    Replace,
    StopLimitOrder,
    StopOrder,
    Submit,
)
from simutrador_engine.models.events import Accepted, Event, Rejected, Role


def submission(batch: OrderBatchRequest, engine: Engine) -> Submit:
    """Return the command of a batch."""
    orders = tuple(to_order(order, engine) for order in batch.orders)
    return Submit(orders, BatchMode(batch.execution_mode))


def to_order(order: OrderRequest, engine: Engine) -> Order:
    """Return the engine's order; a notional becomes whole lots at the last close."""
    symbol = canonical(order.symbol)
    terms: dict[str, Any] = {
        "id": order.order_id,
        "symbol": symbol,
        "side": order.side,
        "quantity": order.quantity or _units(order, symbol, engine),
        "time_in_force": order.time_in_force,
        "stop_loss": order.stop_loss,
        "take_profit": order.take_profit,
    }
    if order.type in {WSOrderType.LIMIT, WSOrderType.STOP_LIMIT}:
        terms["limit_price"] = order.price
    if order.type in {WSOrderType.STOP, WSOrderType.STOP_LIMIT}:
        terms["stop_price"] = order.stop_price
    return _KINDS[order.type](**terms)


_KINDS: Final[dict[WSOrderType, type[Order]]] = {
    WSOrderType.MARKET: MarketOrder,
    WSOrderType.LIMIT: LimitOrder,
    WSOrderType.STOP: StopOrder,
    WSOrderType.STOP_LIMIT: StopLimitOrder,
}


def canonical(symbol: str) -> str:
    """Return the canonical symbol, or the text itself, which the engine then refuses."""
    try:
        return parse_symbol(symbol)
    except InvalidSymbolError:
        return symbol


def _units(order: OrderRequest, symbol: str, engine: Engine) -> Decimal:
    lot = engine.config.lot_size(symbol)
    close = engine.mark(symbol) if symbol in engine.bars else None
    if order.notional is None or close is None:
        return lot  # the engine refuses the order: the symbol is unknown or has no price yet
    return (order.notional / close / lot).to_integral_value(ROUND_DOWN) * lot


def replacement(request: ReplaceOrderRequest) -> Replace:
    """Return the command of a replacement."""
    return Replace(
        order_id=request.order_id,
        quantity=request.quantity,
        limit_price=request.price,
        stop_price=request.stop_price,
    )


def acknowledgement(batch_id: str, events: Sequence[Event]) -> dict[str, Any]:
    """Return the data of `batch_ack`: what the engine made of each order."""
    rejected = [event for event in events if isinstance(event, Rejected)]
    return {
        "batch_id": batch_id,
        "accepted_orders": [
            event.order_id
            for event in events
            if isinstance(event, Accepted) and event.role is Role.ORDER
        ],
        "rejected_orders": {event.order_id: event.message for event in rejected},
        "rejection_codes": {event.order_id: event.code.value.upper() for event in rejected},
        "estimated_fills": {},
    }

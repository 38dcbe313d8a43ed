"""Whether an order may be accepted: its own numbers, and what the account can carry. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from simutrador_core.models.enums import OrderSide
from simutrador_engine.book import WorkingOrder
from simutrador_engine.models.commands import Order
from simutrador_engine.models.config import EngineConfig
from simutrador_engine.models.decimals import LEDGER, plain
from simutrador_engine.models.events import RejectCode, Role


class Refusal(Exception):  # noqa: N818 - it is an answer on its way to the log, not an error
    """Why an order is refused; becomes a `rejected` event."""

    def __init__(self, code: RejectCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_terms(order: Order, config: EngineConfig) -> None:
    """Refuse an order whose own numbers make no sense.

    Raises:
        Refusal: unknown symbol, quantity off the lot, price not above zero, exits on a wrong side.
    """
    if order.symbol not in config.symbols:
        raise Refusal(
            RejectCode.UNKNOWN_SYMBOL,
            f"symbol {order.symbol} is not traded here; traded: {', '.join(config.symbols)}",
        )
    check_quantity(order.quantity, config.lot_size(order.symbol))
    for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
        price: Decimal | None = getattr(order, name, None)
        if price is not None:
            check_price(name, price)
    _check_bracket(order)


def check_quantity(quantity: Decimal, lot: Decimal) -> None:
    """Refuse a quantity that is not a positive multiple of the lot size."""
    if not quantity.is_finite() or quantity <= 0 or quantity % lot:
        raise Refusal(
            RejectCode.INVALID_QUANTITY,
            f"quantity {quantity} is not a positive multiple of the lot size {plain(lot)}",
        )


def check_price(name: str, price: Decimal) -> None:
    """Refuse a price that is not a finite number above zero."""
    if not price.is_finite() or price <= 0:
        raise Refusal(RejectCode.INVALID_PRICE, f"{name} {price} is not above zero")


def _check_bracket(order: Order) -> None:
    entry = getattr(order, "limit_price", None) or getattr(order, "stop_price", None)
    rising = [p for p in (order.stop_loss, entry, order.take_profit) if p is not None]
    if order.side is OrderSide.SELL:
        rising.reverse()
    if any(low >= high for low, high in pairwise(rising)):
        wanted = "stop_loss < entry < take_profit"
        if order.side is OrderSide.SELL:
            wanted = "stop_loss > entry > take_profit"
        raise Refusal(RejectCode.INVALID_BRACKET, f"a {order.side} bracket needs {wanted}")


def check_short(
    order: Order, *, held: Decimal, resting: Iterable[WorkingOrder], config: EngineConfig
) -> None:
    """Refuse a sale beyond what is held, where short selling is forbidden."""
    if config.short_selling == "allowed" or order.side is OrderSide.BUY:
        return
    selling = sum(
        (o.remaining for o in resting if _is_entry(o, order.symbol, buy=False)), Decimal()
    )
    if held - selling - order.quantity < 0:
        raise Refusal(
            RejectCode.SHORT_NOT_ALLOWED,
            f"selling {plain(order.quantity)} {order.symbol} exceeds the "
            f"{plain(held - selling)} held and not yet for sale",
        )


def _is_entry(order: WorkingOrder, symbol: str, *, buy: bool) -> bool:
    return order.symbol == symbol and order.role is Role.ORDER and order.buy == buy


def exposure(
    held: Decimal, mark: Decimal, orders: Iterable[tuple[bool, Decimal, Decimal]]
) -> Decimal:
    """Return the largest gross value one symbol can reach if any of its open orders fill.

    Args:
        held: Units held, negative when short.
        mark: Last close.
        orders: (buy, quantity, price) of each open entry order.
    """
    value = LEDGER.multiply(held, mark)
    high = low = value
    for buy, quantity, price in orders:
        notional = LEDGER.multiply(quantity, price)
        if buy:
            high = LEDGER.add(high, notional)
        else:
            low = LEDGER.subtract(low, notional)
    return max(abs(high), abs(low))

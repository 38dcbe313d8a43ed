"""Whether an order may be accepted: its own numbers, and what the account can carry. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from simutrador_core.models.enums import OrderSide
from simutrador_engine.book import WorkingOrder
from simutrador_engine.models.commands import Order
from simutrador_engine.models.config import LARGEST, EngineConfig, ShortSelling
from simutrador_engine.models.decimals import LEDGER, plain, to_exact
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
    entry: list[Decimal] = []
    for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
        price: Decimal | None = getattr(order, name, None)
        if price is not None:
            check_price(name, price)
            if name in {"limit_price", "stop_price"}:
                entry.append(price)
    check_bracket(order.side, entry, order.stop_loss, order.take_profit)


def check_quantity(quantity: Decimal, lot: Decimal) -> None:
    """Refuse a quantity that is not a positive multiple of the lot size, or above 1e15."""
    sane = quantity.is_finite() and 0 < quantity <= LARGEST
    if not sane or LEDGER.remainder(quantity, lot):
        raise Refusal(
            RejectCode.INVALID_QUANTITY,
            f"quantity {quantity} is not a positive multiple of the lot size {plain(lot)} "
            f"up to {plain(LARGEST)}",
        )


def check_price(name: str, price: Decimal) -> None:
    """Refuse a price that is not above zero, above 1e15, or finer than a bar's price can be."""
    if not price.is_finite() or not 0 < price <= LARGEST:
        raise Refusal(
            RejectCode.INVALID_PRICE,
            f"{name} {price} is not above zero and at most {plain(LARGEST)}",
        )
    if to_exact(float(price)) != price:
        raise Refusal(
            RejectCode.INVALID_PRICE,
            f"{name} {price} has more digits than a price can carry; round it to 15",
        )


def check_bracket(
    side: OrderSide,
    entry: Collection[Decimal],
    stop_loss: Decimal | None,
    take_profit: Decimal | None,
) -> None:
    """Refuse exits that do not lie on either side of the entry's prices, or of each other."""
    buy = side is OrderSide.BUY
    low, high = (stop_loss, take_profit) if buy else (take_profit, stop_loss)
    pairs = ((low, min(entry, default=None)), (max(entry, default=None), high), (low, high))
    if any(a is not None and b is not None and a >= b for a, b in pairs):
        wanted = "stop_loss < entry < take_profit" if buy else "stop_loss > entry > take_profit"
        raise Refusal(RejectCode.INVALID_BRACKET, f"a {side} bracket needs {wanted}")


def check_short(
    order: WorkingOrder, *, held: Decimal, resting: Iterable[WorkingOrder], config: EngineConfig
) -> None:
    """Refuse a sale beyond what is held, where short selling is forbidden."""
    if config.short_selling is ShortSelling.ALLOWED or order.buy:
        return
    selling = sum(
        (o.remaining for o in resting if _is_entry(o, order.symbol, buy=False)), Decimal()
    )
    if held - selling - order.remaining < 0:
        raise Refusal(
            RejectCode.SHORT_NOT_ALLOWED,
            f"selling {plain(order.remaining)} {order.symbol} exceeds the "
            f"{plain(held - selling)} held and not yet for sale",
        )


def _is_entry(order: WorkingOrder, symbol: str, *, buy: bool) -> bool:
    return order.symbol == symbol and order.role is Role.ORDER and order.buy == buy


def exposure(held: Decimal, mark: Decimal, orders: Iterable[WorkingOrder]) -> Decimal:
    """Return the largest gross value one symbol can reach if any of its open orders fill.

    Args:
        held: Units held, negative when short.
        mark: Last close.
        orders: The symbol's open entry orders.
    """
    value = LEDGER.multiply(held, mark)
    high = low = value
    for order in orders:
        notional = LEDGER.multiply(order.remaining, _reserve_price(order, mark))
        if order.buy:
            high = LEDGER.add(high, notional)
        else:
            low = LEDGER.subtract(low, notional)
    return max(abs(high), abs(low))


def _reserve_price(order: WorkingOrder, mark: Decimal) -> Decimal:
    """Return the dearest price at which an order is likely to fill.

    A buy limit or a sell stop never fills above its own price; the others fill at the market when
    that is beyond theirs.
    """
    limit, stop = order.limit_price, order.stop_price
    if order.buy:
        return limit or (mark if stop is None else max(stop, mark))
    return (stop or mark) if limit is None else max(limit, mark)

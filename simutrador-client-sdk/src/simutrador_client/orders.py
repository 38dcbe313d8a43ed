"""Orders as they stand on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias
from uuid import uuid4

from pydantic import BaseModel

from simutrador_client.strategy import Number, OrderSpec
from simutrador_core.errors import InputError

AnyOrder: TypeAlias = OrderSpec | Mapping[str, Any] | BaseModel
"""An `OrderSpec`, a core `OrderData`, or the data of an order as on the wire."""

_PRICES = ("price", "stop_price", "stop_loss", "take_profit")


def to_wire(order: AnyOrder) -> dict[str, Any]:
    """Return an order's data; `order_id` is made up where it is absent, absent prices left out.

    Raises:
        InputError: a price or quantity is NaN or infinite.
    """
    if isinstance(order, OrderSpec):
        return _from_spec(order)
    if isinstance(order, BaseModel):
        return order.model_dump(mode="json", exclude_none=True)
    data = dict(order)
    data.setdefault("order_id", str(uuid4()))
    for name in ("quantity", *_PRICES):
        _check(name, data.get(name))
    return data


def _from_spec(spec: OrderSpec) -> dict[str, Any]:
    data: dict[str, Any] = {
        "order_id": str(uuid4()),
        "symbol": spec.symbol,
        "side": spec.side,
        "type": spec.order_type,
        "quantity": _quantity(spec.quantity),
        "time_in_force": spec.tif,
    }
    for name in _PRICES:
        value = getattr(spec, name)
        if value is not None:
            data[name] = _check(name, value)
    return data


def change_of(**terms: Number | None) -> dict[str, Any]:
    """Return the terms that are given, as on the wire.

    Raises:
        InputError: none is given, or one is not a finite number.
    """
    given = {name: _check(name, value) for name, value in terms.items() if value is not None}
    if not given:
        raise InputError(f"give one of {', '.join(terms)} to change")
    return {name: _quantity(v) if name == "quantity" else v for name, v in given.items()}


def _quantity(quantity: Number) -> Number:
    _check("quantity", quantity)
    whole = isinstance(quantity, Decimal) and quantity == quantity.to_integral_value()
    return int(quantity) if whole else quantity


def _check(name: str, value: Any) -> Any:
    """Return the value, unless it is a number that JSON cannot carry."""
    finite = value.is_finite() if isinstance(value, Decimal) else not _is_odd(value)
    if not finite:
        raise InputError(f"{name} {value} is not a finite number", field=name)
    return value


def _is_odd(value: Any) -> bool:
    return isinstance(value, float) and not isfinite(value)


def batch(
    session_id: str,
    orders: Iterable[AnyOrder],
    *,
    batch_id: str | None = None,
    execution_mode: str = "best_effort",
) -> dict[str, Any]:
    """Return the data of `order_batch`.

    Raises:
        InputError: there is no order, or one cannot be written.
    """
    written = [to_wire(order) for order in orders]
    if not written:
        raise InputError("a batch needs at least one order", field="orders")
    return {
        "session_id": session_id,
        "batch_id": batch_id or str(uuid4()),
        "orders": written,
        "execution_mode": execution_mode,
    }

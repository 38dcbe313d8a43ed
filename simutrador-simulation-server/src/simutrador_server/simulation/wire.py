"""How values and messages become text. Whole messages are JSON objects in the envelope's order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from simutrador_core.models.bars import from_us
from simutrador_core.models.websocket import error_payload
from simutrador_core.utils.serialization import format_decimal, format_instant
from simutrador_server.simulation.setup import Refusal

_EXPONENT: Final = "e"
_WITHOUT_ZONE: Final = -len("+00:00")


def message(
    kind: str, data: Mapping[str, Any], now: datetime, request_id: str | None = None
) -> str:
    """Return one message as text; the data must be plain JSON values."""
    return orjson.dumps(
        {"type": kind, "data": data, "request_id": request_id, "timestamp": stamp(now)}
    ).decode()


def stamp(now: datetime) -> str:
    """Return an aware UTC instant as the wire has it."""
    return f"{now.isoformat()[:_WITHOUT_ZONE]}Z"


def instant(at_us: int) -> str:
    """Return microseconds since the epoch as the wire has them."""
    return format_instant(from_us(at_us))


def money(amount: Decimal) -> str:
    """Return a price or an amount: `185.50`."""
    return format_decimal(amount)


def quantity(units: Decimal) -> int | str:
    """Return units: `100`, or `"0.5"` when there is a fraction."""
    whole = units == units.to_integral_value()
    return int(units) if whole else format_decimal(units, places=0)


def price_text(price: float) -> str:
    """Return a float64 price exactly, at least two decimals; the quick way of `money`."""
    text = repr(price)
    if _EXPONENT in text:
        return format_decimal(Decimal(text))
    return f"{text}0" if text[-2] == "." else text


def volume_text(volume: float) -> str:
    """Return units traded, at least eight decimals."""
    text = repr(volume)
    if text.endswith(".0"):
        return f"{text[:-1]}00000000"
    return format_decimal(Decimal(text), places=8)


def refusal(
    kind: str,
    why: Refusal,
    now: datetime,
    *,
    request_id: str | None = None,
    session_id: str | None = None,
) -> str:
    """Return an `error` or `session_error` message."""
    payload = error_payload(
        why.code, str(why), dict(why.details), request_id=request_id, session_id=session_id
    )
    return message(kind, payload.model_dump(mode="json"), now, request_id)

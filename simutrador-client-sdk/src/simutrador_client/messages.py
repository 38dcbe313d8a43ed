"""Envelopes: `{type, data, request_id}` as JSON text, both ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import BaseModel

from simutrador_client.errors import SessionProtocolError
from simutrador_core.errors import InputError
from simutrador_core.utils.serialization import format_decimal

ERRORS: Final = frozenset({"error", "session_error", "validation_error"})
"""Types that say a request, or a simulation, failed."""

_OPTIONS: Final = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY


def encode(kind: str, data: dict[str, Any], request_id: str | None = None) -> str:
    """Return a message as text: decimals as exact text, instants as ISO 8601 with `Z`.

    Raises:
        InputError: a value cannot be written as JSON.
    """
    message: dict[str, Any] = {"type": kind, "data": data}
    if request_id is not None:
        message["request_id"] = request_id
    try:
        return orjson.dumps(message, default=_default, option=_OPTIONS).decode()
    except TypeError as e:
        raise InputError(f"the data of {kind} cannot be written as JSON: {e}") from e


def decode(text: str | bytes) -> dict[str, Any]:
    """Return a message; its `data` is always an object.

    Raises:
        SessionProtocolError: the text is not a message.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as e:
        raise SessionProtocolError(f"the server sent something that is not JSON: {e}") from e
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):  # pyright: ignore[reportUnknownMemberType] - parsed JSON
        raise SessionProtocolError("the server sent JSON that is not a message with a type")
    if not isinstance(message.get("data"), dict):  # pyright: ignore[reportUnknownMemberType] - parsed JSON
        message["data"] = {}
    return message  # pyright: ignore[reportUnknownVariableType] - parsed JSON


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON values
    raise TypeError(type(value).__name__)

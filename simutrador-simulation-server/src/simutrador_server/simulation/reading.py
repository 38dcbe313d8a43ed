"""From a frame to a message, or to the documented error. Nothing a client sends raises else."""

from __future__ import annotations

from typing import Any, Final, cast

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.websocket import CLIENT_MESSAGE, ClientMessage, ErrorCode
from simutrador_core.utils.validation import parse_symbol
from simutrador_server.simulation.setup import CreateRequest, Refusal

TYPES: Final = frozenset(
    {
        "create_session",
        "start_simulation",
        "tick_ack",
        "order_batch",
        "cancel_order",
        "replace_order",
        "query_positions",
        "pause_simulation",
        "resume_simulation",
        "get_session",
        "list_sessions",
        "delete_session",
        "ping",
    }
)
SESSION_TYPES: Final = frozenset(
    {"create_session", "start_simulation", "get_session", "list_sessions", "delete_session"}
)
_CREATING: Final = frozenset({"create_session", "start_simulation"})
_CASH: Final = frozenset({"initial_capital", "initial_cash"})
_LONGEST_ID: Final = 256
_MOST_ERRORS: Final = 20

Envelope = dict[str, Any]


def read_envelope(frame: str | bytes) -> Envelope:
    """Return the object a frame holds, its `type` a string.

    Raises:
        Refusal: `VALIDATION_ERROR`: binary, not JSON, not an object, or without a type.
    """
    if isinstance(frame, bytes):
        raise Refusal(ErrorCode.VALIDATION_ERROR, "a message is a text frame, this one was binary")
    try:
        value: Any = orjson.loads(frame)
    except orjson.JSONDecodeError as e:
        raise Refusal(ErrorCode.VALIDATION_ERROR, f"the message is not JSON: {e}") from None
    if not isinstance(value, dict) or not isinstance(cast("Envelope", value).get("type"), str):
        raise Refusal(
            ErrorCode.VALIDATION_ERROR, 'a message is an object with a "type", such as "ping"'
        )
    return cast("Envelope", value)


def request_id_of(envelope: Envelope) -> str | None:
    """Return the id to repeat in the answer, or None when it is no usable text."""
    given = envelope.get("request_id")
    return given if isinstance(given, str) and len(given) <= _LONGEST_ID else None


def read_message(envelope: Envelope) -> ClientMessage:
    """Return the typed message.

    Raises:
        Refusal: `UNKNOWN_TYPE`, or the code that its data deserve.
    """
    kind = envelope["type"]
    if kind not in TYPES:
        raise Refusal(
            ErrorCode.UNKNOWN_TYPE,
            f"unknown message type {kind[:64]!r}; known: {', '.join(sorted(TYPES))}",
            supported=sorted(TYPES),
        )
    if envelope.get("data") is None:
        envelope = {**envelope, "data": {}}
    try:
        return CLIENT_MESSAGE.validate_python(envelope)
    except ValidationError as e:
        raise _explain(kind, e.errors(include_url=False, include_input=False)) from None


def _explain(kind: str, errors: list[ErrorDetails]) -> Refusal:
    """Return the refusal of data that does not fit, with one entry a fault."""
    faults = [{"field": _field(error), "message": error["msg"]} for error in errors[:_MOST_ERRORS]]
    missing = [_field(error) for error in errors if error["type"] == "missing"]
    if missing:
        text = f"Missing required fields: {', '.join(missing)}"
    else:
        text = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    code = ErrorCode.INVALID_PARAMS if missing else _code(kind, errors[0])
    return Refusal(code, text, errors=faults, missing=missing)


def _code(kind: str, error: ErrorDetails) -> ErrorCode:
    if kind in _CREATING:
        return _creation_code(error)
    if kind in {"order_batch", "replace_order"}:
        if error["loc"][-1] == "quantity":
            return ErrorCode.INVALID_ORDER_QUANTITY
        return ErrorCode.INVALID_ORDER
    return ErrorCode.INVALID_PARAMS


def _creation_code(error: ErrorDetails) -> ErrorCode:
    last = error["loc"][-1]
    if last == "symbols" and error["type"] == "too_short":
        return ErrorCode.MISSING_SYMBOLS
    if last in _CASH and error["type"] == "greater_than":
        return ErrorCode.INSUFFICIENT_CAPITAL
    if last in {"data", "create"} and error["type"] == "value_error":
        return ErrorCode.INVALID_DATE_RANGE  # the one rule over several fields: start before end
    return ErrorCode.INVALID_PARAMS


def _field(error: ErrorDetails) -> str:
    """Return where in `data` the fault is, without the names of union members."""
    inside = [part for part in error["loc"][2:] if part not in {"create", "created"}]
    return ".".join(str(part) for part in inside) or "data"


def with_canonical_symbols(request: CreateRequest) -> CreateRequest:
    """Return the request with canonical symbols, each once.

    Raises:
        Refusal: `INVALID_SYMBOL`, naming every one that is none.
    """
    found: list[str] = []
    wrong: list[str] = []
    for symbol in request.symbols:
        try:
            found.append(parse_symbol(symbol))
        except InvalidSymbolError:
            wrong.append(symbol[:64])
    if wrong:
        raise Refusal(
            ErrorCode.INVALID_SYMBOL, f"no symbols: {', '.join(wrong)}", invalid_symbols=wrong
        )
    return request.model_copy(update={"symbols": list(dict.fromkeys(found))})

"""Every error code a server may send, and the one payload that carries it under both spellings."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from pydantic import Field

from simutrador_core.models.fields import WireModel
from simutrador_core.models.wire.envelope import ErrorType, Severity


class ErrorCode(StrEnum):
    """Error codes as values; those of `WSErrorCode` and the ones the documents add to them."""

    INVALID_PARAMS = "INVALID_PARAMS"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INVALID_ORDER = "INVALID_ORDER"
    INVALID_ORDER_QUANTITY = "INVALID_ORDER_QUANTITY"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    INSUFFICIENT_BUYING_POWER = "INSUFFICIENT_BUYING_POWER"
    INVALID_SYMBOL = "INVALID_SYMBOL"
    MISSING_SYMBOLS = "MISSING_SYMBOLS"
    INVALID_DATE_RANGE = "INVALID_DATE_RANGE"
    INSUFFICIENT_CAPITAL = "INSUFFICIENT_CAPITAL"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    SESSION_CREATE_FAILED = "SESSION_CREATE_FAILED"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_LIMIT_EXCEEDED = "SESSION_LIMIT_EXCEEDED"
    ACCESS_DENIED = "ACCESS_DENIED"
    DATA_FETCH_FAILED = "DATA_FETCH_FAILED"
    DATA_PROVIDER_UNAVAILABLE = "DATA_PROVIDER_UNAVAILABLE"
    AUTH_FAILED = "AUTH_FAILED"
    SERVICE_BUSY = "SERVICE_BUSY"
    HANDLER_TIMEOUT = "HANDLER_TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"


class ErrorPayload(WireModel):
    """Data of `error` and of `session_error`: the published fields of both, in both spellings.

    Attributes:
        error_code: One of `ErrorCode`, or of a later release.
        message: For people; never a key or token.
        error_type: Whose fault it is.
        severity: `fatal` when the connection will not go on.
        recoverable: Whether the connection goes on.
        details: Facts for the program.
        context: The same facts under their other name.
        retry_after_ms: Milliseconds to wait before trying again.
        failed_request_id: The request that failed.
        session_id: The simulation it concerns.
    """

    error_code: str
    message: str
    error_type: ErrorType = "execution"
    severity: Severity = "error"
    recoverable: bool = True
    details: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    retry_after_ms: int | None = Field(default=None, ge=0)
    failed_request_id: str | None = None
    session_id: str | None = None


def error_payload(
    code: ErrorCode,
    message: str,
    details: dict[str, Any] | None = None,
    *,
    severity: Severity = "error",
    request_id: str | None = None,
    session_id: str | None = None,
) -> ErrorPayload:
    """Return the payload of an error, its facts under both names and its type from the code."""
    facts = details or {}
    return ErrorPayload(
        error_code=code.value,
        message=message,
        error_type=_TYPES.get(code, "validation"),
        severity=severity,
        recoverable=severity != "fatal",
        details=facts,
        context=facts,
        failed_request_id=request_id,
        session_id=session_id,
    )


_TYPES: Final[dict[ErrorCode, ErrorType]] = {
    ErrorCode.ORDER_NOT_FOUND: "execution",
    ErrorCode.INSUFFICIENT_FUNDS: "execution",
    ErrorCode.INSUFFICIENT_BUYING_POWER: "execution",
    ErrorCode.SESSION_CREATE_FAILED: "execution",
    ErrorCode.SESSION_NOT_FOUND: "execution",
    ErrorCode.SESSION_LIMIT_EXCEEDED: "rate_limit",
    ErrorCode.RATE_LIMITED: "rate_limit",
    ErrorCode.RATE_LIMIT_EXCEEDED: "rate_limit",
    ErrorCode.DATA_FETCH_FAILED: "data",
    ErrorCode.DATA_PROVIDER_UNAVAILABLE: "data",
    ErrorCode.ACCESS_DENIED: "connection",
    ErrorCode.AUTH_FAILED: "connection",
    ErrorCode.SERVICE_BUSY: "connection",
    ErrorCode.HANDLER_TIMEOUT: "connection",
}

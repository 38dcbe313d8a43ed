"""The envelope every WebSocket message travels in, and errors."""

from __future__ import annotations

from typing import Any, Literal

from simutrador_core.models.enums import WSErrorCode
from simutrador_core.models.fields import Instant, WireModel


class WSMessage(WireModel):
    """One message, either way. A direct answer repeats the request's `request_id`.

    Attributes:
        type: What `data` is, such as `tick` or `order_batch`.
        data: The message itself, one of the `...Data` models as JSON.
        request_id: Set by the client to find the answer; None on pushed messages.
        timestamp: When it was sent.
    """

    type: str
    data: dict[str, Any]
    request_id: str | None = None
    timestamp: Instant | None = None


ErrorType = Literal["validation", "execution", "connection", "data", "rate_limit"]
Severity = Literal["warning", "error", "fatal"]


class ErrorData(WireModel):
    """Data of `error`: what went wrong, whose fault, and whether trying again can help."""

    error_code: str
    message: str
    error_type: ErrorType
    severity: Severity
    recoverable: bool
    details: dict[str, Any] | None = None


class SessionErrorData(WireModel):
    """Data of `session_error`: a simulation could not be made or found."""

    error_code: str
    message: str
    session_id: str | None = None
    details: dict[str, Any] | None = None


class PongData(WireModel):
    """Data of `pong`, the answer to `ping`."""

    server_time: Instant


class HealthStatus(WireModel):
    """Data of `health`, sent once by `/ws/health`."""

    status: str
    server_version: str | None = None
    timestamp: Instant | None = None


def build_error(
    error_code: WSErrorCode | str,
    message: str,
    details: dict[str, Any] | None = None,
    *,
    severity: Severity = "error",
) -> dict[str, Any]:
    """Return the data of an `error` message, which `ErrorData` accepts.

    Args:
        error_code: Stands on the wire as its plain value, `INVALID_PARAMS`.
        message: For people; never a key or token.
        details: Facts for the program; left out of the data when None.
        severity: `fatal` when the connection will not go on.
    """
    code = str(error_code)
    error_type = _TYPES.get(code, "execution")
    error = ErrorData(
        error_code=code,
        message=message,
        error_type=error_type,
        severity=severity,
        recoverable=severity != "fatal",
        details=details,
    )
    return error.model_dump(mode="json", exclude_none=True)


_TYPES: dict[str, ErrorType] = {
    WSErrorCode.INVALID_PARAMS: "validation",
    WSErrorCode.VALIDATION_ERROR: "validation",
    WSErrorCode.UNKNOWN_TYPE: "validation",
    WSErrorCode.NOT_IMPLEMENTED: "validation",
    WSErrorCode.SERVICE_BUSY: "connection",
    WSErrorCode.AUTH_FAILED: "connection",
    WSErrorCode.HANDLER_TIMEOUT: "connection",
    WSErrorCode.RATE_LIMITED: "rate_limit",
}

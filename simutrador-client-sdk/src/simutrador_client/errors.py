"""Every error the SDK raises on purpose.

SimutradorError (core)
├── AuthenticationError             no token, a wrong key, or the auth service is out of reach
└── SessionError                    a simulation failed or was refused; carries the server's code
    ├── SessionProtocolError        the server answered a request with an error, or with nonsense
    ├── SessionTimeoutError (TimeoutError)        the server stayed silent for too long
    └── SessionConnectionError (ConnectionError)  the connection could not be made, or was lost
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simutrador_core.errors import SimutradorError


class AuthenticationError(SimutradorError):
    """There is no valid token, or none could be had."""

    code: ClassVar[str] = "authentication"


class SessionError(SimutradorError):
    """A simulation failed or was refused.

    Attributes:
        error_code: The server's code, such as `INVALID_SYMBOL`; None when the SDK found the fault.
        session_id: The simulation concerned; None when it concerns the whole connection.
        details: The server's facts about it, possibly empty.
        recoverable: Whether the simulation goes on.
    """

    code: ClassVar[str] = "session"

    def __init__(
        self,
        message: str,
        *,
        error_code: str | None = None,
        session_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        recoverable: bool = False,
    ) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.session_id = session_id
        self.details: dict[str, Any] = dict(details or {})
        self.recoverable = recoverable


class SessionProtocolError(SessionError):
    """The server answered a request with an error, or with something that is not an answer."""

    code: ClassVar[str] = "session_protocol"


class SessionTimeoutError(SessionError, TimeoutError):
    """The server stayed silent for longer than allowed."""

    code: ClassVar[str] = "session_timeout"


class SessionConnectionError(SessionError, ConnectionError):
    """The connection could not be made, or was lost; `close_code` is the server's, if any."""

    code: ClassVar[str] = "session_connection"

    def __init__(self, message: str, *, close_code: int | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.close_code = close_code


def from_wire(data: Mapping[str, Any], *, kind: type[SessionError] = SessionError) -> SessionError:
    """Return the error that the data of `error`, `session_error` or `validation_error` describes.

    Both spellings of the payload are read (`details` and `context`). An error counts as
    recoverable only when the server says so, or calls it a warning.
    """
    code = str(data.get("error_code") or "UNKNOWN")
    message = data.get("message") or "the server gave no reason"
    return kind(
        f"{code}: {message}",
        error_code=code,
        session_id=data.get("session_id"),
        details=_facts(data),
        recoverable=data.get("recoverable") is True or data.get("severity") == "warning",
    )


def _facts(data: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("details", "context"):
        facts = data.get(name)
        if isinstance(facts, Mapping):
            return facts  # pyright: ignore[reportUnknownVariableType] - parsed JSON
    return {}

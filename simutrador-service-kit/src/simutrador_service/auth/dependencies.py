"""`require` and `public`: what every route declares, one of the two.

The table of who may call what is read from these declarations (`matrix.py`), so a route that has
neither is found by a test, and by nobody else.
"""
# No `from __future__ import annotations`: FastAPI reads those of `__call__` where it finds no
# module to resolve their names in.

from typing import Any, Final

from fastapi import Depends, WebSocketException, status
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from simutrador_service.auth.authenticator import Authenticator
from simutrador_service.auth.credentials import credential_of
from simutrador_service.auth.limiting import CallerLimits
from simutrador_service.auth.principal import Principal, check_scope
from simutrador_service.errors import (
    ForbiddenError,
    ServiceError,
    UnauthenticatedError,
    UnavailableError,
)

_SCHEME: Final = HTTPBearer(
    description="A token of POST /auth/token, or an API key; a key may also stand in X-API-Key."
)


class Required(SecurityBase):
    """The dependency of a route that needs a scope; gives the `Principal`."""

    def __init__(self, scope: str) -> None:
        self.scope = check_scope(scope)
        self.model = _SCHEME
        self.scheme_name = "bearer"

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """Return who speaks.

        Raises:
            UnauthenticatedError: nobody we know.
            ForbiddenError: they lack the scope.
            TooManyRequestsError: their plan allows no more for now.
            WebSocketException: either of them, in a handshake.
        """
        try:
            return await self._admit(connection)
        except ServiceError as e:
            if connection.scope["type"] != "websocket":
                raise
            raise WebSocketException(status.WS_1008_POLICY_VIOLATION, str(e)) from e

    async def _admit(self, connection: HTTPConnection) -> Principal:
        authenticator: Authenticator = connection.app.state.authenticator
        limits: CallerLimits | None = getattr(connection.app.state, "limits", None)
        credential = credential_of(connection.scope)
        if limits is None:
            principal = await authenticator.admit(credential)
        else:
            principal = await limits.tries.admit(connection, credential, authenticator)
            await limits.count_request(connection, principal)
        if not principal.may(self.scope):
            raise ForbiddenError(f"this needs the scope {self.scope}; ask an admin for it")
        connection.state.principal = principal
        return principal


class Public:
    """The dependency of a route that anybody may call."""

    async def __call__(self) -> None:
        """Let everybody in."""


_PUBLIC: Final = Public()


async def still_may(connection: HTTPConnection, scope: str) -> bool:
    """Return whether who opened a stream may go on: their credential holds and has the scope.

    Ask now and then in what outlives its request. A database that does not answer ends nothing.
    """
    authenticator: Authenticator = connection.app.state.authenticator
    try:
        return (await authenticator.admit(credential_of(connection.scope))).may(scope)
    except UnauthenticatedError:
        return False
    except UnavailableError:
        return True


def require(scope: str) -> Any:
    """Return the dependency of a route that needs `scope`, ready to declare.

    `dependencies=[require("bars:read")]`, or `caller: Annotated[Principal, require("bars:read")]`
    to learn who speaks.

    Raises:
        InputError: `scope` is not of the form `topic:action`.
    """
    return Depends(Required(scope))


def public() -> Any:
    """Return the dependency of a route that anybody may call: `dependencies=[public()]`."""
    return Depends(_PUBLIC)


__all__ = ["Public", "Required", "public", "require", "still_may"]

"""Where a credential may stand in a request or handshake. It is never logged."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from simutrador_service.errors import UnauthenticatedError

_BEARER: Final = "bearer."
_SCHEME: Final = "bearer "


def credential_of(scope: Scope) -> str:
    """Return the token or key of a request or handshake, or an empty text.

    `Authorization: Bearer TOKEN` first, then `X-API-Key: KEY`. A browser cannot set a header on a
    WebSocket handshake, so there the subprotocol `bearer.TOKEN` and `?token=TOKEN` are read too.

    Raises:
        UnauthenticatedError: a header stands there twice: a proxy may have judged the other one.
    """
    headers = Headers(scope=scope)
    given = _only(headers, "Authorization")
    if given[: len(_SCHEME)].lower() == _SCHEME:
        return given[len(_SCHEME) :].strip()
    key = _only(headers, "X-API-Key").strip()
    return key or (_in_handshake(scope) if scope["type"] == "websocket" else "")


def _only(headers: Headers, name: str) -> str:
    given = headers.getlist(name)
    if len(given) > 1:
        raise UnauthenticatedError(f"{name} stands there {len(given)} times; send it once")
    return given[0] if given else ""


def _in_handshake(scope: Scope) -> str:
    offered: list[str] = scope.get("subprotocols", [])
    for protocol in offered:
        if protocol.startswith(_BEARER):
            return protocol[len(_BEARER) :]
    return QueryParams(scope["query_string"]).get("token", "").strip()

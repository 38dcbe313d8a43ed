"""Where a token may stand in a handshake: query, header or subprotocol. It is never logged."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

PROTOCOL: Final = "simutrador.v2"
_BEARER: Final = "bearer."
_SCHEME: Final = "bearer "


def token_of(scope: Scope) -> str:
    """Return the token of a handshake or request, or an empty text.

    `Authorization: Bearer TOKEN` first, then the subprotocol `bearer.TOKEN`, then `?token=TOKEN`.
    """
    header = Headers(scope=scope).get("authorization", "")
    if header[: len(_SCHEME)].lower() == _SCHEME:
        return header[len(_SCHEME) :].strip()
    offered: list[str] = scope.get("subprotocols", [])
    for protocol in offered:
        if protocol.startswith(_BEARER):
            return protocol[len(_BEARER) :]
    return QueryParams(scope["query_string"]).get("token", "").strip()


def subprotocol_of(scope: Scope) -> str | None:
    """Return the subprotocol to answer with: browsers insist on one of those they offered."""
    offered: list[str] = scope.get("subprotocols", [])
    if PROTOCOL in offered:
        return PROTOCOL
    return next((one for one in offered if one.startswith(_BEARER)), None)

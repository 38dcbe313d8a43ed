"""Refuses what a browser was tricked into sending: wrong host names, other sites' writes."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from simutrador_service.problems import Problem, make_problem, send_problem

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_POLICY_VIOLATION: Final = 1008


class HostGuard:
    """Keep a service that asks for no credential to this machine.

    It answers on loopback addresses only, however it was started, and only to a `Host` that no
    public name server can point here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = ()) -> None:
        """Surround `app`; `hosts` are further names it may be called by."""
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refusal, scope, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        server = scope.get("server")
        if server and _is_remote(server[0]):
            return make_problem(
                403,
                "this service is open and answers on this machine's own address only; "
                "connect to 127.0.0.1, or switch the login on to serve others",
                code="not_loopback",
            )
        host = _host_name(_header(scope, b"host"))
        if host in self._hosts or _cannot_be_rebound(host):
            return None
        return make_problem(
            421,
            f"no service answers to the name {host[:100]!r} here; use 127.0.0.1",
            code="unknown_host",
        )


class CrossSiteGuard:
    """Refuse writes and WebSocket handshakes that a page of another site makes a browser send."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str] = ()) -> None:
        """Surround `app`; `origins` are the other sites that may."""
        self._app = app
        self._origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        unsafe = scope["type"] == "websocket" or (
            scope["type"] == "http" and scope["method"] not in _SAFE
        )
        if not unsafe or self._may(scope):
            await self._app(scope, receive, send)
            return
        refusal = make_problem(
            403,
            "a page of another site may not do this; name its origin in ALLOWED_ORIGINS of the "
            "service's settings if it should",
            code="cross_site",
        )
        await _refuse(refusal, scope, send)

    def _may(self, scope: Scope) -> bool:
        origin = _header(scope, b"origin").lower()
        if not origin or origin in self._origins:
            return True  # programs send none
        try:
            named = urlsplit(origin).netloc
        except ValueError:  # no browser sends such a one
            return False
        return named == _header(scope, b"host").lower() != ""


async def _refuse(refusal: Problem, scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.code})
    else:
        await send_problem(refusal, scope, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _cannot_be_rebound(host: str) -> bool:
    return "." not in host or _is_ip(host) or host.endswith(".localhost")


def _host_name(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


# A server has few addresses and is called by few names: parsing one takes longer than all the rest.
@lru_cache(maxsize=64)
def _is_remote(address: str) -> bool:
    return _is_ip(address) and not ip_address(address).is_loopback


@lru_cache(maxsize=64)
def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


__all__ = ["CrossSiteGuard", "HostGuard"]

"""What surrounds every request: its id, security headers, the loopback guard, one log line.

Plain ASGI, so that streamed answers pass through untouched.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from time import perf_counter
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_data.core.addresses import is_loopback
from simutrador_data.models.problems import Problem

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

# The interactive documentation loads its scripts from a public host; it is served without one.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_log = structlog.get_logger("simutrador_data.access")


class RequestIdMiddleware:
    """Give each request an id (a client's own is kept), send it back and log one line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _CLIENT_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = perf_counter()
        status = 500
        started_answer = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started_answer
            if message["type"] == "http.response.start":
                started_answer = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                _log.exception("request_crashed", path=scope["path"])
                if started_answer:
                    raise  # cut the connection: half an answer must not look whole
                await _send_problem(_crashed(scope, request_id), send_with_headers)
            finally:
                _log.info(
                    "request",
                    method=scope["method"],
                    route=getattr(scope.get("route"), "path", "unmatched"),
                    status=status,
                    ms=round((perf_counter() - started) * 1000, 1),
                )


class LoopbackMiddleware:
    """Refuse what reaches an open service from beyond this machine.

    The service has no login yet, so it answers on loopback addresses only, however it was started,
    and only to a `Host` that no public name server can point here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _send_problem(refusal, send)


def _refusal(scope: Scope) -> Problem | None:
    server = scope.get("server")
    if server and _is_ip(server[0]) and not is_loopback(server[0]):
        return _problem(
            403,
            "Forbidden",
            "not_loopback",
            "this service has no login and answers on 127.0.0.1 only",
        )
    host = _host_name(Headers(scope=scope).get("host", ""))
    if "." in host and not _is_ip(host) and not host.endswith(".localhost"):
        return _problem(
            421,
            "Misdirected Request",
            "unknown_host",
            f"no service answers to the name {host[:100]!r} here; use 127.0.0.1",
        )
    return None


def _problem(status: int, title: str, code: str, detail: str) -> Problem:
    return Problem(type="about:blank", title=title, status=status, detail=detail, code=code)


def _crashed(scope: Scope, request_id: str) -> Problem:
    return Problem(
        type="about:blank",
        title="Internal Server Error",
        status=500,
        detail="the service failed to answer; its log holds the reason under this request id",
        code="internal_error",
        instance=scope["path"],
        request_id=request_id,
    )


async def _send_problem(problem: Problem, send: Send) -> None:
    body = problem.model_dump_json(exclude_none=True).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _host_name(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True

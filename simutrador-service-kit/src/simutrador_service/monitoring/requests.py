"""What happens around every request: an id, a count, a line in the log."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_service.logging import mask_credentials
from simutrador_service.logging.loggers import get_logger
from simutrador_service.logging.secrets import MASK, is_secret_name
from simutrador_service.monitoring.metrics import Metrics

REQUEST_ID_HEADER: Final = "X-Request-ID"
UNMATCHED: Final = "unmatched"
_CLIENT_LEFT: Final = 499
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE_PARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NOISY: Final = ("/health", "/metrics")

_log = get_logger("simutrador.access")


class ObserveRequests:
    """ASGI middleware; add it last, so that it is the outermost.

    A request keeps the well-formed `X-Request-ID` it came with, else it gets one. The id goes back
    in the answer, stands on every log line written meanwhile and in `request.state.request_id`.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        """Wrap an application."""
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or connection through, watching."""
        match scope["type"]:
            case "http":
                await self._request(scope, receive, send)
            case "websocket":
                await self._connection(scope, receive, send)
            case _:
                await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, root = time.perf_counter(), scope.get("root_path", "")
        ids = _identify(scope)
        request_id = ids["request_id"].encode()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                took = f"{time.perf_counter() - begun:.6f}".encode()
                added = [(b"x-request-id", request_id), (b"x-process-time", took)]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        bound = structlog.contextvars.bind_contextvars(**ids)
        self._metrics.in_progress.inc()
        try:
            await self.app(scope, receive, watched)
        except asyncio.CancelledError:
            status = _CLIENT_LEFT
            raise
        finally:
            # After an error the ids stay bound: the server logs its traceback outside of us.
            self._metrics.in_progress.dec()
            self._tell(scope, status, duration_s=time.perf_counter() - begun, root=root)
        structlog.contextvars.reset_contextvars(**bound)

    def _tell(self, scope: Scope, status: int, *, duration_s: float, root: str) -> None:
        endpoint = template_of(scope, root=root)
        self._metrics.request(scope["method"], endpoint, status, duration_s=duration_s)
        path = scope["path"]
        write = _log.debug if path.startswith(_NOISY) and status < 400 else _log.info
        write(
            "request",
            method=scope["method"],
            path=_shown_path(scope),
            endpoint=endpoint,
            status=status,
            duration_ms=round(duration_s * 1000, 3),
            client=(scope.get("client") or ("",))[0],
        )

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, root = time.perf_counter(), scope.get("root_path", "")
        opened, code = False, 1006

        async def heard() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", 1005)
            return message

        async def said(message: Message) -> None:
            nonlocal opened, code
            if message["type"] == "websocket.accept":
                opened = True
                self._metrics.websockets.inc()
            elif message["type"] == "websocket.close":
                code = message.get("code", 1000)
            await send(message)

        bound = structlog.contextvars.bind_contextvars(**_identify(scope))
        try:
            await self.app(scope, heard, said)
        finally:
            if opened:
                self._metrics.websockets.dec()
            _log.info(
                "websocket",
                path=_shown_path(scope),
                endpoint=template_of(scope, root=root),
                accepted=opened,
                code=code,
                duration_s=round(time.perf_counter() - begun, 3),
                client=(scope.get("client") or ("",))[0],
            )
        structlog.contextvars.reset_contextvars(**bound)


def template_of(scope: Scope, *, root: str = "") -> str:
    """Return the template of the route that took a request, `unmatched` where none did.

    Args:
        scope: As the application left it.
        root: `root_path` as the server gave it; what was added since is where a part is mounted.
    """
    mounted = scope.get("root_path", "")[len(root) :]
    if mounted and _holds_a_parameter(mounted, scope.get("path_params", {}).values()):
        mounted = "/{mount}"
    # FastAPI 0.165 hands an included router's route on as it was written, without its prefix.
    context = scope.get("fastapi", {}).get("effective_route_context")
    for route in (getattr(context, "starlette_route", None), context, scope.get("route")):
        path = getattr(route, "path", "")
        if path:
            return mounted + path
    return mounted or UNMATCHED


def _holds_a_parameter(path: str, values: Iterable[Any]) -> bool:
    parts = path.split("/")
    return any(str(value) in parts for value in values)


def _shown_path(scope: Scope) -> str:
    """Return the path without its query; a parameter that is a secret is masked."""
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        if is_secret_name(name):
            path = path.replace(str(value), MASK)
    return path


def _identify(scope: Scope) -> dict[str, str]:
    """Return the ids of a request, taken from its headers where they are well formed."""
    given = {"request_id": ""}
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            usable = _REQUEST_ID.fullmatch(text) and mask_credentials(text) == text
            given["request_id"] = text if usable else ""
        elif name == b"traceparent" and (found := _TRACE_PARENT.fullmatch(value.decode("latin-1"))):
            given["trace_id"] = found.group(1)
    given["request_id"] = given["request_id"] or uuid4().hex
    scope.setdefault("state", {})["request_id"] = given["request_id"]
    return given

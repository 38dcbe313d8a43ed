"""How much a request may bring along: headers and body."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_service.problems import Problem, make_problem, send_problem

_CLOSE: Final = {"Connection": "close"}


class HeaderLimit:
    """Refuse requests with too many or too large headers; the server refuses endless ones."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_headers: int) -> None:
        """Surround `app`; the request line counts as a header."""
        self._app = app
        self._max_bytes = max_bytes
        self._max_headers = max_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1009})
        else:
            await send_problem(refusal, scope, send, _CLOSE)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        most = self._max_headers
        if len(headers) > most:
            detail = f"{len(headers)} headers are more than the limit of {most}; send fewer"
            return make_problem(431, detail, bound=f"le {most}")
        size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        for name, value in headers:
            size += len(name) + len(value) + 4
        if size > self._max_bytes:
            return too_large_headers(self._max_bytes)
        return None


class BodyLimit:
    """Refuse bodies above a size: at once when the length is told, else as soon as it is passed."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        """Surround `app`."""
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _told_length(scope) > self._max_bytes:
            await send_problem(self._problem(), scope, send, _CLOSE)
            return
        received, started, too_large = 0, False, False

        async def count() -> Message:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                too_large = True
                # Of all errors, only this kind comes through FastAPI's reading of a body unchanged.
                raise HTTPException(413, self._problem().detail)
            return message

        async def watch(message: Message) -> None:
            nonlocal started
            if too_large and not started:
                return  # whatever the application makes of it, the answer is below
            started = True
            await send(message)

        try:
            await self._app(scope, count, watch)
        except HTTPException:
            if not too_large or started:
                raise
        if too_large and not started:
            await send_problem(self._problem(), scope, send, _CLOSE)

    def _problem(self) -> Problem:
        return make_problem(
            413,
            f"the body is larger than the limit of {self._max_bytes} bytes; send less at a time, "
            "or raise MAX_BODY_BYTES in the service's settings",
            bound=f"le {self._max_bytes}",
        )


def too_large_headers(max_bytes: int) -> Problem:
    """Return the problem of headers that are too large."""
    return make_problem(
        431,
        f"the request line and headers are larger than the limit of {max_bytes} bytes; "
        "send a shorter address and fewer or smaller headers",
        bound=f"le {max_bytes}",
    )


def _told_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


__all__ = ["BodyLimit", "HeaderLimit", "too_large_headers"]

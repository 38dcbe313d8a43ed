"""Middleware that writes the documented headers onto every answer a limit had a say in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from simutrador_service.limits.rules import Verdict, tightest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY: Final = "simutrador.limits"


class LimitHeaders:
    """Plain ASGI: adds `X-RateLimit-*` of the tightest verdict unless they stand there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A list, so that what is noted further in is seen here though scopes are copied.
        verdicts: list[Verdict] = scope.setdefault(_KEY, [])

        async def with_headers(message: Message) -> None:
            if verdicts and message["type"] == "http.response.start":
                _add(message, tightest(verdicts).headers)
            await send(message)

        await self._app(scope, receive, with_headers)


def note_verdict(scope: Scope, verdict: Verdict) -> None:
    """Have the answer to this request tell what a limit said."""
    noted: list[Verdict] = scope.setdefault(_KEY, [])
    noted.append(verdict)


def _add(message: Message, headers: Mapping[str, str]) -> None:
    """Write the headers that are not there yet, as pairs of bytes with names in lower case."""
    there: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    known = {name.lower() for name, _ in there}
    wanted = ((name.lower().encode(), value.encode()) for name, value in headers.items())
    message["headers"] = [*there, *(pair for pair in wanted if pair[0] not in known)]

"""`HEAD`: every address that answers GET says the same without a body."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASKED: Final = "simutrador.head"
"""Key of the scope that tells a route that only the head of its answer is wanted."""


class HeadMiddleware:
    """Serve HEAD by the route for GET and send only the head of the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # A copy, as the server looks at its own scope to know that no body follows.
        inner = {**scope, "method": "GET", ASKED: True}

        async def send_head(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            elif not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b""})

        try:
            await self._app(inner, receive, send_head)
        finally:
            scope["route"] = inner.get("route")

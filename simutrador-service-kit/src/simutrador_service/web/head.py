"""HEAD works wherever GET does: the same answer without its body."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD_ASKED: Final = "simutrador.head"
"""Key of the scope that tells a route that only the head of its answer is wanted."""


class HeadAsGet:
    """Ask the application for the GET answer and send its headers alone."""

    def __init__(self, app: ASGIApp) -> None:
        """Surround `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        as_get = {**scope, "method": "GET", HEAD_ASKED: True}
        answering: asyncio.Future[None] | None = None
        is_sent = False

        async def without_body(message: Message) -> None:
            nonlocal is_sent
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                is_sent = True
            elif message.get("more_body") and answering is not None:
                answering.cancel()  # nobody will read the rest of a stream

        answering = asyncio.ensure_future(self._app(as_get, receive, without_body))
        try:
            await asyncio.shield(answering)
        except asyncio.CancelledError:
            if not (is_sent and answering.cancelled()):
                raise
        finally:
            answering.cancel()
            scope.update({**as_get, "method": "HEAD"})  # the route it took, for those around us

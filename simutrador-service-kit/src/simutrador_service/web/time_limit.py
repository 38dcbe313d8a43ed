"""How long a request may wait for its answer to begin."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_service.problems import make_problem, send_problem


class TimeLimit:
    """Give up on a request whose answer has not begun in time.

    The time runs from the last part of the request's body. Once an answer has begun it may go on:
    streams and server-sent events are not cut. A plain function in a thread cannot be stopped; its
    client is answered all the same.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        """Surround `app`."""
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        now = asyncio.get_running_loop().time
        timer = asyncio.timeout(self._seconds)
        started = False

        async def hear() -> Message:
            message = await receive()
            if not started and message["type"] == "http.request":
                timer.reschedule(now() + self._seconds)
            return message

        async def watch(message: Message) -> None:
            nonlocal started
            if not started:
                started = True
                timer.reschedule(None)
            await send(message)

        try:
            async with timer:
                await self._app(scope, hear, watch)
        except TimeoutError:
            if started or not timer.expired():
                raise
            detail = (
                f"the answer took longer than {self._seconds:g} s and was given up; ask for less, "
                "submit it as a job, or raise REQUEST_TIMEOUT_S in the service's settings"
            )
            await send_problem(make_problem(504, detail), scope, send)

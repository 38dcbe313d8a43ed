"""Answers errors that nobody foresaw: the reason goes into the log and nowhere else."""

from __future__ import annotations

from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_service.logging.loggers import get_logger
from simutrador_service.problems.sending import send_problem
from simutrador_service.problems.translating import make_problem

_DETAIL: Final = (
    "the service failed to answer; its log holds the reason under this request id: "
    "try again, and quote the id when you report it"
)
_log = get_logger(__name__)


class CrashMiddleware:
    """Turn an exception into problem+json, or cut the connection when half an answer is out."""

    def __init__(self, app: ASGIApp) -> None:
        """Surround `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            if not started:  # nobody is left to read this, but it is counted for what it is
                detail = "the client left before its request had arrived; send it again"
                await send_problem(make_problem(408, detail), scope, send)
        except Exception:
            _log.exception("request_crashed", path=scope["path"])
            if started:
                raise  # half an answer must not look whole: the server cuts the connection
            await send_problem(make_problem(500, _DETAIL), scope, send)

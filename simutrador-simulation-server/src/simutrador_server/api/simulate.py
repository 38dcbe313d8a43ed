"""`/ws/simulate` and `/ws/health`: who may come in, and how they are seen off."""

from __future__ import annotations

from typing import Final

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from simutrador_server import __version__
from simutrador_server.api.credentials import subprotocol_of, token_of
from simutrador_server.api.state import Venue
from simutrador_server.api.talk import Talk
from simutrador_server.auth.door import CloseCode, NotAdmittedError
from simutrador_server.auth.plans import LIMITS
from simutrador_server.auth.user import User
from simutrador_server.simulation.conversation import Conversation
from simutrador_server.simulation.wire import message, stamp

RETRY_AFTER_S: Final = 5
_INTERNAL_ERROR: Final = 1011

_log = structlog.stdlib.get_logger(__name__)


class SimulateEndpoint:
    """The ASGI application behind `/ws/simulate`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify the token, count the connection, talk, close."""
        await receive()  # websocket.connect
        protocol = subprotocol_of(scope)
        try:
            user = (await self._venue.door.admit(token_of(scope))).user
        except NotAdmittedError as e:
            await send({"type": "websocket.accept", "subprotocol": protocol})
            await send(_close(e.close_code, str(e)))
            return
        limits = LIMITS[user.plan]
        if not self._venue.connections.enter(user.user_id, limit=limits.connections):
            await _deny(send, f"plan {user.plan} allows {limits.connections} connections")
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": protocol})
            await self._talk(user, receive, send)
        finally:
            self._venue.connections.leave(user.user_id)

    async def _talk(self, user: User, receive: Receive, send: Send) -> None:
        venue = self._venue
        conversation = Conversation(
            user,
            LIMITS[user.plan],
            venue.book,
            venue.defaults,
            new_id=venue.new_id,
            now=venue.now(),
        )
        try:
            await Talk(conversation, venue.loader, receive, send, now=venue.now).run()
            if conversation.closing is not None:
                await send(_close(conversation.closing.code, conversation.closing.reason))
        except OSError:
            return  # the client went away while something was being sent
        except Exception:  # noqa: BLE001 - the outermost loop of one connection of many
            _log.exception("connection failed", user_id=user.user_id)
            await send(_close(_INTERNAL_ERROR, "internal error"))
        finally:
            conversation.hang_up()


class HealthEndpoint:
    """The ASGI application behind `/ws/health`: says that it is well, to anybody."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send one `health` message and close."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        now = self._venue.now()
        data = {"status": "healthy", "server_version": __version__, "timestamp": stamp(now)}
        await send({"type": "websocket.send", "text": message("health", data, now)})
        await send(_close(CloseCode.NORMAL, ""))


def _close(code: int, reason: str) -> dict[str, object]:
    return {"type": "websocket.close", "code": int(code), "reason": reason}


async def _deny(send: Send, text: str) -> None:
    """Refuse the handshake with status 429."""
    body = orjson.dumps({"error": "RATE_LIMITED", "message": text})
    headers = [
        (b"content-type", b"application/json"),
        (b"retry-after", str(RETRY_AFTER_S).encode()),
        (b"x-ratelimit-type", b"connections"),
    ]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})

"""Questions that need no simulation running: one socket for each, closed after the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from websockets.exceptions import ConnectionClosed

from simutrador_client.auth import AuthClient, get_auth_client
from simutrador_client.background import naming_timeouts
from simutrador_client.connection import Connection, Data
from simutrador_client.dialing import dial, simulate_url
from simutrador_client.errors import SessionConnectionError, SessionError, SessionProtocolError
from simutrador_client.messages import decode
from simutrador_client.settings import get_settings
from simutrador_client.strategy import Number
from simutrador_client.websocket import Instant

_TIMEOUT_S: Final = 10.0


async def health(base_ws_url: str | None = None) -> dict[str, Any]:
    """Return what the server says of its health, `status` first; no login needed.

    Raises:
        SessionConnectionError: the server cannot be reached.
        SessionTimeoutError: it did not answer within ten seconds.
        SessionProtocolError: it answered with something else.
    """
    url = simulate_url(base_ws_url or get_settings().server.websocket.url, endpoint="/ws/health")
    with naming_timeouts(_TIMEOUT_S, f"no answer from {url}"):
        async with asyncio.timeout(_TIMEOUT_S):
            socket = await dial(url, shown=url)
            try:
                message = decode(await socket.recv())
            except (OSError, ConnectionClosed) as e:
                raise SessionConnectionError(f"{url} broke off: {e}") from e
            finally:
                await socket.close()
    if message["type"] != "health" or "status" not in message["data"]:
        raise SessionProtocolError(f"{url} sent {message['type']}, not its health")
    return message["data"]


class SessionClient:
    """Makes, shows and deletes simulations without running them; one socket for each call.

    Args:
        auth: Holds the token; the global client when None.
        base_ws_url: Where the venue listens; the configured one when None.
        timeout_s: Seconds an answer may take.
    """

    def __init__(
        self,
        *,
        auth: AuthClient | None = None,
        base_ws_url: str | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._auth = auth or get_auth_client()
        self._url = simulate_url(base_ws_url or get_settings().server.websocket.url)
        self._timeout_s = timeout_s

    async def create(
        self,
        *,
        symbols: Sequence[str],
        start_date: Instant,
        end_date: Instant,
        initial_capital: Number,
        **extras: Any,
    ) -> dict[str, Any]:
        """Make a simulation that does not run yet and return what the server made.

        Raises:
            SessionError: the server refused, with its code in `error_code`.
        """
        data = {
            "symbols": list(symbols),
            "start_date": start_date,
            "end_date": end_date,
            "initial_capital": initial_capital,
            **extras,
        }
        return await self._ask("create_session", data, answer="session_created")

    async def get(self, session_id: str) -> dict[str, Any]:
        """Return one simulation; errors as `create`, SESSION_NOT_FOUND among them."""
        return await self._ask("get_session", {"session_id": session_id}, answer="session_data")

    async def list(self) -> list[dict[str, Any]]:
        """Return the simulations of the user, possibly none."""
        answer = await self._ask("list_sessions", {}, answer="sessions_list")
        return answer.get("sessions", [])

    async def delete(self, session_id: str) -> dict[str, Any]:
        """Delete one simulation; errors as `create`, SESSION_NOT_FOUND among them."""
        data = {"session_id": session_id}
        return await self._ask("delete_session", data, answer="session_deleted")

    async def _ask(self, kind: str, data: Data, *, answer: str) -> Data:
        async with self._connected() as connection:
            return await connection.request(
                kind, data, answers=frozenset({answer}), failure=SessionError
            )

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Connection]:
        url = self._auth.get_websocket_url(self._url)
        listener = _Deaf()
        connection = Connection(
            await dial(url, shown=self._url), listener, timeout_s=self._timeout_s
        )
        try:
            yield connection
        finally:
            await connection.close()


class _Deaf:
    """Needs nothing of what answers no request."""

    def on_push(self, kind: str, data: Data) -> None:
        pass

    def is_crowded(self) -> bool:
        return False

    def on_lost(self, error: SessionError) -> None:
        pass

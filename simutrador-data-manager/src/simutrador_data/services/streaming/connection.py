"""One connection of a stream: opened, listened to, and given up when nothing is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.protocol import Event

from simutrador_core.errors import InputError
from simutrador_data.services.data_providers.http.waiting import retry_after_s
from simutrador_data.services.streaming.patience import LivePatience
from simutrador_data.services.streaming.silence import Silence, Step

_LARGEST_MESSAGE: Final = 1 << 20
_GOODBYE_S: Final = 1.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

# The library tells of each connection and frame; only what follows from it is worth a line.
_log = logging.getLogger("simutrador_data.stream")
_log.setLevel(logging.WARNING)


class End(StrEnum):
    """How a connection ended."""

    CUT = "cut"
    STALE = "stale"
    RENEWED = "renewed"


class RefusedError(Exception):
    """The vendor said no, with an HTTP status or a code of its own; a verdict for the caller."""

    def __init__(self, status: int, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.retry_after_s = retry_after_s


class UnreachableError(Exception):
    """Nobody answered who speaks WebSocket; the text says how; a verdict for the caller."""


class _Hearing(ClientConnection):
    """Notes when it last heard a whole frame: data, a ping or a pong."""

    heard_at = 0.0

    def process_event(self, event: Event) -> None:
        """Take a frame."""
        self.heard_at = self.loop.time()
        super().process_event(event)


class _Dial(connect):
    """Follows no redirect: each would be a connection more, made at once."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Let it stand as the answer."""
        return exc


class LiveConnection:
    """An open stream."""

    def __init__(self, socket: _Hearing, patience: LivePatience) -> None:
        """Listen to a socket that is open."""
        self._socket = socket
        self._patience = patience
        self._opened_at = socket.loop.time()

    @property
    def healthy_s(self) -> float:
        """How long signs of life came after it was opened."""
        return max(0.0, self._socket.heard_at - self._opened_at)

    @property
    def silent_s(self) -> float:
        """How long ago the last sign of life came."""
        return self._socket.loop.time() - self._socket.heard_at

    async def listen(self, take: Callable[[str | bytes], None]) -> End:
        """Hand each message on until the connection ends, falls silent or has lived its life.

        Raises:
            RefusedError: `take` found that a message says so.
        """
        reading = asyncio.create_task(self._read(take))
        guarding = asyncio.create_task(self._guard())
        try:
            done, _ = await asyncio.wait(
                {reading, guarding},
                timeout=self._patience.life_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if reading in done:
                reading.result()
                return End.CUT
            if guarding in done:
                guarding.result()
                self._socket.transport.abort()  # nobody there would answer a goodbye
                return End.STALE
            return End.RENEWED
        finally:
            for task in (reading, guarding):
                task.cancel()
            await asyncio.gather(reading, guarding, return_exceptions=True)

    async def close(self) -> None:
        """Say goodbye where somebody is left to hear it, and let go."""
        await self._socket.close()

    async def _read(self, take: Callable[[str | bytes], None]) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                take(message)

    async def _guard(self) -> None:
        """Return once nothing is heard, not even the answer to a ping."""
        loop = self._socket.loop
        silence = Silence(self._patience.interval_s, loop.time())
        while True:
            silence.hear(self._socket.heard_at)
            step, wait_s = silence.step(loop.time())
            if step is Step.STALE:
                return
            if step is Step.PING:
                silence.ping(loop.time())
                with suppress(ConnectionClosed, TimeoutError):
                    # Where a peer reads nothing any more even this may not leave.
                    async with asyncio.timeout(wait_s):
                        await self._socket.ping()
                _, wait_s = silence.step(loop.time())
            await asyncio.sleep(wait_s)


async def open_connection(url: str, patience: LivePatience) -> LiveConnection:
    """Connect; the caller closes what it gets.

    Raises:
        RefusedError: the vendor answered with another status than a stream.
        UnreachableError: it did not answer, or not as a stream does.
        InputError: this is no address of a stream, or the environment names no proxy that is one.
    """
    # This machine's own addresses need no proxy.
    direct: dict[str, Any] = {"proxy": None} if urlsplit(url).hostname in _LOOPBACK else {}
    try:
        socket = await _Dial(
            url,
            create_connection=_Hearing,
            compression=None,  # messages are small
            ping_interval=None,  # we ask ourselves, and count every sign of life
            open_timeout=patience.handshake_s,
            close_timeout=_GOODBYE_S,
            max_size=_LARGEST_MESSAGE,
            logger=_log,
            **direct,
        )
    except InvalidStatus as e:
        header = e.response.headers.get("Retry-After")
        wait = retry_after_s(header, now=datetime.now(UTC))
        raise RefusedError(e.response.status_code, retry_after_s=wait) from None
    except (InvalidURI, InvalidProxy, ImportError) as e:  # a SOCKS proxy needs a library more
        raise InputError(f"no way to the stream: {e}", field="stream_url") from None
    except (OSError, TimeoutError, WebSocketException) as e:
        raise UnreachableError(f"{type(e).__name__}: {e}") from e
    assert isinstance(socket, _Hearing)
    return LiveConnection(socket, patience)

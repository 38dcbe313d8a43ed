"""`Listener`: a port that is listened on, refused, or deaf."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_FILLERS: Final = 3

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """One port of 127.0.0.1 that stays ours while nobody listens on it."""

    def __init__(self, handle: Handler) -> None:
        """Reserve a free port; `handle` serves each connection."""
        self._handle = handle
        self._holder = _bound(0)
        self.port: Final[int] = self._holder.getsockname()[1]
        self._accepting: asyncio.Task[None] | None = None
        self._sockets: list[socket.socket] = []
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def listen(self) -> None:
        """Accept connections."""
        self.refuse()
        listening = self._open(backlog=128)
        self._accepting = asyncio.ensure_future(self._accept(listening))

    def refuse(self) -> None:
        """Let nobody listen: a client's connection is refused."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        while self._sockets:
            self._sockets.pop().close()

    def play_deaf(self) -> None:
        """Leave clients without an answer to their wish to connect (Linux: the queue is full)."""
        self.refuse()
        self._open(backlog=0)
        for _ in range(_FILLERS):
            filler = socket.socket()
            filler.setblocking(False)
            self._sockets.append(filler)
            with suppress(OSError):
                filler.connect((LOOPBACK, self.port))

    def drop_all(self) -> None:
        """End every connection."""
        for writer in self._serving.values():
            writer.transport.abort()

    async def close(self) -> None:
        """End everything and give the port back."""
        self.refuse()
        self.drop_all()
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        self._holder.close()

    def _open(self, *, backlog: int) -> socket.socket:
        opened = _bound(self.port)
        opened.listen(backlog)
        self._sockets.append(opened)
        return opened

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listening)
            reader, writer = await asyncio.open_connection(sock=connection)
            task = asyncio.ensure_future(self._serve(reader, writer))
            self._serving[task] = writer
            task.add_done_callback(self._serving.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                await self._handle(reader, writer)
        finally:
            writer.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    made.bind((LOOPBACK, port))
    return made

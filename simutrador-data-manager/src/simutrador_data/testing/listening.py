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
    """One port of 127.0.0.1 that stays ours while nobody listens on it.

    It belongs to the event loop that made it, which watches sockets by selector.
    """

    def __init__(self, handle: Handler) -> None:
        """Reserve a free port; `handle` serves each connection."""
        self._loop = asyncio.get_running_loop()
        self._handle = handle
        self._holder = _bound(0)
        self.port: Final[int] = self._holder.getsockname()[1]
        self._listening: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._serving: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Accept connections."""
        self._open(backlog=128)
        self._loop.add_reader(self._opened, self._accept)

    def refuse(self) -> None:
        """Let nobody listen: a client's connection is refused."""
        while self._fillers:
            self._fillers.pop().close()
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    def play_deaf(self) -> None:
        """Leave clients without an answer to their wish to connect (Linux: the queue is full)."""
        self._open(backlog=0)
        for _ in range(_FILLERS):
            filler = socket.socket()
            filler.setblocking(False)
            self._fillers.append(filler)
            with suppress(OSError):
                filler.connect((LOOPBACK, self.port))

    async def drop_all(self) -> None:
        """End every connection; the one that asks for it, if any, ends itself."""
        others = self._serving - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def close(self) -> None:
        """End everything and give the port back."""
        self.refuse()
        await self.drop_all()
        self._holder.close()

    @property
    def _opened(self) -> socket.socket:
        assert self._listening is not None
        return self._listening

    def _open(self, *, backlog: int) -> None:
        self.refuse()
        self._listening = _bound(self.port)
        self._listening.listen(backlog)

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._opened.accept()
            task = self._loop.create_task(self._serve(connection))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
            # A task that is cancelled before its first step closes nothing itself.
            task.add_done_callback(lambda _: connection.close())

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                await self._handle(reader, writer)
        finally:
            if writer is not None:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            connection.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    made.bind((LOOPBACK, port))
    return made

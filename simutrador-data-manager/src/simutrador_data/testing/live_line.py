"""`Line`: one WebSocket connection to a stream, healthy or struck by a fault."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from simutrador_data.testing.breaking import reset
from simutrador_data.testing.live_faults import LiveFault
from simutrador_data.testing.live_minutes import Message
from simutrador_data.testing.vendors.binance_stream import CONNECTION_LIMIT, Stream

_CHUNK: Final = 1 << 16
_GOING_AWAY: Final = 1001


class Line:
    """Carries one client's messages.

    Attributes:
        number: Which connection it is, counted from 1.
        streams: What the client asked for.
        minutes: How many minutes it has been told of.
        fault: What has struck it, None while it is healthy.
    """

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Begin before the handshake."""
        self.number: Final = number
        self.streams: tuple[Stream, ...] = ()
        self.minutes = 0
        self.fault: LiveFault | None = None
        self._reader = reader
        self._writer = writer
        self._protocol = ServerProtocol()

    @property
    def is_open(self) -> bool:
        """Whether it is healthy, as far as a server can tell."""
        return self.fault is None and self._protocol.state is State.OPEN

    async def request(self) -> Request:
        """Return the client's wish to open the connection.

        Raises:
            EOFError: the client left, or spoke something else.
        """
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    return event
            if not await self._read():
                raise EOFError

    def accept(self, request: Request, streams: tuple[Stream, ...]) -> None:
        """Open the connection."""
        self.streams = streams
        self._answer(self._protocol.accept(request))

    def refuse(self, status: int, text: str) -> None:
        """Refuse to open the connection."""
        self._answer(self._protocol.reject(status, text))

    def send(self, message: Message) -> None:
        """Send a message."""
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def ping(self) -> None:
        """Ask whether the client is there."""
        self._protocol.send_ping(b"")
        self._flush()

    def strike(self, fault: LiveFault) -> None:
        """Let a fault of the line happen: it is healthy no more."""
        if fault is LiveFault.CUT:
            self._protocol.send_close(_GOING_AWAY, "24 hours are over")
            self._flush()
        elif fault is LiveFault.ERROR_406:
            self.send(CONNECTION_LIMIT)
        elif fault is LiveFault.HALF_OPEN:
            cast("asyncio.Transport", self._writer.transport).pause_reading()
        elif fault is LiveFault.RESET:
            self.abort()
        self.fault = fault

    def abort(self) -> None:
        """End the connection with a TCP reset."""
        reset(self._writer)

    async def listen(self) -> None:
        """Read until the client leaves; pings are answered as long as anything is."""
        while await self._read():
            self._protocol.events_received()

    async def _read(self) -> bool:
        data = await self._reader.read(_CHUNK)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        return bool(data)

    def _answer(self, response: Response) -> None:
        self._protocol.send_response(response)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self.fault in {LiveFault.MUTE, LiveFault.HALF_OPEN} or self._writer.is_closing():
                continue
            if data:
                self._writer.write(data)
            else:
                self._writer.write_eof()

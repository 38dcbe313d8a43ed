"""How an answer is sent over a connection, rightly and in every wrong way."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from simutrador_data.testing.asking import Reply
from simutrador_data.testing.faults import Fault

TLS_ALERT: Final = bytes.fromhex("15030100020228")
"""A fatal alert: handshake_failure."""

TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of a client that speaks TLS."""

_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the slow faults last, in seconds, and how large the bomb is.

    Attributes:
        drip_s: Between two bytes of a slow drip, and two header lines that never end.
        hang_s: The longest that a mute connection is kept; a client that leaves ends it earlier.
        gone_s: How long nobody listens after a scheduled or injected `REFUSED`.
        retry_after: The value of the header, seconds or an HTTP date.
        bomb_bytes: What the gzip bomb inflates to: a page of JSON after so much white space.
    """

    drip_s: float = 1.0
    hang_s: float = 120.0
    gone_s: float = 0.05
    retry_after: str = "1"
    bomb_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection to a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pace: Pace

    async def send(self, reply: Reply) -> None:
        """Answer as one should."""
        self.writer.write(head(reply, {"Content-Length": str(len(reply.body))}) + reply.body)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        reset(self.writer)

    async def break_with(self, fault: Fault, reply: Reply) -> None:
        """Spoil an answer, and end the connection where the fault does."""
        await _BREAKERS[fault](self, reply)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a TCP reset."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def head(reply: Reply, more: Mapping[str, str]) -> bytes:
    """Return status line and headers."""
    phrase = HTTPStatus(reply.status).phrase
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in {**reply.headers, **more}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _reset_mid_body(wire: Wire, reply: Reply) -> None:
    whole = head(reply, {"Content-Length": str(len(reply.body) + 1)}) + reply.body
    wire.writer.write(whole[: len(whole) - len(reply.body) // 2 - 1])
    await wire.writer.drain()
    # What was written leaves before the reset takes the connection away.
    await asyncio.sleep(0.01)
    wire.reset()


async def _say_nothing(wire: Wire, _: Reply) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(wire.reader.read(1), wire.pace.hang_s)
    wire.reset()


async def _never_end_the_head(wire: Wire, reply: Reply) -> None:
    wire.writer.write(head(reply, {})[: -len("\r\n")])
    await _trickle(wire, [f"X-Line-{n}: more\r\n".encode() for n in range(1_000)])


async def _drip(wire: Wire, reply: Reply) -> None:
    wire.writer.write(head(reply, {"Content-Length": str(len(reply.body))}))
    await _trickle(wire, [reply.body[n : n + 1] for n in range(len(reply.body))])


async def _trickle(wire: Wire, pieces: list[bytes]) -> None:
    left = wire.pace.hang_s
    for piece in pieces:
        wire.writer.write(piece)
        await wire.writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), wire.pace.drip_s)
            break
        left -= wire.pace.drip_s
        if left <= 0:
            break
    wire.reset()


async def _truncate(wire: Wire, reply: Reply) -> None:
    await wire.send(Reply(reply.body[: len(reply.body) // 2], 200, reply.headers))


async def _mislabel(wire: Wire, reply: Reply) -> None:
    await wire.send(Reply(reply.body, 200, {"Content-Type": "image/png"}))


async def _html(wire: Wire, _: Reply) -> None:
    body = b"<!DOCTYPE html><html><body>Service under maintenance</body></html>"
    await wire.send(Reply(body, 200, {"Content-Type": "text/html; charset=utf-8"}))


async def _no_body(wire: Wire, reply: Reply) -> None:
    await wire.send(Reply(b"", 200, reply.headers))


async def _bomb(wire: Wire, reply: Reply) -> None:
    """Send a page of valid JSON behind a gigabyte of white space, a thousandth of it on the way."""
    wire.writer.write(head(reply, {"Content-Encoding": "gzip", "Connection": "close"}))
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    blank = b" " * _BLOCK
    for _ in range(wire.pace.bomb_bytes // _BLOCK):
        wire.writer.write(squeeze.compress(blank))
        await wire.writer.drain()
    wire.writer.write(squeeze.compress(reply.body) + squeeze.flush())
    await wire.writer.drain()
    wire.writer.close()


async def _tls_alert(wire: Wire, _: Reply) -> None:
    wire.writer.write(TLS_ALERT)
    await wire.writer.drain()
    wire.writer.close()


_BREAKERS: Final[dict[Fault, Callable[[Wire, Reply], Awaitable[None]]]] = {
    Fault.RESET: _reset_mid_body,
    Fault.READ_TIMEOUT: _say_nothing,
    Fault.TOTAL_TIMEOUT: _never_end_the_head,
    Fault.SLOW_DRIP: _drip,
    Fault.TRUNCATED_JSON: _truncate,
    Fault.WRONG_CONTENT_TYPE: _mislabel,
    Fault.HTML: _html,
    Fault.NO_BODY: _no_body,
    Fault.GZIP_BOMB: _bomb,
    Fault.TLS_ERROR: _tls_alert,
}

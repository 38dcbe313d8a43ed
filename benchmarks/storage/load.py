"""A client that asks a server for whole answers over a few connections that stay open."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

_ROOM: Final = 4_000_000


@dataclass(frozen=True)
class Load:
    """What a number of requests took: seconds of all of them, and the bytes of the last body."""

    requests: int
    seconds: float
    body_bytes: int

    @property
    def each_ms(self) -> float:
        """Milliseconds a request, over all connections together."""
        return self.seconds * 1_000 / self.requests


def ask(
    port: int, paths: Sequence[str], *, requests: int, connections: int, header: str = ""
) -> Load:
    """Send requests for the paths in turn to 127.0.0.1 and take every answer whole.

    Raises:
        RuntimeError: an answer is not the one expected, or has no length.
    """
    turns = iter(range(requests))
    lock = threading.Lock()
    failed: list[str] = []
    sizes: list[int] = []

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            buffer = bytearray(_ROOM)
            while not failed:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return
                head = f"GET {paths[turn % len(paths)]} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n"
                stream.sendall(head.encode())
                size, problem = _take(stream, buffer)
                sizes.append(size)
                if problem:
                    failed.append(problem)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    begun = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return Load(requests, perf_counter() - begun, sizes[-1])


def _take(stream: socket.socket, buffer: bytearray) -> tuple[int, str]:
    """Return the size of the body of one answer, and what is wrong with it."""
    view = memoryview(buffer)
    count, end = 0, -1
    while end < 0:
        got = stream.recv_into(view[count:])
        if not got:
            return 0, "the server closed the connection"
        count += got
        end = buffer.find(b"\r\n\r\n", 0, count)
    head = bytes(buffer[:end]).decode("latin-1").lower()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    if head.split(" ", 2)[1] not in {"200", "304"}:
        return 0, head
    size = int(lines.get("content-length", "0"))
    while count < end + 4 + size:
        got = stream.recv_into(view[count:])
        if not got:
            return 0, "the server closed the connection"
        count += got
    return size, ""

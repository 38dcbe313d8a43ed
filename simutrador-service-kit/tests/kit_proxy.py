"""A wire between a client and a real Redis, which spoils what it is told to spoil."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Request = Callable[[bytes], bytes]
"""Given what a client sends, returns what the server gets."""
Reply = Callable[[bytes], bytes | None]
"""Given what the server answers, returns what the client gets; None ends the connection."""


class Wire:
    """Where the proxy listens, and what it does to what passes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.request: Request = lambda data: data
        self.reply: Reply = lambda data: data

    def answer(self, said: bytes) -> None:
        """Answer every command with this instead; the server gets none of them."""
        self.request = lambda _: b"*1\r\n$4\r\nPING\r\n"
        self.reply = lambda _: said

    def repair(self) -> None:
        """Let everything pass."""
        self.request = lambda data: data
        self.reply = lambda data: data

    def cut_replies_after(self, length: int) -> None:
        """Let the server do what it is told, and break off its answers in the middle."""
        left = [length]

        def cut(data: bytes) -> bytes | None:
            left[0] -= len(data)
            return data if left[0] > 0 else None

        self.reply = cut


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Listen on a free port and pass on to the server at `port`."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=self.carry_back, args=(server,), daemon=True)
                back.start()
                with suppress(OSError):
                    while data := self.request.recv(65_536):
                        server.sendall(wire.request(data))
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()

        def carry_back(self, server: socket.socket) -> None:
            with suppress(OSError):
                while data := server.recv(65_536):
                    told = wire.reply(data)
                    if told is None:
                        self.request.sendall(data[: len(data) // 2])
                        break
                    self.request.sendall(told)
            with suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Connection) as listening:
        wire = Wire(f"redis://127.0.0.1:{listening.server_address[1]}/0")
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield wire
        finally:
            listening.shutdown()
            thread.join()

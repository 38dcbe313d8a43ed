"""A small real HTTP server that answers as a test tells it, in order."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from simutrador_core.models.bars import Bars

arrow: Any = pa
END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


@dataclass
class Reply:
    """One answer; a chunked one that is `cut` breaks off without the last chunk."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Asked:
    """What a client sent."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


def problem(status: int, code: str, detail: str, **more: object) -> Reply:
    """Return an error as the data manager writes it."""
    document = {"status": status, "code": code, "detail": detail, **more}
    return Reply(status, json.dumps(document).encode())


def stream_of(*parts: Bars, as_of: int = 7, ends: bool = True, cut: bool = False) -> Reply:
    """Return an Arrow stream, one batch a part; without its end where `ends` is False."""
    sink = io.BytesIO()
    with arrow.ipc.new_stream(sink, parts[0].to_arrow().schema) as writer:
        for part in parts:
            writer.write_table(part.to_arrow())
    data = sink.getvalue()
    assert data.endswith(END)
    return Reply(body=data if ends else data[: -len(END)], headers={"X-As-Of": str(as_of)}, cut=cut)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        server = cast("_Server", self.server)
        server.asked.append(Asked(parts.path, params, dict(self.headers), body))
        reply = next(server.replies)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(reply.body), reply.body) if reply.body else b"")
        if reply.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def __init__(self, replies: Sequence[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = iter(replies)
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def answering(*replies: Reply) -> Iterator[_Server]:
    """Start a server that gives these answers, one a request."""
    with _Server(replies) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

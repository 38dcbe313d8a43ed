"""Compresses answers as the client asks; streams go out part by part, events are left alone."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simutrador_service.web.encodings import Compressor, choose_encoding, encodings

LEAST_BYTES: Final = 1024
_IN_THREAD_FROM: Final = 131_072  # below it, changing threads takes longer than compressing
_NO_BODY: Final = frozenset({204, 206, 304})
_WORTH_IT: Final = re.compile(
    r"text/(?!event-stream)|application/([\w.-]+\+)?(json|xml|javascript|x-ndjson|yaml)\b"
    r"|image/svg\+xml",
    re.IGNORECASE,
)


class Compression:
    """Compress text-like answers of at least 1 KB with zstd or gzip."""

    def __init__(self, app: ASGIApp) -> None:
        """Surround `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        accept = next(
            (value for name, value in scope["headers"] if name == b"accept-encoding"), b""
        )
        encoding = choose_encoding(accept.decode("latin-1")) if accept else None
        answer = _Answer(send, encoding, is_head=scope["method"] == "HEAD")
        await self._app(scope, receive, answer.send)


class _Answer:
    """One answer on its way out: its start is held back until its first part is known."""

    def __init__(self, send: Send, encoding: str | None, *, is_head: bool) -> None:
        self._send = send
        self._encoding = encoding
        self._is_head = is_head
        self._start: Message | None = None
        self._compressor: Compressor | None = None

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        kind = message["type"]
        if kind == "http.response.start":
            message = {**message, "headers": list(message.get("headers", ()))}
            if not _is_worth_it(message):
                await self._send(message)
                return
            _vary(MutableHeaders(raw=message["headers"]))
            if self._encoding is None:
                await self._send(message)
            else:
                self._start = message
        elif kind != "http.response.body":
            await self._send_start()
            await self._send(message)
        elif self._start is not None:
            await self._first(message)
        elif self._compressor is not None:
            await self._send(await self._compressed(message))
        else:
            await self._send(message)

    async def _first(self, message: Message) -> None:
        assert self._start is not None
        headers = MutableHeaders(raw=self._start["headers"])
        is_whole = not message.get("more_body", False)
        size = len(message.get("body", b""))
        if self._is_head:
            size = int(headers.get("content-length", 0))  # untold: it may be too small
        if is_whole and size < LEAST_BYTES:
            await self._send_start()
            await self._send(message)
            return
        assert self._encoding is not None
        headers["Content-Encoding"] = self._encoding
        del headers["Content-Length"]
        if (etag := headers.get("etag", "")).startswith('"'):
            headers["ETag"] = f"W/{etag}"  # the same content in other bytes (RFC 9110, 8.8.3)
        if not self._is_head:
            self._compressor = encodings()[self._encoding]()
            message = await self._compressed(message)
            if is_whole:
                headers["Content-Length"] = str(len(message["body"]))
        await self._send_start()
        await self._send(message)

    async def _send_start(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def _compressed(self, message: Message) -> Message:
        assert self._compressor is not None
        body, last = message.get("body", b""), not message.get("more_body", False)
        if len(body) >= _IN_THREAD_FROM:
            body = await asyncio.to_thread(self._compressor.compress, body, last=last)
        else:
            body = self._compressor.compress(body, last=last)
        return {**message, "body": body}


def _vary(headers: MutableHeaders) -> None:
    """Say that the answer depends on what the client takes, unless the route has said so."""
    named = {name.strip().lower() for name in headers.get("vary", "").split(",")}
    if not named & {"accept-encoding", "*"}:
        headers.add_vary_header("Accept-Encoding")


def _is_worth_it(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    return (
        start["status"] not in _NO_BODY
        and "content-encoding" not in headers
        and "no-transform" not in headers.get("cache-control", "")
        and _WORTH_IT.match(headers.get("content-type", "")) is not None
    )

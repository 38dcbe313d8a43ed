"""A small service, and a real server for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from simutrador_service.auth import Principal, public, require
from simutrador_service.config import ServerSection
from simutrador_service.web import HEAD_ASKED, ServiceInfo, create_app, serving

SERVICE = ServiceInfo("simutrador-demo", "1.2.3", "SimuTrador Demo", expose_headers=["X-Rows"])
LONG = "bars " * 2000


class Note(BaseModel):
    text: str


def demo_routes() -> APIRouter:
    router = APIRouter(dependencies=[public()])

    @router.get("/short")
    async def short() -> dict[str, int]:
        return {"a": 1}

    @router.get("/long")
    async def long(response: Response) -> PlainTextResponse:
        return PlainTextResponse(LONG, headers={"ETag": '"v1"'})

    @router.get("/binary")
    async def binary() -> Response:
        return Response(b"\0" * 10_000, media_type="application/vnd.apache.arrow.stream")

    @router.get("/lines")
    async def lines() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                yield f'{{"n":{number}}}\n'

        return StreamingResponse(parts(), media_type="application/x-ndjson")

    _add_streams(router)
    _add_faults(router)
    _add_writes(router)
    return router


def _add_streams(router: APIRouter) -> None:
    @router.get("/varied")
    async def varied(request: Request) -> PlainTextResponse:
        named = {"Vary": "accept-encoding, Accept", "X-Head": str(HEAD_ASKED in request.scope)}
        return PlainTextResponse(LONG, headers=named)

    @router.get("/events")
    async def events() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            while True:
                yield "data: tick\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(parts(), media_type="text/event-stream")

    @router.get("/jobs-like")
    async def jobs_like() -> EventSourceResponse:
        async def parts() -> AsyncIterator[ServerSentEvent]:
            yield ServerSentEvent("begun")
            await asyncio.Event().wait()

        return EventSourceResponse(parts())

    @router.get("/slow-then-stream")
    async def slow_then_stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(0.5)
            yield b"b"

        return StreamingResponse(parts(), media_type="application/octet-stream")


def _add_faults(router: APIRouter) -> None:
    @router.get("/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("hunter2")


def _add_writes(router: APIRouter) -> None:
    @router.post("/notes")
    async def note(note: Note) -> int:
        return len(note.text)

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.post("/unread")
    async def unread() -> int:
        return 0

    @router.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()


def private_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/who")
    async def who(caller: Annotated[Principal, require("demo:read")]) -> str:
        return caller.id

    return router


def demo_app(server: ServerSection | None = None, **pieces: Any) -> FastAPI:
    """Return the demo service."""
    routers = [demo_routes(), private_routes()]
    return create_app(SERVICE, server or ServerSection(), routers=routers, **pieces)


@contextmanager
def served(make: Callable[[ServerSection], FastAPI], **limits: Any) -> Iterator[str]:
    """Serve an application on a free port in a thread of its own; give its address."""
    server = ServerSection(**{"port": 0, "shutdown_timeout_s": 1, **limits})
    listening, stop = threading.Event(), threading.Event()
    found: list[Any] = []

    async def run() -> None:
        try:
            async with serving(make(server), server) as address:
                found.append(address)
                listening.set()
                await asyncio.to_thread(stop.wait)
        except BaseException as e:
            found.append(e)
            listening.set()
            raise

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert listening.wait(20)
        yield found[0]
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def connect(address: str, *, timeout_s: float = 10) -> socket.socket:
    """Return a connected socket; its owner closes it."""
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout_s)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found

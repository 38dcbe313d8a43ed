"""Serves applications on ports of this machine, with the limits of the settings on every socket."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

from simutrador_core.errors import SimutradorError
from simutrador_service.config import ServerSection
from simutrador_service.web.protocol import GuardedProtocol, SocketLimits, guarded

_BACKLOG: Final = 1024
_FILES_BESIDES: Final = 256


class PortTakenError(SimutradorError):
    """Another program listens at the address; the text says what to do."""

    code = "port_taken"


def serve(
    app: FastAPI, server: ServerSection, *, announce: Callable[[str], None] | None = None
) -> None:
    """Serve until interrupted or terminated; requests under way may end.

    Args:
        app: The application; its lifespan surrounds the serving.
        server: Where, and how much a client may ask for.
        announce: Told the address once it listens, `http://127.0.0.1:8000`.

    Raises:
        PortTakenError: another program listens there.
    """

    async def run() -> None:
        stopped = stop_event()  # first, so that whoever reads the announcement can stop it
        async with serving(app, server) as address:
            if announce is not None:
                announce(address)
            await stopped.wait()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


@asynccontextmanager
async def serving(app: FastAPI, server: ServerSection) -> AsyncGenerator[str]:
    """Serve in this event loop while the body runs; yield the address. Several may be nested.

    Raises:
        PortTakenError: another program listens there.
    """
    bound = bind(server.host, server.port)
    try:
        async with app.router.lifespan_context(app):
            running = _Server(_config(app, server))
            task = asyncio.create_task(running.serve(sockets=[bound]))
            try:
                await _first(running.ready.wait(), task)
                yield f"http://{_place(bound)}"
            finally:
                running.should_exit = True
                # Streams of events end now, instead of holding the server up; clients come back.
                AppStatus.should_exit = True
                try:
                    await task
                finally:
                    AppStatus.should_exit = False
    finally:
        bound.close()


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Raises:
        PortTakenError: another program listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP, else asyncio leaves Nagle's delay on and each small answer can take 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as e:
        bound.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port} ({e.strerror}); stop the program that uses it, or "
            f"choose another port, for instance {port + 1}"
        ) from e
    bound.listen(_BACKLOG)
    return bound


def stop_event() -> asyncio.Event:
    """Return an event that an interrupt or a termination signal sets from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the quick event loop where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """A server that says when it listens, looks after slow clients, and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, GuardedProtocol):
                connection.cut_if_overdue(now)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _config(app: FastAPI, server: ServerSection) -> uvicorn.Config:
    _allow_files(server.max_connections)
    return uvicorn.Config(
        app,
        http=guarded(SocketLimits.of(server)),
        log_config=None,
        log_level="warning",  # below it uvicorn writes the query of a handshake, token and all
        access_log=False,
        server_header=False,
        lifespan="off",
        ws_max_size=server.max_message_bytes,
        ws_per_message_deflate=False,  # small messages, and a client waits for each
        timeout_graceful_shutdown=server.shutdown_timeout_s,
    )


def _allow_files(connections: int) -> None:
    """Ask for enough file descriptors, where the system lets us."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDES
    if soft < wanted <= hard or (soft < wanted and hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _first(ready: Any, task: asyncio.Task[None]) -> None:
    """Wait until the server listens, or ends with its error."""
    waiting = asyncio.ensure_future(ready)
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()


def _place(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


__all__ = ["PortTakenError", "bind", "loop_factory", "serve", "serving", "stop_event"]

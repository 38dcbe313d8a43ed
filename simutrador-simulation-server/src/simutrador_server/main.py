"""Wires settings, keys, bars and the two services together, and serves them in one process."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute

from simutrador_core.errors import SimutradorError
from simutrador_engine.models.config import FillPolicy, ShortSelling
from simutrador_server.api.sign_in import SignIn, on_http_error
from simutrador_server.api.simulate import HealthEndpoint, SimulateEndpoint
from simutrador_server.api.state import Venue
from simutrador_server.auth.keys import KeyStore
from simutrador_server.auth.tokens import Tokens, load_secret
from simutrador_server.core.settings import Settings, SimulationSettings
from simutrador_server.services.bars import BarLoader
from simutrador_server.services.opening import load_registry, open_local
from simutrador_server.simulation.setup import Defaults

_BACKLOG: Final = 128


class PortTakenError(SimutradorError):
    """Another program listens at the address; the text says what to do."""

    code = "port_taken"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two services listen."""

    auth_url: str
    ws_url: str


def defaults_of(settings: SimulationSettings) -> Defaults:
    """Return the settings as a simulation takes them."""
    return Defaults(
        commission_per_share=settings.commission_per_share,
        slippage_bps=settings.slippage_bps,
        leverage=settings.leverage,
        short_selling=ShortSelling(settings.short_selling),
        policy=FillPolicy(settings.policy),
        tick_interval_ms=settings.tick_interval_ms,
    )


@contextmanager
def open_venue(settings: Settings) -> Generator[Venue]:
    """Yield the venue that the settings describe and close its bar store at the end.

    Raises:
        MissingExtraError: the extra `local` is not installed.
        StoreError: the folder of bars holds no store.
        SettingsError: a setting cannot be used.
    """
    venue, defaults = settings.venue, defaults_of(settings.simulation)
    given = venue.jwt_secret_key
    secret = load_secret(venue.data_path) if given is None else given.get_secret_value()
    source = open_local(venue.store)
    try:
        yield Venue(
            keys=KeyStore(venue.data_path),
            tokens=Tokens(secret, lifetime=timedelta(seconds=venue.token_lifetime_s)),
            loader=BarLoader(source, load_registry(venue.store), defaults),
            defaults=defaults,
        )
    finally:
        source.close()


def create_auth_app(venue: Venue) -> Starlette:
    """Return the sign-in service."""
    return Starlette(
        routes=SignIn(venue).routes(), exception_handlers={HTTPException: on_http_error}
    )


def create_ws_app(venue: Venue) -> Starlette:
    """Return the WebSocket service."""
    routes = [
        WebSocketRoute("/ws/simulate", SimulateEndpoint(venue)),
        WebSocketRoute("/ws/health", HealthEndpoint(venue)),
        Route("/health", SignIn(venue).health, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: on_http_error})


@asynccontextmanager
async def serving(
    venue: Venue,
    *,
    host: str = "127.0.0.1",
    auth_port: int = 0,
    ws_port: int = 0,
    max_message_bytes: int = 262_144,
) -> AsyncGenerator[Addresses]:
    """Serve both ports in this event loop while the body runs; port 0 takes any free one.

    Raises:
        PortTakenError: another program listens there.
    """
    auth_socket = bind(host, auth_port)
    try:
        ws_socket = bind(host, ws_port)
    except PortTakenError:
        auth_socket.close()
        raise
    servers = [
        (_server(create_auth_app(venue), max_message_bytes), auth_socket),
        (_server(create_ws_app(venue), max_message_bytes), ws_socket),
    ]
    tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in servers]
    try:
        await asyncio.gather(*(server.ready.wait() for server, _ in servers))
        yield Addresses(f"http://{_place(auth_socket)}", f"ws://{_place(ws_socket)}")
    finally:
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves signals to whoever runs several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _server(app: Starlette, max_message_bytes: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",  # below it uvicorn writes the query of a handshake, token and all
            access_log=False,
            server_header=False,
            lifespan="off",
            ws_max_size=max_message_bytes,
            ws_per_message_deflate=False,  # small messages, and a client waits for each
            timeout_graceful_shutdown=5,
        )
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises:
        PortTakenError: another program listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP, else asyncio leaves Nagle's delay on and each tick can take 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as e:
        bound.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port} ({e.strerror}); "
            "stop the program that uses it, or choose another port"
        ) from e
    bound.listen(_BACKLOG)
    return bound


def _place(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def stop_event() -> asyncio.Event:
    """Return an event that an interrupt or a termination signal sets from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped

"""Wires settings, keys, bars and the two services together, and serves them in one process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from starlette.routing import Match, WebSocketRoute
from starlette.types import Scope

from simutrador_engine.models.config import FillPolicy, ShortSelling
from simutrador_server import __version__
from simutrador_server.api.sign_in import sign_in_routes
from simutrador_server.api.simulate import HealthEndpoint, SimulateEndpoint
from simutrador_server.api.state import Venue
from simutrador_server.auth.door import opened_door
from simutrador_server.core.settings import Settings, SimulationSettings, VenueSettings
from simutrador_server.services.bars import BarLoader
from simutrador_server.services.opening import load_registry, open_bars
from simutrador_server.simulation.setup import Defaults
from simutrador_service.auth import Authenticator
from simutrador_service.config import ServerSection
from simutrador_service.web import ServiceInfo, create_app
from simutrador_service.web.serving import serving as serving_app

NAME: Final = "simutrador-simulation-server"


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
    """Yield the venue that the settings describe and close what it holds at the end.

    Raises:
        MissingExtraError: the extra `local` is not installed.
        StoreError: the folder of bars holds no store.
        SettingsError: a setting cannot be used.
    """
    defaults = defaults_of(settings.simulation)
    with opened_door(settings) as door:
        source = open_bars(settings.venue)
        try:
            loader = BarLoader(source, load_registry(settings.venue.store), defaults)
            yield Venue(door=door, loader=loader, defaults=defaults)
        finally:
            source.close()


def create_auth_app(venue: Venue, server: ServerSection) -> FastAPI:
    """Return the sign-in service."""
    info = ServiceInfo(NAME, __version__, "SimuTrador venue: sign-in")
    return create_app(
        info, server, routers=[sign_in_routes(venue)], authenticator=_authenticator(venue)
    )


def create_ws_app(venue: Venue, server: ServerSection) -> FastAPI:
    """Return the WebSocket service."""
    info = ServiceInfo(NAME, __version__, "SimuTrador venue")
    app = create_app(info, server, authenticator=_authenticator(venue))
    app.router.routes += [
        _SocketRoute("/ws/simulate", SimulateEndpoint(venue)),
        _SocketRoute("/ws/health", HealthEndpoint(venue)),
    ]
    return app


@asynccontextmanager
async def serving(venue: Venue, settings: VenueSettings | None = None) -> AsyncGenerator[Addresses]:
    """Serve both ports in this event loop while the body runs.

    Args:
        venue: What to serve.
        settings: Where; any two free ports of this machine when None.

    Raises:
        PortTakenError: another program listens there.
    """
    settings = settings or VenueSettings(auth_port=0, ws_port=0)
    auth, ws = (_server(settings, port) for port in (settings.auth_port, settings.ws_port))
    async with (
        serving_app(create_auth_app(venue, auth), auth) as auth_url,
        serving_app(create_ws_app(venue, ws), ws) as ws_url,
    ):
        yield Addresses(auth_url, ws_url.replace("http://", "ws://", 1))


class _SocketRoute(WebSocketRoute):
    """A route that telemetry can name."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


def _authenticator(venue: Venue) -> Authenticator:
    return Authenticator(venue.door.keys, venue.door.tokens)


def _server(settings: VenueSettings, port: int) -> ServerSection:
    return ServerSection(
        host=settings.host,
        port=port,
        allowed_origins=settings.allowed_origins,
        max_message_bytes=settings.max_message_bytes,
        max_connections=settings.max_connections,
    )

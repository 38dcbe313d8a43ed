"""`Venue`: everything the two services share, put together in `main`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from simutrador_server.api.connections import Connections
from simutrador_server.auth.door import Door
from simutrador_server.services.bars import BarLoader
from simutrador_server.simulation.book import SessionBook
from simutrador_server.simulation.setup import Defaults


def utc_now() -> datetime:
    """Return the current instant, aware UTC."""
    return datetime.now(UTC)


def new_session_id() -> str:
    """Return a session id that nobody can guess."""
    return f"sess_{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Venue:
    """Door, bars and simulations of one server.

    Attributes:
        door: Who may come in.
        loader: Reads bars.
        defaults: What a simulation gets where its request is silent.
        book: All simulations.
        connections: Who is connected.
        now: The clock; aware UTC.
        new_id: Makes session ids.
    """

    door: Door
    loader: BarLoader
    defaults: Defaults
    book: SessionBook = field(default_factory=SessionBook)
    connections: Connections = field(default_factory=Connections)
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_session_id

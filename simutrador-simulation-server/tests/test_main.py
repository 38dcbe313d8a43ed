"""How the venue is put together and bound."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from simutrador_core.models.enums import UserPlan
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_server.core.settings import Settings, SimulationSettings, VenueSettings
from simutrador_server.main import PortTakenError, bind, defaults_of, open_venue
from simutrador_server.simulation.setup import Defaults
from venue_fixtures import NOW


def test_bound_socket_says_that_it_is_tcp() -> None:
    """Else asyncio does not switch Nagle's delay off on what it accepts."""
    with bind("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_port_in_use_is_named() -> None:
    with bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"127.0.0.1:{port}"):
            bind("127.0.0.1", port)


def test_defaults_of_the_settings_are_those_of_the_rules() -> None:
    assert defaults_of(SimulationSettings()) == Defaults(tick_interval_ms=5.0)


def test_venue_keeps_its_secret_between_runs(tmp_path: Path) -> None:
    ParquetStore(tmp_path / "bars").close()
    venue = VenueSettings(data_path=tmp_path / "venue", bars=f"local:{tmp_path / 'bars'}")
    settings = Settings(venue=venue)
    with open_venue(settings) as first:
        key = first.keys.create("alice", UserPlan.FREE, now=NOW)
        user = first.keys.find(key)
        assert user is not None
        token = first.tokens.issue(user, now=NOW)
    with open_venue(settings) as second:
        assert second.tokens.verify(token, now=NOW).principal == user
        assert second.keys.find(key) == user

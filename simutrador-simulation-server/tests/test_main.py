"""How the venue is put together."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

from simutrador_core.models.enums import UserPlan
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_server.auth.door import SCOPES
from simutrador_server.auth.user import User
from simutrador_server.core.settings import Settings, SimulationSettings, VenueSettings
from simutrador_server.main import create_auth_app, create_ws_app, defaults_of, open_venue
from simutrador_server.simulation.setup import Defaults
from simutrador_service.auth import unmatched_routes
from simutrador_service.config import ServerSection


def test_defaults_of_the_settings_are_those_of_the_rules() -> None:
    assert defaults_of(SimulationSettings()) == Defaults(tick_interval_ms=5.0)


def test_venue_keeps_its_secret_and_keys_between_runs(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_venue(settings) as first:
        key = first.door.keys.create("alice", scopes=SCOPES, plan=UserPlan.FREE).key
        token = asyncio.run(first.door.exchange(key)).token
    with open_venue(settings) as second:
        assert asyncio.run(second.door.admit(token)).user == User("alice", UserPlan.FREE)
        assert asyncio.run(second.door.exchange(key)).principal.id == "alice"


def test_first_key_is_written_where_others_can_reach_the_venue(tmp_path: Path) -> None:
    with open_venue(settings_of(tmp_path)) as venue:
        assert venue.door.keys.is_empty()
    with open_venue(settings_of(tmp_path, host="0.0.0.0")) as venue:
        file = tmp_path / "venue" / "initial-api-key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        given = asyncio.run(venue.door.exchange(file.read_text().strip()))
        assert asyncio.run(venue.door.admit(given.token)).user.user_id == "admin"


def test_every_route_says_whom_it_serves(tmp_path: Path) -> None:
    with open_venue(settings_of(tmp_path)) as venue:
        for make in (create_auth_app, create_ws_app):
            app = make(venue, ServerSection())
            besides = ("/ws/simulate", "/ws/health")  # the protocol's own close codes
            assert unmatched_routes(app, besides=besides) == []


def settings_of(folder: Path, **changes: Any) -> Settings:
    ParquetStore(folder / "bars").close()
    bars = f"local:{folder / 'bars'}"
    return Settings(venue=VenueSettings(data_path=folder / "venue", bars=bars, **changes))

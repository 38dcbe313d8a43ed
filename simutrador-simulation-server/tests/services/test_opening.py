"""Bars come from a folder, or from a data manager that runs elsewhere, with the same results."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.enums import Adjustment, Timeframe, UserPlan
from simutrador_core.remote.remote_bars import RemoteBars
from simutrador_core.testing.builders import FETCHED_AT, make_bars, make_change, query_all
from simutrador_data.services.corporate_actions.action_store import ActionStore
from simutrador_data.services.corporate_actions.records import ActionChange
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_server.auth.door import SCOPES
from simutrador_server.core.settings import Settings, VenueSettings
from simutrador_server.main import open_venue, serving
from simutrador_server.services.opening import open_bars
from venue_fixtures import START, Served, batch, hear, hear_until, minute_bars, order, say
from venue_process import running

DATA_MANAGER = [sys.executable, "-c", "from simutrador_data.cli.commands import main; main()"]


@pytest.mark.parametrize(
    "bars", ["remote:", "remote:storage", "remote:ftp://h", "remote:http://u:p@h", "local:", "x:y"]
)
def test_what_names_no_source_is_refused(bars: str) -> None:
    with pytest.raises(ValidationError, match=r"bars"):
        VenueSettings(bars=bars)


def test_a_key_is_shown_nowhere() -> None:
    key = SecretStr("dm.not-to-be-shown")
    settings = VenueSettings(bars="remote:http://127.0.0.1:9", bars_api_key=key)
    source = open_bars(settings)
    assert isinstance(source, RemoteBars)
    assert "not-to-be-shown" not in f"{source!r} {settings!r}"
    source.close()


def test_assets_of_remote_bars_stand_in_the_venues_folder(tmp_path: Path) -> None:
    settings = VenueSettings(bars="remote:http://127.0.0.1:9", data_path=tmp_path)
    assert settings.store == tmp_path


def test_bars_of_a_folder_are_adjusted_by_the_actions_recorded_there(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store, ActionStore(tmp_path) as actions:
        store.commit(make_change(make_bars("ACME", Timeframe.DAILY, close=[100, 51, 52])))
        split = CorporateAction("ACME", ActionKind.SPLIT, date(2024, 1, 3), ratio=Decimal(2))
        actions.commit(ActionChange([split], "test", "a test asked", FETCHED_AT))
    source = open_bars(VenueSettings(bars=f"local:{tmp_path}"))
    try:
        listed = {info.series.adjustment: info.derived for info in source.symbols()}
        assert listed == {Adjustment.RAW: False, Adjustment.SPLIT: True}
        query = query_all("ACME", Timeframe.DAILY, adjustment=Adjustment.SPLIT)
        assert source.read(query).close.tolist() == [50, 51, 52]
    finally:
        source.close()


@pytest.mark.integration
def test_remote_bars_give_the_same_simulation_as_the_store_itself(tmp_path: Path) -> None:
    with ParquetStore(tmp_path / "bars") as store:
        store.commit(make_change(minute_bars()))
    command = [*DATA_MANAGER, "serve", "--data", "bars", "--port", "0", "--json"]
    local = asyncio.run(simulated(tmp_path, f"local:{tmp_path / 'bars'}"))
    with running(command, cwd=tmp_path) as said:
        remote = asyncio.run(simulated(tmp_path, f"remote:{said['url']}"))
    assert remote["dataset_id"] == local["dataset_id"] != ""
    assert remote["log_sha256"] == local["log_sha256"] != ""


async def simulated(folder: Path, bars: str) -> dict[str, Any]:
    """Return the end of a simulation with one order, over real sockets."""
    settings = Settings(venue=VenueSettings(data_path=folder / "venue", bars=bars))
    with open_venue(settings) as venue:
        key = venue.door.keys.create("alice", scopes=SCOPES, plan=UserPlan.PROFESSIONAL).key
        async with serving(venue) as places:
            served = Served(places.auth_url, places.ws_url, venue, key)
            async with served.connect(await served.token()) as socket:
                await say(socket, "start_simulation", {**START, "flow_control": True})
                (*_, message) = await hear_until(socket, "tick")
                await say(socket, "order_batch", batch(order()))
                while message.type != "simulation_end":
                    if message.type == "tick":
                        ack = {
                            "sequence_id": message.data.sequence_id,
                            "processing_status": "ready",
                        }
                        await say(socket, "tick_ack", ack)
                    message = await hear(socket)
                return message.data.model_dump()

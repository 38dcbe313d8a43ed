"""The run worked out by hand in simutrador-engine/docs/golden-run.md, played over a real socket."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import golden_run
import pytest
from venue_fixtures import PRINCIPAL, START, Served, hear, minute_bars, say, served

from simutrador_core.models.websocket import CreateAndStartRequest
from simutrador_engine.log import header
from simutrador_server.simulation.setup import make_engine

pytestmark = pytest.mark.integration

PAGE = golden_run.read()
ASK: dict[str, Any] = {
    **START,
    "symbols": [PAGE.symbol],
    "slippage_bps": float(PAGE.settings["slippage_bps"]),
    "flow_control": True,
}
KINDS = {(False, False): "market", (True, False): "limit", (False, True): "stop"}


def message_of(given: golden_run.GoldenCommand) -> tuple[str, dict[str, Any]]:
    """Return the message that stands for a command of the page."""
    if given.action == "cancel":
        return "cancel_order", {"order_id": given.order_id}
    if given.action == "replace":
        terms = {("price" if n == "limit_price" else n): text for n, text in given.terms.items()}
        return "replace_order", {"order_id": given.order_id, **terms}
    limit, stop = given.terms.get("limit_price"), given.terms.get("stop_price")
    order = {
        "order_id": given.order_id,
        "symbol": PAGE.symbol,
        "side": given.action,
        "type": KINDS.get((limit is not None, stop is not None), "stop_limit"),
        "time_in_force": "gtc",
        **{("price" if n == "limit_price" else n): text for n, text in given.terms.items()},
    }
    return "order_batch", {"batch_id": f"b-{given.order_id}", "orders": [order]}


async def play(venue: Served) -> Any:
    """Send each command after its tick and return the data of `simulation_end`."""
    token = venue.venue.door.tokens.issue(PRINCIPAL)
    tick = 0
    async with venue.connect(token) as socket:
        await say(socket, "start_simulation", ASK)
        while True:
            message = await hear(socket)
            if message.type == "simulation_end":
                return message.data
            if message.type != "tick":
                continue
            tick += 1
            for given in (each for each in PAGE.commands if each.tick == tick):
                await say(socket, *message_of(given))
            number = message.data.sequence_id
            await say(socket, "tick_ack", {"sequence_id": number, "processing_status": "ready"})


async def test_the_run_worked_by_hand_gives_the_same_log_bytes_over_the_socket(
    tmp_path: Path,
) -> None:
    rows = [
        (float(row["open"]), float(row["high"]), float(row["low"]), float(row["close"]))
        for row in PAGE.bars
    ]
    bars = minute_bars(PAGE.symbol, rows)
    async with served(tmp_path, bars) as venue:
        end = await play(venue)
        request = CreateAndStartRequest.model_validate(ASK)
        loader = venue.venue.loader
        config = make_engine(request, loader.material(request), venue.venue.defaults).config
    # Line 0 names this venue's calendar and dataset; every line after it is the page's.
    expected = "".join(f"{line}\n" for line in [header(config), *PAGE.lines[1:]])
    assert end.log_sha256 == sha256(expected.encode()).hexdigest()
    assert str(end.final_equity) == PAGE.numbers["final_equity"]

"""What happens when a connection breaks inside: it is closed alone, and logged once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_server.api.simulate import SimulateEndpoint
from venue_fixtures import PRINCIPAL, START, hear, say, served

pytestmark = pytest.mark.integration


class BrokenStore(MemoryStore):
    """A store with a fault that nobody foresaw."""

    def symbols(self, timeframe: Any = None) -> Any:
        raise ZeroDivisionError("unforeseen")

    def read(self, query: BarQuery, /) -> Bars:
        raise ZeroDivisionError("unforeseen")


async def test_unforeseen_fault_closes_one_connection_with_1011(tmp_path: Path) -> None:
    async with served(tmp_path) as venue:
        loader: Any = venue.venue.loader
        async with venue.connect(await venue.token()) as other:
            await hear(other)
            with structlog.testing.capture_logs() as logs:
                async with venue.connect(await venue.token()) as socket:
                    await hear(socket)
                    loader._source = BrokenStore()
                    await say(socket, "start_simulation", START)
                    await socket.wait_closed()
                    assert socket.close_code == 1011
            failed = [one for one in logs if one["log_level"] == "error"]
            assert [(one["event"], one["user_id"]) for one in failed] == [
                ("connection failed", "alice")
            ]
            await say(other, "ping", {})
            assert (await hear(other)).type == "pong"


async def test_client_that_is_gone_while_something_is_sent_is_forgotten(tmp_path: Path) -> None:
    """The server's `send` raises `OSError` then; nothing may leak from it."""
    async with served(tmp_path) as venue:
        token = venue.venue.door.tokens.issue(PRINCIPAL)
        frames = asyncio.Queue[dict[str, Any]]()
        start = {"type": "start_simulation", "data": START}
        frames.put_nowait({"type": "websocket.connect"})
        frames.put_nowait({"type": "websocket.receive", "text": json.dumps(start)})
        sent: list[str] = []

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event["type"])
            if event["type"] == "websocket.send" and '"tick"' in event["text"]:
                raise OSError("gone")

        scope = {
            "type": "websocket",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "query_string": b"",
        }
        await SimulateEndpoint(venue.venue)(scope, frames.get, send)
        assert sent[0] == "websocket.accept"
        assert "websocket.close" not in sent
        assert venue.venue.connections.count("alice") == 0
        assert venue.venue.book.open_count("alice") == 0

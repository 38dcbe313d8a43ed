"""Events of the tests, and what waits for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simutrador_service.database import Database
from simutrador_service.events import Event, StoredEvent, record

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def an_event(number: int = 0, *, event: str = "bars_stored", **payload: Any) -> Event:
    return Event(event, AT, "simutrador-sync", {"n": number, **payload})


def record_events(database: Database, *numbers: int) -> None:
    """Record each in a transaction of its own."""
    for number in numbers:
        with database.write() as session:
            record(session, an_event(number))


def numbers_of(events: list[StoredEvent]) -> list[int]:
    return [stored.event.payload["n"] for stored in events]


def numbers_in(stream: list[tuple[str, dict[str, str]]]) -> list[int]:
    return [json.loads(fields["envelope"])["payload"]["n"] for _, fields in stream]


def wait_until(is_so: Callable[[], object], *, seconds: float = 20.0) -> bool:
    """Return whether it became so in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(0.02)
    return False

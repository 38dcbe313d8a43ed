"""Follow events from a position on: first what the outbox kept, then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection

from simutrador_service.database import Database
from simutrador_service.events.bus import Bus, SlowSubscriberError
from simutrador_service.events.envelope import StoredEvent
from simutrador_service.events.outbox import read_events


async def follow(
    database: Database, bus: Bus, *, after: int, events: Collection[str] | None = None
) -> AsyncGenerator[StoredEvent]:
    """Yield every event after a position, in order, each once, without end.

    A reader too slow for the bus is served from the outbox until it has caught up.

    Args:
        database: The outbox.
        bus: The bus of this process's publisher.
        after: Position of the last event the reader knows, 0 for all.
        events: Names of events; None for all.

    Raises:
        EventsGoneError: some that followed were removed as too old.
    """
    wanted = None if events is None else frozenset(events)
    while True:
        with bus.subscribe() as live:  # before reading: nothing falls between the two
            while page := await asyncio.to_thread(read_events, database, after=after):
                for stored in page:
                    after = stored.position
                    if wanted is None or stored.event.event in wanted:
                        yield stored
            try:
                async for stored in live:
                    if stored.position <= after:
                        continue
                    after = stored.position
                    if wanted is None or stored.event.event in wanted:
                        yield stored
            except SlowSubscriberError:
                continue

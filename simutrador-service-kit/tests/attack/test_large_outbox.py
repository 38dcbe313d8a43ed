"""An outbox that grew while nobody relayed: told in bounded memory, resumed from anywhere."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import event, insert

from kit_events import AT, numbers_in, numbers_of
from kit_redis import closed
from simutrador_core.testing.acceptance import at_scale
from simutrador_service.database import Database
from simutrador_service.events import (
    STREAM,
    Publisher,
    follow_stream,
    last_position,
    read_events,
)
from simutrador_service.events.outbox import number_events, purge_events, waiting_events
from simutrador_service.events.table import OutboxEvent
from simutrador_service.redis import connect, connect_async

pytestmark = pytest.mark.integration

ROWS = at_scale(5_000, 100_000)
TEXT = "x" * 2_000
MOST_BYTES = 8_000_000
"""Less than the rows of any scale hold."""


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with closed(connect(redis_url)) as opened:
        yield opened


@pytest.fixture
def grown(sqlite: Database) -> Database:
    """Return a database in which many events were recorded."""
    for start in range(0, ROWS, 1_000):
        rows: list[dict[str, Any]] = [
            {
                "event_id": f"e{number}",
                "event": "bars_stored",
                "timestamp": AT,
                "source": "simutrador-sync",
                "version": "1.0",
                "payload": {"n": number, "text": TEXT},
                "recorded_at": AT,
            }
            for number in range(start, start + 1_000)
        ]
        with sqlite.write() as session:
            session.execute(insert(OutboxEvent), rows)
    return sqlite


async def test_all_is_told_in_little_memory_and_resumed_from_anywhere(
    grown: Database, client: redis.Redis, redis_url: str
) -> None:
    publisher = Publisher(grown, redis=client)
    tracemalloc.start()
    try:
        assert publisher.relay() == ROWS
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MOST_BYTES < ROWS * len(TEXT)
    assert client.xlen(STREAM) == ROWS
    for position in (1, ROWS // 2, ROWS):
        entries: Any = client.xrange(STREAM, f"{position}-0", count=1)
        assert numbers_in(entries) == [position - 1]
    reader = connect_async(redis_url)
    chance = random.Random(5)
    for after in (0, ROWS - 1, *(chance.randrange(ROWS) for _ in range(20))):
        page = read_events(grown, after=after, limit=3)
        assert numbers_of(page) == [n for n in (after, after + 1, after + 2) if n < ROWS]
        following = follow_stream(reader, after=after, limit=3)
        assert (await anext(following)).position == after + 1
        await following.aclose()
    await reader.aclose()
    assert read_events(grown, after=ROWS) == []


@contextmanager
def counted_work(database: Database) -> Iterator[list[int]]:
    """Count the steps of SQLite's machine, by the hundred."""
    hundreds = [0]

    def count() -> int:
        hundreds[0] += 1
        return 0

    def watch(connection: Any, _record: object) -> None:
        connection.set_progress_handler(count, 100)

    database.engine.dispose()
    event.listen(database.engine, "connect", watch)
    yield hundreds
    event.remove(database.engine, "connect", watch)
    database.engine.dispose()


def test_a_look_at_the_backlog_does_not_go_through_what_was_told(grown: Database) -> None:
    with counted_work(grown) as hundreds:
        assert waiting_events(grown, redis=False) == (ROWS, AT)
        before = hundreds[0]
    while number_events(grown):
        pass
    with counted_work(grown) as hundreds:
        assert waiting_events(grown, redis=False) == (0, None)
        assert hundreds[0] < 10 < before  # it can count: that look had something to go through


def test_what_is_old_goes_piece_by_piece(grown: Database) -> None:
    while number_events(grown):
        pass
    commits: list[object] = []
    event.listen(grown.engine, "commit", commits.append)
    assert purge_events(grown, before=AT + timedelta(days=1), redis=False) == ROWS
    assert len(commits) > ROWS // 5_000
    assert waiting_events(grown, redis=False) == (0, None)
    assert last_position(grown) == ROWS

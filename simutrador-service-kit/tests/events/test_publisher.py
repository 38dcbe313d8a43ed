"""The publisher with a real Redis: in order, once in the stream, nothing lost while it is gone."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis as redis_library
from sqlalchemy import text

from kit_events import an_event, numbers_in, numbers_of, record_events, wait_until
from kit_redis import closed, running, unused_port
from simutrador_service.database import KIT, Database
from simutrador_service.errors import SettingsError
from simutrador_service.events import (
    STREAM,
    Bus,
    Event,
    Publisher,
    channels_of,
    follow_stream,
    last_position,
    read_events,
    record,
)
from simutrador_service.events.envelope import to_envelope
from simutrador_service.monitoring import Check, CheckFailedError, Metrics
from simutrador_service.redis import RedisUnavailableError, connect, connect_async

pytestmark = pytest.mark.integration


@pytest.fixture
def client(redis_url: str) -> Iterator[redis_library.Redis]:
    with closed(connect(redis_url)) as opened:
        yield opened


@contextmanager
def started(publisher: Publisher) -> Iterator[Publisher]:
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop()


def failure(check: Check) -> str:
    try:
        check()
    except CheckFailedError as e:
        return str(e)
    return ""


def in_stream(client: redis_library.Redis) -> list[int]:
    entries: Any = client.xrange(STREAM)
    return numbers_in(entries)


def test_events_stand_in_the_stream_in_order_under_their_positions(
    database: Database, client: redis_library.Redis
) -> None:
    record_events(database, *range(250))
    assert Publisher(database, redis=client).relay() == 250
    assert in_stream(client) == list(range(250))
    entries: Any = client.xrange(STREAM, count=1)
    ((entry_id, fields),) = entries
    (stored,) = read_events(database, after=0, limit=1)
    assert (entry_id, fields["id"]) == ("1-0", stored.event.id)
    assert json.loads(fields["envelope"]) == to_envelope(stored.event)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("cache_sync_triggered", ["tickstock:cache:sync_triggered"]),
        ("cache_sync_started", ["tickstock:cache:started"]),
        ("cache_sync_progress", ["tickstock:cache:progress"]),
        ("cache_sync_completed", ["tickstock:cache:sync_complete", "tickstock:cache:completed"]),
        ("cache_sync_failed", ["tickstock:cache:failed"]),
        ("error", ["tickstock:errors"]),
        ("universe_updated", ["tickstock:universe:updated"]),
        ("ipo_assignment", ["tickstock:cache:ipo_assignment"]),
        ("delisting_cleanup", ["tickstock:cache:delisting_cleanup"]),
        ("job_progress_update", ["tickstock:monitoring"]),
        ("daily_processing_completed", ["tickstock:processing:status"]),
        ("bars_stored", ["simutrador:bars_stored"]),
    ],
)
def test_an_event_goes_to_its_documented_channels(name: str, channels: list[str]) -> None:
    assert list(channels_of(an_event(event=name))) == channels


def test_subscribers_of_a_channel_get_the_envelope(
    sqlite: Database, client: redis_library.Redis
) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("tickstock:universe:updated")
        listener.get_message(timeout=5)
        with sqlite.write() as session:
            record(session, an_event(1, event="universe_updated"))
        Publisher(sqlite, redis=client).relay()
        found = None
        while found is None:
            found = listener.get_message(timeout=5)
    assert set(json.loads(found["data"])) == {"event", "timestamp", "source", "version", "payload"}


def test_a_started_publisher_relays_what_is_recorded_soon(
    sqlite: Database, client: redis_library.Redis
) -> None:
    with started(Publisher(sqlite, redis=client, poll=timedelta(seconds=60))):
        record_events(sqlite, 1)
        assert wait_until(lambda: in_stream(client) == [1])  # long before the next poll
        record_events(sqlite, 2)
        assert wait_until(lambda: in_stream(client) == [1, 2])


def test_nothing_is_lost_or_doubled_while_redis_is_gone(sqlite: Database) -> None:
    port, metrics = unused_port(), Metrics("test", "1")
    waiting = lambda: metrics.registry.get_sample_value("events_waiting")  # noqa: E731
    with (
        closed(connect(f"redis://127.0.0.1:{port}/0", timeout_s=0.3)) as client,
        started(Publisher(sqlite, redis=client, metrics=metrics)) as publisher,
    ):
        record_events(sqlite, 0)
        assert wait_until(lambda: waiting() == 1.0)
        check = publisher.check(longest_wait=timedelta(0))
        assert wait_until(lambda: re.search(r"1 events wait .* correct REDIS__URL", failure(check)))
        with running(port):
            assert wait_until(lambda: waiting() == 0.0)
        record_events(sqlite, 1, 2)  # accepted without it
        assert wait_until(lambda: publisher.backlog().waiting == 2)
        with running(port):  # and what came back is empty
            assert wait_until(lambda: in_stream(client) == [0, 1, 2])
            # The stream holds them a moment before the outbox notes that it does.
            assert wait_until(lambda: publisher.check()() == {"waiting": 0})
            assert wait_until(lambda: waiting() == 0.0)
        assert publisher.backlog().waiting == 0


def test_a_redis_that_lost_data_is_filled_again_while_nothing_happens(
    sqlite: Database, client: redis_library.Redis
) -> None:
    record_events(sqlite, *range(5))
    with started(Publisher(sqlite, redis=client, poll=timedelta(milliseconds=50))):
        assert wait_until(lambda: in_stream(client) == list(range(5)))
        client.flushall()
        assert wait_until(lambda: in_stream(client) == list(range(5)))


def test_what_redis_lost_is_not_announced_again(
    sqlite: Database, client: redis_library.Redis
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 1, 2)
    publisher.relay()
    client.flushall()
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("simutrador:bars_stored")
        listener.get_message(timeout=5)
        record_events(sqlite, 3)
        assert publisher.relay() == 1
        heard: list[int] = []
        while (message := listener.get_message(timeout=0.2)) is not None:
            heard.append(json.loads(message["data"])["payload"]["n"])
    assert heard == [3]
    assert in_stream(client) == [1, 2, 3]


def test_a_redis_that_lost_more_than_is_kept_gets_the_rest_and_peace(
    sqlite: Database, client: redis_library.Redis
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, *range(4))
    publisher.relay()
    with sqlite.write() as session:
        session.execute(text("DELETE FROM event_outbox WHERE position <= 2"))
    client.flushall()
    publisher.relay()
    assert in_stream(client) == [2, 3]
    with sqlite.write() as session:
        session.execute(text("DELETE FROM event_outbox"))
    client.flushall()
    assert publisher.relay() == 0
    record_events(sqlite, 9)
    assert publisher.relay() == 1
    assert in_stream(client) == [9]


def test_full_memory_stops_the_relay_and_loses_nothing(
    sqlite: Database, client: redis_library.Redis
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 1)
    publisher.relay()
    record_events(sqlite, 2)
    client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(RedisUnavailableError, match="raise its maxmemory"):
            publisher.relay()
    finally:
        client.config_set("maxmemory", "0")
    assert publisher.backlog().waiting == 1
    publisher.relay()
    assert in_stream(client) == [1, 2]


def test_publishers_of_many_processes_tell_redis_once(
    database: Database, redis_url: str, client: redis_library.Redis
) -> None:
    clients = [connect(redis_url) for _ in range(3)]
    publishers = [Publisher(database, redis=one) for one in clients]
    heard: list[int] = []
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("simutrador:bars_stored")
        listener.get_message(timeout=5)
        for publisher in publishers:
            publisher.start()
        recording = [
            threading.Thread(target=record_events, args=(database, *range(n, n + 30)))
            for n in (0, 30, 60)
        ]
        for thread in recording:
            thread.start()
        for thread in recording:
            thread.join()
        assert wait_until(lambda: len(in_stream(client)) == 90)
        assert wait_until(lambda: publishers[0].backlog().waiting == 0)
        for publisher in publishers:
            publisher.stop()
        while (message := listener.get_message(timeout=0.3)) is not None:
            heard.append(json.loads(message["data"])["payload"]["n"])
    for one in clients:
        one.close()
    assert sorted(heard) == list(range(90))
    assert sorted(in_stream(client)) == list(range(90))
    assert heard == in_stream(client) == numbers_of(read_events(database, after=0))


def test_a_leader_that_died_is_followed_by_another(
    sqlite: Database, redis_url: str, client: redis_library.Redis
) -> None:
    now = [datetime.now(UTC)]
    first = Publisher(sqlite, redis=client, clock=lambda: now[0])
    second = Publisher(sqlite, redis=client, clock=lambda: now[0])
    record_events(sqlite, 1)
    assert first.relay() == 1
    record_events(sqlite, 2)
    assert second.relay() == 0  # the first is believed to live
    now[0] += timedelta(seconds=16)
    assert second.relay() == 1
    assert in_stream(client) == [1, 2]


def test_a_stream_fed_by_another_database_is_refused(
    sqlite: Database, client: redis_library.Redis, tmp_path: Path
) -> None:
    record_events(sqlite, 1)
    Publisher(sqlite, redis=client).relay()
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    KIT.upgrade(other)
    record_events(other, 2, 3)
    with pytest.raises(SettingsError, match="give this service a stream of its own"):
        Publisher(other, redis=client).relay()
    other.close()
    assert in_stream(client) == [1]


@pytest.mark.parametrize("events_since", [[4], [4, 5], [4, 5, 6]])
def test_an_outbox_restored_from_a_backup_counts_on_from_the_stream(
    sqlite: Database, client: redis_library.Redis, events_since: list[int]
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 1, 2, 3)
    publisher.relay()
    with sqlite.write() as session:  # as it was after the first event
        session.execute(text("DELETE FROM event_outbox WHERE position > 1"))
        session.execute(text("UPDATE event_relay SET position = 1"))
    record_events(sqlite, *events_since)
    publisher.relay()
    publisher.relay()
    assert in_stream(client) == [1, 2, 3, *events_since]
    assert last_position(sqlite) == 3 + len(events_since)


def test_a_relay_that_died_before_its_note_is_continued(
    sqlite: Database, client: redis_library.Redis
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 1, 2, 3)
    publisher.relay()
    with sqlite.write() as session:
        session.execute(text("UPDATE event_relay SET position = 1 WHERE name = 'redis'"))
    record_events(sqlite, 4)
    assert publisher.relay() == 3
    assert in_stream(client) == [1, 2, 3, 4]


def test_the_stream_is_trimmed(sqlite: Database, client: redis_library.Redis) -> None:
    publisher = Publisher(sqlite, redis=client, keep_messages=100)
    record_events(sqlite, *range(350))
    publisher.relay()
    left = in_stream(client)
    assert 100 <= len(left) <= 300  # Redis drops whole nodes of about a hundred
    assert left[-1] == 349


async def test_events_reach_the_bus_of_every_process_without_redis(sqlite: Database) -> None:
    mine, other = Bus(), Bus()
    with (
        started(Publisher(sqlite, bus=mine)),
        started(Publisher(sqlite, bus=other, poll=timedelta(milliseconds=20))),
        mine.subscribe() as here,
        other.subscribe() as there,
    ):
        await asyncio.to_thread(record_events, sqlite, 1, 2)
        async with asyncio.timeout(10):
            for subscription in (here, there):
                assert numbers_of([await anext(subscription) for _ in range(2)]) == [1, 2]


def test_what_was_recorded_before_stop_is_relayed(
    sqlite: Database, client: redis_library.Redis
) -> None:
    publisher = Publisher(sqlite, redis=client, poll=timedelta(seconds=60))
    publisher.start()
    record_events(sqlite, *range(20))
    publisher.stop()
    assert in_stream(client) == list(range(20))


def test_old_events_go_after_they_were_told(sqlite: Database, client: redis_library.Redis) -> None:
    long_after = lambda: datetime.now(UTC) + timedelta(days=8)  # noqa: E731
    record_events(sqlite, 1)
    Publisher(sqlite, redis=client).relay()

    def left() -> int:
        with sqlite.read() as session:
            return session.scalar(text("SELECT count(*) FROM event_outbox")) or 0

    assert left() == 1
    with started(Publisher(sqlite, redis=client, clock=long_after)):
        assert wait_until(lambda: left() == 0)


async def test_following_the_stream_resumes_after_a_position(
    sqlite: Database, client: redis_library.Redis, redis_url: str
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, *range(1, 5))
    publisher.relay()
    reader = connect_async(redis_url)
    seen: list[int] = []
    async with asyncio.timeout(10):
        async for stored in follow_stream(reader, after=2):
            seen.append(stored.event.payload["n"])
            if len(seen) == 2:
                record_events(sqlite, 5)
                publisher.relay()
            if len(seen) == 3:
                break
    await reader.aclose()
    assert seen == [3, 4, 5]


def test_a_service_may_name_channels_of_its_own(
    sqlite: Database, client: redis_library.Redis
) -> None:
    def dotted_too(event: Event) -> list[str]:
        return [name for c in channels_of(event) for name in (c, c.replace(":", "."))]

    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe("simutrador*")
        listener.get_message(timeout=5)
        record_events(sqlite, 1)
        Publisher(sqlite, redis=client, channels=dotted_too).relay()
        heard = [listener.get_message(timeout=5) for _ in range(2)]
    assert {message["channel"] for message in heard if message} == {
        "simutrador:bars_stored",
        "simutrador.bars_stored",
    }

"""Consumers of the stream: again until dealt with, a dead letter after five tries, never lost."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kit_events import record_events, wait_until
from kit_redis import closed, running, unused_port
from simutrador_service.database import Database
from simutrador_service.events import (
    STREAM,
    Publisher,
    StoredEvent,
    StreamConsumer,
    dead_letters,
    handle_once,
)
from simutrador_service.redis import connect, connect_async

pytestmark = pytest.mark.integration

IDLE = timedelta(seconds=0.4)


class Ledger:
    """Counts what a handler was given; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.given: list[int] = []
        self.failures = failures

    async def __call__(self, stored: StoredEvent) -> None:
        self.given.append(stored.event.payload["n"])
        if self.failures > 0:
            self.failures -= 1
            raise RuntimeError(f"cannot, token={'x' * 20}")


@pytest.fixture
def publisher(sqlite: Database, redis_url: str) -> Any:
    with closed(connect(redis_url)) as client:
        yield Publisher(sqlite, redis=client)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    opened = connect_async(redis_url)
    yield opened
    await opened.aclose()


async def consume(
    consumer: StreamConsumer, is_done: Callable[[], bool | Awaitable[bool]], *, seconds: float = 15
) -> None:
    """Run a consumer until it is so."""
    async with asyncio.timeout(seconds):
        while True:
            done = is_done()
            if done if isinstance(done, bool) else await done:
                return
            await consumer.run_once()


async def pending(client: Any) -> int:
    return (await client.xpending(STREAM, "g"))["pending"]


async def test_members_of_a_group_share_the_events_and_another_group_gets_all(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, *range(40))
    publisher.relay()
    ledgers = [Ledger() for _ in range(3)]
    first, second, other = (
        StreamConsumer(client, ledger, group=group, batch=5)
        for ledger, group in zip(ledgers, ("g", "g", "other"), strict=True)
    )
    for _ in range(5):
        await first.run_once()
        await second.run_once()
    await consume(other, lambda: len(ledgers[2].given) == 40)
    shared = ledgers[0].given + ledgers[1].given
    assert sorted(shared) == list(range(40))
    assert min(len(ledgers[0].given), len(ledgers[1].given)) > 0
    assert await pending(client) == 0


async def test_a_group_may_begin_after_a_position(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, *range(1, 6))
    publisher.relay()
    ledger = Ledger()
    consumer = StreamConsumer(client, ledger, group="g", after=3)
    await consume(consumer, lambda: len(ledger.given) == 2)
    assert ledger.given == [4, 5]


async def test_a_handler_that_fails_is_given_the_event_again(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, 1, 2)
    publisher.relay()
    ledger = Ledger(failures=1)
    consumer = StreamConsumer(client, ledger, group="g", idle=IDLE)
    await consume(consumer, lambda: len(ledger.given) == 3)
    assert ledger.given == [1, 2, 1]
    assert await pending(client) == 0
    assert await dead_letters(client) == []


async def test_a_poison_event_is_a_dead_letter_after_five_tries_and_may_be_retried(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, 1)
    publisher.relay()
    ledger = Ledger(failures=5)
    consumer = StreamConsumer(client, ledger, group="g", idle=timedelta(seconds=0.1))

    async def is_dead() -> bool:
        return bool(await dead_letters(client))

    await consume(consumer, is_dead)
    (letter,) = await dead_letters(client)
    assert ledger.given == [1] * 5
    assert (letter.deliveries, letter.group, letter.position) == (5, "g", 1)
    assert letter.reason == "RuntimeError: cannot, token=********"
    assert await pending(client) == 0
    assert await consumer.retry_dead() == 1
    assert ledger.given == [1] * 6
    assert await dead_letters(client) == []


async def test_a_handler_that_hangs_is_given_up(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, 1)
    publisher.relay()
    given: list[int] = []

    async def hang_once(stored: StoredEvent) -> None:
        given.append(stored.position)
        if len(given) == 1:
            await asyncio.sleep(60)

    consumer = StreamConsumer(client, hang_once, group="g", idle=IDLE)
    await consume(consumer, lambda: len(given) == 2)
    assert await pending(client) == 0


async def test_an_entry_that_is_no_event_is_dead_at_once(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    await client.xadd(STREAM, {"id": "x", "envelope": "{nonsense"}, id="0-1")
    record_events(sqlite, 1)
    publisher.relay()
    ledger = Ledger()
    await consume(StreamConsumer(client, ledger, group="g"), lambda: ledger.given == [1])
    (letter,) = await dead_letters(client)
    assert "not an event's envelope" in letter.reason


CRASHING = """
import asyncio, os, sys
from simutrador_service.events import StreamConsumer
from simutrador_service.redis import connect_async
from datetime import timedelta

async def main():
    async def die(stored):
        print("begun", flush=True)
        os.kill(os.getpid(), 9)
    client = connect_async(sys.argv[1])
    consumer = StreamConsumer(client, die, group="g", idle=timedelta(seconds=0.2))
    while True:
        await consumer.run_once()

asyncio.run(main())
"""


def crash(redis_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASHING, redis_url], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"begun\n"), done.stderr


async def test_what_a_consumer_died_over_is_done_by_another(
    sqlite: Database, publisher: Publisher, client: Any, redis_url: str
) -> None:
    record_events(sqlite, 7)
    publisher.relay()
    await asyncio.to_thread(crash, redis_url)
    assert await pending(client) == 1
    ledger = Ledger()
    consumer = StreamConsumer(client, ledger, group="g", idle=timedelta(seconds=0.2))
    await consume(consumer, lambda: ledger.given == [7])
    assert await pending(client) == 0


async def test_an_event_that_kills_its_consumers_is_not_tried_a_sixth_time(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    record_events(sqlite, 7)
    publisher.relay()
    await client.xgroup_create(STREAM, "g", id="0")
    await client.xreadgroup("g", "dies-1", {STREAM: ">"})
    for number in range(2, 6):  # each takes it over and is never heard of again
        await client.xclaim(STREAM, "g", f"dies-{number}", 0, ["1-0"])
    ledger = Ledger()
    consumer = StreamConsumer(client, ledger, group="g", idle=timedelta(seconds=0.1))

    async def is_dead() -> bool:
        return bool(await dead_letters(client))

    await consume(consumer, is_dead)
    (letter,) = await dead_letters(client)
    assert "its consumer died or hung in each of 5 tries" in letter.reason
    assert ledger.given == []


class Died(BaseException):
    """The consumer is gone, in the middle of its work."""


async def test_what_another_held_is_taken_over_one_at_a_time(
    sqlite: Database, publisher: Publisher, client: Any
) -> None:
    """Else the first of them, if it kills, uses up the tries of those behind it."""
    record_events(sqlite, 1, 2, 3)
    publisher.relay()
    await client.xgroup_create(STREAM, "g", id="0")
    await client.xreadgroup("g", "dies-1", {STREAM: ">"})

    async def die(stored: StoredEvent) -> None:
        raise Died

    consumer = StreamConsumer(client, die, group="g", idle=timedelta(seconds=0.05))
    with pytest.raises(Died):
        await consume(consumer, lambda: False)
    held = await client.xpending_range(STREAM, "g", min="-", max="+", count=10)
    assert [(one["consumer"], one["times_delivered"]) for one in held] == [
        (consumer.name, 2),
        ("dies-1", 1),
        ("dies-1", 1),
    ]


async def test_consumers_go_on_when_redis_comes_back_empty(
    sqlite: Database, tmp_path: Path
) -> None:
    port = unused_port()
    url = f"redis://127.0.0.1:{port}/0"
    with sqlite.write() as session:
        session.execute(text("CREATE TABLE ledger (n INTEGER)"))

    async def work(stored: StoredEvent) -> None:
        with sqlite.write() as session:
            if handle_once(session, "g", stored.event):
                session.execute(
                    text("INSERT INTO ledger VALUES (:n)"), {"n": stored.event.payload["n"]}
                )

    def done() -> list[int]:
        with sqlite.read() as session:
            return list(session.execute(text("SELECT n FROM ledger ORDER BY n")).scalars())

    client = connect_async(url, timeout_s=0.3)
    with closed(connect(url, timeout_s=0.3)) as writer:
        publisher = Publisher(sqlite, redis=writer, poll=timedelta(milliseconds=50))
        publisher.start()
        consuming = asyncio.create_task(StreamConsumer(client, work, group="g", idle=IDLE).run())
        try:
            with running(port):
                record_events(sqlite, 0, 1)
                assert await asyncio.to_thread(wait_until, lambda: done() == [0, 1])
            record_events(sqlite, 2, 3)
            with running(port):
                assert await asyncio.to_thread(wait_until, lambda: done() == [0, 1, 2, 3])
        finally:
            consuming.cancel()
            await asyncio.wait([consuming])
            await asyncio.to_thread(publisher.stop)
            await client.aclose()

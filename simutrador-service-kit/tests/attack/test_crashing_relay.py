"""Publishers that die at the worst moment, wake up too late, or whose clock is set."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from kit_events import numbers_in, numbers_of, record_events
from kit_redis import closed
from simutrador_service.database import Database
from simutrador_service.events import STREAM, Publisher, read_events
from simutrador_service.redis import connect

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
DYING = """
import os, signal, sys
from simutrador_service.database import Database
from simutrador_service.events import Publisher
from simutrador_service.events.redis_relay import RedisRelay
from simutrador_service.redis import connect

setattr(RedisRelay, "_tell", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
Publisher(Database(sys.argv[1]), redis=connect(sys.argv[2])).relay()
"""


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with closed(connect(redis_url)) as opened:
        yield opened


class Clock:
    """Tells the time that a machine believes it is."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def told(client: redis.Redis) -> list[int]:
    entries: Any = client.xrange(STREAM)
    return numbers_in(entries)


def test_killed_between_telling_redis_and_noting_it_is_continued(
    sqlite: Database, client: redis.Redis, redis_url: str
) -> None:
    record_events(sqlite, *range(3))
    command = [sys.executable, "-c", DYING, sqlite.url, redis_url]
    died = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert told(client) == [0, 1, 2]
    clock = Clock()
    publisher = Publisher(sqlite, redis=client, clock=clock)
    assert publisher.backlog().waiting == 3  # it was not noted
    record_events(sqlite, 3)
    assert publisher.relay() == 0  # who died is believed to live for some seconds
    clock.ahead = timedelta(seconds=16)
    assert publisher.relay() == 4
    assert told(client) == [0, 1, 2, 3] == numbers_of(read_events(sqlite, after=0))


def test_one_that_wakes_up_after_another_took_over_doubles_nothing(
    sqlite: Database, client: redis.Redis, redis_url: str
) -> None:
    record_events(sqlite, *range(250))
    with closed(connect(redis_url)) as others:
        late = Clock()
        late.ahead = timedelta(seconds=20)
        other = Publisher(sqlite, redis=others, clock=late)

        def stand_still(event: object) -> tuple[str, ...]:
            """Called in the middle of the first batch: here the other does all the rest."""
            if not woken:
                woken.append(other.relay())
                record_events(sqlite, 250)
                other.relay()
            return ()

        woken: list[int] = []
        publisher = Publisher(sqlite, redis=client, channels=stand_still)
        publisher.relay()
    assert woken == [250]
    assert told(client) == list(range(251)) == numbers_of(read_events(sqlite, after=0))
    assert publisher.backlog().waiting == 0


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_clock_that_was_set_holds_up_neither_who_leads_nor_who_follows(
    step: timedelta, sqlite: Database, client: redis.Redis
) -> None:
    clock = Clock()
    leader = Publisher(sqlite, redis=client, clock=clock)
    record_events(sqlite, 0)
    leader.relay()
    clock.ahead = step
    record_events(sqlite, 1)
    assert leader.relay() == 1
    record_events(sqlite, 2)
    follower = Clock()  # the leader dies; its clock was wrong, this one is right
    follower.ahead = timedelta(seconds=16)
    assert Publisher(sqlite, redis=client, clock=follower).relay() == 1
    assert told(client) == [0, 1, 2]

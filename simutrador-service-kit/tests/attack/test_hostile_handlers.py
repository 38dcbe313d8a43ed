"""Handlers that fail in ways nobody thought of: five tries, a dead letter, and the next event."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from kit_events import an_event
from kit_redis import closed
from simutrador_service.database import Database
from simutrador_service.events import Publisher, StoredEvent, StreamConsumer, dead_letters, record
from simutrador_service.redis import connect, connect_async

pytestmark = pytest.mark.integration

IDLE = timedelta(seconds=0.4)
GOOD = "no failure"


class MuteError(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


async def fail(error: BaseException) -> None:
    raise error


async def await_what_was_cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


WAYS: dict[str, tuple[Callable[[], Awaitable[None]], str]] = {
    "an error": (lambda: fail(ValueError("no such symbol")), "ValueError: no such symbol"),
    "a group of errors": (
        lambda: fail(ExceptionGroup("many", [ValueError("a")])),
        "ExceptionGroup: many (1 sub-exception)",
    ),
    "an error with half a character": (
        lambda: fail(ValueError("caf\udce9\x00.csv")),
        "ValueError: caf??.csv",
    ),
    "an error without text": (lambda: fail(MuteError()), "MuteError"),
    "an error of 1 MB": (lambda: fail(ValueError("x" * 1_000_000)), f"ValueError: {'x' * 988}"),
    "a cancelled task": (await_what_was_cancelled, "CancelledError"),
}


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    opened = connect_async(redis_url)
    yield opened
    await opened.aclose()


async def test_each_is_dead_after_five_tries_with_its_reason_and_others_are_dealt_with(
    sqlite: Database, redis_url: str, client: Any
) -> None:
    with sqlite.write() as session:
        for number, way in enumerate([*WAYS, GOOD]):
            record(session, an_event(number, way=way))
    with closed(connect(redis_url)) as publishing:
        Publisher(sqlite, redis=publishing).relay()
    given: list[str] = []

    async def handle(stored: StoredEvent) -> None:
        way = stored.event.payload["way"]
        given.append(way)
        if way != GOOD:
            await WAYS[way][0]()

    running = asyncio.create_task(StreamConsumer(client, handle, group="g", idle=IDLE).run())
    async with asyncio.timeout(30):
        while len(dead := await dead_letters(client)) < len(WAYS) and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert running.cancel()  # it went on
    with pytest.raises(asyncio.CancelledError):
        await running
    assert Counter(given) == dict.fromkeys(WAYS, 5) | {GOOD: 1}
    told = {letter.entry[1]["envelope"]: (letter.deliveries, letter.reason) for letter in dead}
    ways = {json.loads(envelope)["payload"]["way"]: said for envelope, said in told.items()}
    assert ways == {way: (5, says) for way, (_, says) in WAYS.items()}

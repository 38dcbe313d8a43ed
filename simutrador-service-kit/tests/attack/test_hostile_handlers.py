"""Handlers that fail in ways nobody thought of: five tries, a dead letter, and the next event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from kit_events import record_events
from kit_redis import closed
from simutrador_service.database import Database
from simutrador_service.events import Publisher, StoredEvent, StreamConsumer, dead_letters
from simutrador_service.redis import connect, connect_async

pytestmark = pytest.mark.integration

IDLE = timedelta(seconds=0.1)


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


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_dead_after_five_tries_with_its_reason_and_the_next_is_dealt_with(
    way: str, sqlite: Database, redis_url: str, client: Any
) -> None:
    record_events(sqlite, 1, 2)
    with closed(connect(redis_url)) as publishing:
        Publisher(sqlite, redis=publishing).relay()
    failing, says = WAYS[way]
    given: list[int] = []

    async def handle(stored: StoredEvent) -> None:
        given.append(stored.event.payload["n"])
        if stored.event.payload["n"] == 1:
            await failing()

    running = asyncio.create_task(
        StreamConsumer(client, handle, group="g", idle=IDLE).run(), name="consumer"
    )
    async with asyncio.timeout(10):
        while not (dead := await dead_letters(client)) and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert running.cancel()  # it goes on
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(given) == [1, 1, 1, 1, 1, 2]
    assert [(letter.position, letter.deliveries, letter.reason) for letter in dead] == [
        (1, 5, says)
    ]

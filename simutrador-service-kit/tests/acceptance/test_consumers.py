"""J5: an event whose consumer dies comes again; one that nobody can deal with stops nothing.

The ledger is a file to which each delivery is appended before the handler acts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import kit_consumers
from kit_consumers import CRASHES_ONCE, GROUP, KILLS, POISON
from kit_events import record_events, wait_until
from kit_jobs import FAULT
from kit_redis import closed
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.database import Database
from simutrador_service.events import STREAM, DeadLetter, Publisher, dead_letters
from simutrador_service.redis import connect, connect_async

EVENTS = at_scale(40, 2000)


@contextmanager
def acknowledge_before_the_handler() -> Iterator[None]:
    """A crash then loses what was under way."""
    os.environ[FAULT] = "acknowledge-first"
    yield
    del os.environ[FAULT]


@contextmanager
def consumers(url: str, ledger: Path) -> Iterator[None]:
    """Keep two processes of one group at work; all end with the block."""
    command = [sys.executable, kit_consumers.__file__, url, str(ledger)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_over(client: Any) -> bool:
    """Return whether every event was fetched and none is under way: nothing will come again."""
    groups = client.xinfo_groups(STREAM)
    return [(one["pending"], one["last-delivered-id"]) for one in groups] == [(0, f"{EVENTS}-0")]


async def letters_of(url: str) -> list[DeadLetter]:
    client = connect_async(url)
    try:
        return await dead_letters(client)
    finally:
        await client.aclose()


@pytest.mark.integration
@pytest.mark.acceptance("J5", package="service-kit", breaks=acknowledge_before_the_handler)
async def test_what_a_crash_interrupts_comes_again_and_poison_is_set_aside(
    sqlite: Database, redis_url: str, tmp_path: Path, figure: Figure
) -> None:
    ledger, expected = tmp_path / "ledger", set(range(EVENTS))
    ledger.touch()
    with closed(connect(redis_url)) as client:
        record_events(sqlite, *range(EVENTS))
        Publisher(sqlite, redis=client).relay()
        with consumers(redis_url, ledger):
            assert wait_until(lambda: is_over(client), seconds=at_scale(60, 300))
        waiting = client.xpending(STREAM, GROUP)
    letters = await letters_of(redis_url)
    deaths = len(ledger.with_suffix(".deaths").read_text().split())
    counted = Counter(int(line) for line in ledger.read_text().split())
    assert set(counted) == expected  # what came after the poison was delivered too
    assert counted[CRASHES_ONCE] == 2
    # One delivery may have ended with the consumer that event 3 killed while it held them too.
    assert {counted[POISON], counted[KILLS]} <= {4, 5}
    found = {letter.position - 1: (letter.deliveries, letter.reason) for letter in letters}
    assert found == {
        POISON: (5, "ValueError: event 6 makes no sense"),
        KILLS: (5, "its consumer died or hung in each of 5 tries"),
    }
    assert waiting["pending"] == 0
    figure(
        f"{EVENTS} events, {deaths} consumers killed before they acknowledged: all "
        "delivered; 2 dead letters after 5 tries, each with its reason"
    )

"""J5: an event whose consumer dies comes again; one that nobody can deal with stops nothing.

The ledger is a file to which each delivery is appended before the handler acts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import kit_consumers
from kit_consumers import CRASHES_ONCE, GROUP, KILLS, POISON
from kit_events import record_events
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


class Consumers:
    """Two processes of one group; one that dies is started again."""

    def __init__(self, url: str, ledger: Path) -> None:
        self._command = [sys.executable, kit_consumers.__file__, url, str(ledger)]
        self._processes = [self._start() for _ in range(2)]
        self.deaths = 0

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command)

    def replace_dead(self) -> None:
        for place, process in enumerate(self._processes):
            if process.poll() is not None:
                self.deaths += 1
                self._processes[place] = self._start()

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def is_over(client: Any) -> bool:
    """Return whether every event was fetched and none is under way."""
    (group,) = client.xinfo_groups(STREAM)
    return group["pending"] == 0 and group["last-delivered-id"] == f"{EVENTS}-0"


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
        consumers, until = Consumers(redis_url, ledger), time.monotonic() + at_scale(120, 300)
        letters: list[DeadLetter] = []
        try:
            while time.monotonic() < until and (len(letters) < 2 or not is_over(client)):
                consumers.replace_dead()
                time.sleep(0.02)  # noqa: ASYNC251  (nothing else runs in this loop)
                letters = await letters_of(redis_url)
        finally:
            consumers.end()
        waiting = client.xpending(STREAM, GROUP)
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
        f"{EVENTS} events, {consumers.deaths} consumers killed before they acknowledged: all "
        "delivered; 2 dead letters after 5 tries, each with its reason"
    )

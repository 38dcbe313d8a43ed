"""Consumers in processes of their own, which some events kill and others defeat.

    python kit_consumers.py REDIS_URL LEDGER

It keeps two consumers, forked, so that one that dies is followed at once. What a handler is given
is one line in the ledger, written before anything happens to it; a death is one in `LEDGER.deaths`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from kit_jobs import FAULT
from simutrador_service.events import StoredEvent, StreamConsumer
from simutrador_service.redis import connect_async

GROUP = "acceptance"
CRASHES_ONCE, POISON, KILLS = 3, 6, 9
"""Numbers of the events that are not as others."""


def enter(ledger: Path, number: int) -> int:
    """Append a number, durably; return how often it stands there now."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{number}\n".encode())
    os.fsync(file)
    os.close(file)
    return ledger.read_text().split().count(str(number))


async def consume(url: str, ledger: Path) -> None:
    async def handle(stored: StoredEvent) -> None:
        number: int = stored.event.payload["n"]
        times = enter(ledger, number)
        if number == KILLS or (number == CRASHES_ONCE and times == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if number == POISON:
            raise ValueError("event 6 makes no sense")

    idle = timedelta(seconds=0.3)
    await StreamConsumer(connect_async(url), handle, group=GROUP, idle=idle).run()


def acknowledge_first() -> None:
    """Acknowledge an event before it is dealt with, as a queue without acknowledgements does."""
    deal_with: Any = getattr(StreamConsumer, "_deal_with")  # noqa: B009

    async def deal(self: Any, entry: Any, deliveries: int) -> None:
        await self._client.xack(self._stream, self._group, entry[0])
        await deal_with(self, entry, deliveries)

    setattr(StreamConsumer, "_deal_with", deal)  # noqa: B010


def keep_two(url: str, ledger: Path) -> None:
    """Run two consumers for ever, a new one for each that dies."""
    for _ in range(2):
        fork(url, ledger)
    while os.wait():
        enter(ledger.with_suffix(".deaths"), 1)
        fork(url, ledger)


def fork(url: str, ledger: Path) -> None:
    if os.fork() == 0:
        try:
            asyncio.run(consume(url, ledger))
        finally:
            os._exit(1)


if __name__ == "__main__":
    if os.environ.get(FAULT) == "acknowledge-first":
        acknowledge_first()
    keep_two(sys.argv[1], Path(sys.argv[2]))

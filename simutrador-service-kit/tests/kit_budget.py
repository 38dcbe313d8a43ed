"""A process that spends a budget and notes when, for tests that share one between processes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from simutrador_service.database import Database
from simutrador_service.limits import Budget, Rule
from simutrador_service.redis import connect_async


async def spend(url: str, rule: str, seconds: float) -> None:
    """Ask as often as one is let, and write the instant of each onto standard output."""
    async with AsyncExitStack() as stack:
        client = database = file = None
        if url.startswith("redis"):
            client = connect_async(url)
            stack.push_async_callback(client.aclose)
        elif "://" not in url:
            file = Path(url)
        else:
            database = Database(url)
            stack.callback(database.close)
        budget = Budget("vendor", Rule.of(rule), client=client, database=database, file=file)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await budget.acquire()
            os.write(1, f"{time.time():.6f}\n".encode())


if __name__ == "__main__":
    asyncio.run(spend(sys.argv[1], sys.argv[2], float(sys.argv[3])))

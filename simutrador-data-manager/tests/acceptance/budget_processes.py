"""Processes that ask a vendor as often as one budget lets them, for the test of P3.

    python budget_processes.py ADDRESS FILE PROCESSES REQUESTS

FILE is the one that all share, as those of `update` do; `alone` stands for processes that count by
themselves. The script imports once and forks; its exit code is the number of those that failed.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path

from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.http import vendor_client
from simutrador_service.limits import Budget, Rule

RULE = Rule.of("5/s")


async def one_process(address: str, place: str, requests: int) -> None:
    """Ask, one request after the other; every answer must come."""
    file = None if place == "alone" else Path(place)
    budget = Budget("vendor", RULE, file=file)
    access = ProviderAccess(base_url=address, budget=budget)
    query = {"symbol": "BTCUSDT", "interval": "1m", "limit": "5"}
    async with vendor_client(access, provider="vendor") as client:
        for _ in range(requests):
            answer = await client.get("/api/v3/klines", params=query)
            assert answer.status_code == 200


def forked(address: str, place: str, requests: int) -> int:
    """Run one process and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(one_process(address, place, requests))
    except BaseException:  # noqa: BLE001 - the child ends here, whatever happened
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(address: str, place: str, processes: int, requests: int) -> int:
    """Run them all at once; return how many failed."""
    children = [forked(address, place, requests) for _ in range(processes)]
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

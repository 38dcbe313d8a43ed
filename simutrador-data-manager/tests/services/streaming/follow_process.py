"""Follows a market of another process until it is killed or the market ends.

Its argument is a line of JSON; it prints a line for each bar of the stream it has stored.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))

from live_market import OPENS, Noted, rest_provider
from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.streaming import BinanceLive, FollowRequest, LivePatience, follow
from simutrador_data.testing import MarketClock


def say() -> None:
    """Tell that a bar is stored."""
    sys.stdout.write("stored\n")
    sys.stdout.flush()


async def followed(order: dict[str, Any]) -> int:
    """Follow; return the exit code."""
    clock = MarketClock(OPENS, order["minute_s"], begun=order["begun"])
    noted = Noted(on_bar=say)
    start = None if order["start"] is None else datetime.fromisoformat(order["start"])
    with ParquetStore(Path(order["store"])) as store:
        async with rest_provider(order["rest"]) as provider:
            report = await follow(
                FollowRequest(
                    tuple(order["symbols"]),
                    start=start,
                    until=datetime.fromisoformat(order["until"]),
                ),
                provider=provider,
                live=BinanceLive(order["live"]),
                store=store,
                registry=AssetRegistry.default(),
                patience=LivePatience(interval_s=2.0, first_backoff_s=0.1, most_backoff_s=0.5),
                now=clock.now,
                watch=noted,
            )
    return report.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(followed(json.loads(sys.argv[1]))))

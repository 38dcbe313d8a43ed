"""Lock step of the venue against a bare echo on the same stack, in one run.

Both run as `simutrador_server` runs them: uvicorn on loopback, one process each, no compression.
The echo is a bare ASGI application that answers each frame with a text of a tick's size; the venue
answers each acknowledgement with the next tick of a daily-like series of one symbol. The client is
the same, sends frames of the same size, and reads each answer as text. Rounds of the two alternate,
so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.enums import UserPlan
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_server.api.state import Venue
from simutrador_server.auth.door import SCOPES, opened_door
from simutrador_server.core.settings import Settings, VenueSettings
from simutrador_server.main import serving
from simutrador_server.services.bars import BarLoader
from simutrador_server.simulation.setup import Defaults
from simutrador_service.auth import Principal
from simutrador_service.web import bind

TARGET: Final = 0.5
"""Least share of the echo's round trips that the venue must reach."""
START: Final = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
WARM_UP: Final = 300


def loop_factory() -> asyncio.AbstractEventLoop:
    """Return the event loop that the venue uses."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run_venue(ready: Connection, ticks: int) -> None:
    """Serve a venue over `ticks` one-minute bars round the clock and send back its URL."""

    async def main() -> None:
        store = MemoryStore()
        closes = [100 + n % 977 / 100 for n in range(ticks)]
        store.commit(make_change(make_bars("BTC-USD", start=START, close=closes)))
        defaults = Defaults()
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(venue=VenueSettings(data_path=Path(folder)))
            loader = BarLoader(store, AssetRegistry.default(), defaults)
            with opened_door(settings) as door:
                venue = Venue(door=door, loader=loader, defaults=defaults)
                async with serving(venue) as places:
                    user = Principal("bench", frozenset(SCOPES), UserPlan.ENTERPRISE)
                    token = door.tokens.issue(user, lifetime_s=3600)
                    ready.send(f"{places.ws_url}/ws/simulate?token={token}")
                    await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def run_echo(ready: Connection, size: int) -> None:
    """Serve a bare echo whose answers have `size` characters and send back its URL."""
    answer = "x" * size

    async def echo(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": answer})

    async def main() -> None:
        bound = bind("127.0.0.1", 0)
        config = uvicorn.Config(
            echo, log_config=None, access_log=False, lifespan="off", ws_per_message_deflate=False
        )
        ready.send(f"ws://127.0.0.1:{bound.getsockname()[1]}/")
        await uvicorn.Server(config).serve(sockets=[bound])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@contextmanager
def process(target: Callable[[Connection, int], None], argument: int) -> Generator[str]:
    """Run a server in a process of its own and yield its URL."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=target, args=(theirs, argument))
    child.start()
    try:
        yield ours.recv()
    finally:
        child.terminate()
        child.join()


async def start(venue: ClientConnection, ticks: int) -> int:
    """Start a simulation in lock step and return the size of its first tick."""
    end = START + timedelta(minutes=ticks)
    ask = {
        "symbols": ["BTC-USD"], "start_date": START.isoformat(), "end_date": end.isoformat(),
        "initial_capital": 100_000, "timeframe": "1min", "warmup_bars": 0, "flow_control": True,
    }  # fmt: skip
    await venue.send(json.dumps({"type": "start_simulation", "data": ask}))
    async for text in venue:
        if '"type":"tick"' in str(text)[:40]:
            return len(text)
    raise RuntimeError("the venue sent no tick")


def ack(number: int) -> str:
    """Return the acknowledgement of a tick; its size is nearly always the same."""
    return f'{{"type":"tick_ack","data":{{"sequence_id":{number:d},"processing_status":"ready"}}}}'


async def trips(socket: ClientConnection, first: int, count: int) -> float:
    """Return the seconds that `count` round trips took."""
    begun = time.perf_counter()
    for number in range(first, first + count):
        await socket.send(ack(number))
        await socket.recv()
    return time.perf_counter() - begun


async def measure(venue_url: str, rounds: int, count: int, ticks: int) -> tuple[float, float, int]:
    """Return round trips a second of venue and echo, medians of rounds, and a tick's size."""
    options: dict[str, Any] = {"compression": None, "max_queue": 64}
    async with websockets.connect(venue_url, **options) as venue:
        size = await start(venue, ticks)
        with process(run_echo, size) as echo_url:
            async with websockets.connect(echo_url, **options) as echo:
                await trips(venue, 1, WARM_UP)
                await trips(echo, 1, WARM_UP)
                ours: list[float] = []
                bare: list[float] = []
                for n in range(rounds):
                    first = 1 + WARM_UP + n * count
                    bare.append(count / await trips(echo, first, count))
                    ours.append(count / await trips(venue, first, count))
    return statistics.median(ours), statistics.median(bare), size


def main() -> int:
    """Measure, print one line, and return 1 when a check falls short."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark venue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of a minute")
    parser.add_argument("--check", action="store_true", help="exit 1 when the ratio falls short")
    options = parser.parse_args()
    rounds, count = (5, 1_000) if options.quick else (15, 4_000)
    ticks = WARM_UP + rounds * count + 10
    with process(run_venue, ticks) as url:
        ours, bare, size = asyncio.run(measure(url, rounds, count, ticks))
    ratio = ours / bare
    verdict = "ok" if ratio >= TARGET else "SHORT"
    sys.stdout.write(
        f"lock step, 1 symbol, {size} B tick, {len(ack(1000))} B ack: "
        f"ours {ours:,.0f}/s, bare echo {bare:,.0f}/s, ratio {ratio:.2f}, "
        f"target {TARGET:.2f} {verdict}\n"
    )
    return int(options.check and ratio < TARGET)


if __name__ == "__main__":
    sys.exit(main())

"""Work of the processor never holds up the event loop, nor long work the short one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
BARS = "/trading-data/bars"


class Held(ParquetStore):
    """A store whose reads of one symbol wait until they are let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def read(self, query: BarQuery, /) -> Bars:
        self._wait(query)
        return super().read(query)

    def stream(self, query: BarQuery, *, rows: int = 65_536) -> Iterator[Bars]:
        self._wait(query)
        return super().stream(query, rows=rows)

    def _wait(self, query: BarQuery) -> None:
        if query.symbol == "SLOW":
            self.reached.set()
            assert self.go_on.wait(30)


async def test_the_service_answers_while_a_small_answer_is_made(
    tmp_path: Path, serve: Serve
) -> None:
    with Held(tmp_path) as store:
        store.commit(make_change(make_bars("SLOW", n=5)))
        async with serve(create_app(Settings(), store=store)) as client:
            waiting = asyncio.create_task(client.get(BARS, params={"symbols": "SLOW"}))
            assert await asyncio.to_thread(store.reached.wait, 30)
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/trading-data/symbols")).json() == ["SLOW"]
            assert not waiting.done()
            store.go_on.set()
            assert (await waiting).status_code == 200


async def test_small_answers_are_made_while_a_long_one_is(tmp_path: Path, serve: Serve) -> None:
    with Held(tmp_path) as store:
        long = make_bars("SLOW", start=datetime(2020, 1, 1, tzinfo=UTC), n=150_000)
        store.commit(make_change(long, make_bars("QUICK", n=5)))
        async with serve(create_app(Settings(), store=store)) as client:
            waiting = asyncio.create_task(client.get(BARS, params={"symbols": "SLOW"}))
            assert await asyncio.to_thread(store.reached.wait, 30)
            quick = await client.get(BARS, params={"symbols": "QUICK"})
            assert len(quick.json()["series"][0]["close"]) == 5
            assert not waiting.done()
            store.go_on.set()
            series = (await waiting).json()["series"]
            assert sum(len(part["close"]) for part in series) == 150_000

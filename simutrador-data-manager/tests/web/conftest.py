"""Stores worth looking at, and a service over them, asked without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, from_us
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = "<IMG SRC=X ONERROR=ALERT(1)>"
SCRIPT = "<script>alert(1)</script>"
FETCHED = datetime(2024, 2, 1, tzinfo=UTC)

# 2024-01-10 and 11 are absent although a source was asked: a vendor's hole.
HOLES = [date(2024, 1, 10), date(2024, 1, 11)]


def january_bars(symbol: str, *, without: list[date] | None = None) -> Bars:
    """Return daily bars of the New York sessions of January 2024, but for some."""
    sessions = get_calendar("XNYS").between(date(2024, 1, 1), date(2024, 2, 1))
    kept = ~np.isin(sessions.sessions, np.array(without or [], dtype="datetime64[D]"))
    opened_at = sessions.opens[kept]
    close = 100.0 + np.arange(len(opened_at), dtype=np.float64)
    return Bars(
        symbol,
        Timeframe.DAILY,
        Adjustment.RAW,
        opened_at,
        open=close,
        high=close + 2,
        low=close - 2,
        close=close + 1,
        volume=np.full(len(opened_at), 1000.0),
        sessions=sessions.sessions[kept],
    )


def commit(store: ParquetStore, bars: Bars, *, source: str = "test") -> None:
    """Store bars of a source that was asked for all of their days."""
    start = from_us(bars.opened_at[0])
    end = from_us(bars.opened_at[-1] + 1)
    covered = [Covered(bars.series, start, end)]
    store.commit(Change([bars], covered, source, "a test asked", FETCHED))


def fill(store: ParquetStore, *, but: Collection[str] = ()) -> None:
    """Store what the tests look at: holes, odd but legal names, hostile text, generated bars."""
    made = january_bars("MADE")
    marks = np.arange(len(made)) >= len(made) - 4
    given = [
        (january_bars("HOLE", without=HOLES), "test"),
        (january_bars("BRK.B"), "test"),
        (january_bars("A&B+C"), "test"),
        (make_bars("EUR/USD", close=[1.08127, 0.00001234, 97123.45678901]), "test"),
        (january_bars(HOSTILE), "test"),
        (january_bars("LEGAL"), SCRIPT),
        (replace(made, synthetic=marks), "synthetic:walk"),
    ]
    for bars, source in given:
        if bars.symbol not in but:
            commit(store, bars, source=source)


def assets() -> AssetRegistry:
    """Return a registry in which one name is a script."""
    legal = Asset("LEGAL", AssetType.US_EQUITY, "XNYS", "USD", name=SCRIPT)
    return AssetRegistry.default().with_assets(legal)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    """Return the store of `fill`."""
    with ParquetStore(tmp_path / "store") as opened:
        fill(opened)
        yield opened


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application, without a socket, and give a client of it."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8002", headers=HTML
        ) as opened,
    ):
        yield opened


Serve = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serve() -> Serve:
    """Return `serving`, for tests that build an application of their own."""
    return serving


@pytest.fixture
async def client(store: ParquetStore) -> AsyncIterator[httpx.AsyncClient]:
    """Return a browser-like client of the service over `store`."""
    async with serving(create_app(Settings(), store=store, registry=assets())) as opened:
        yield opened

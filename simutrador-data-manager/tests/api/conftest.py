"""A service over a real store of a few bars, asked without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.main import create_app
from simutrador_data.services.accounts import opened_accounts
from simutrador_data.services.storage.parquet_store import ParquetStore

BASE_URL = "http://127.0.0.1:8002"

# XNYS, first week of January 2024: closed on New Year's Day, sessions from Tuesday.
SESSIONS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]


def daily_bars(symbol: str, sessions: list[str], *, price: float = 100.0) -> Bars:
    """Return daily bars of winter sessions, which open at 14:30 UTC."""
    days = np.array(sessions, dtype="datetime64[D]")
    opened_at = days.astype("datetime64[us]").astype(np.int64) + 52_200_000_000
    close = price + np.arange(len(days), dtype=np.float64)
    return Bars(
        symbol,
        Timeframe.DAILY,
        Adjustment.RAW,
        opened_at,
        open=close,
        high=close + 0.5,
        low=close - 0.5,
        close=close,
        volume=np.full(len(days), 1000.0),
        sessions=days,
    )


def asked_for(bars: Bars) -> Change:
    """Return the change of a source that was asked for January 2024 and gave these bars."""
    covered = Covered(
        bars.series, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    )
    return Change([bars], [covered], "test", "a test asked", datetime(2024, 2, 1, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    """Return a store of daily AAPL (3 January absent), daily BRK.B and minutes of EUR/USD."""
    with ParquetStore(tmp_path / "store") as opened:
        opened.commit(asked_for(daily_bars("AAPL", [SESSIONS[0], *SESSIONS[2:]])))
        opened.commit(asked_for(daily_bars("BRK.B", SESSIONS, price=350.0)))
        exact = make_bars("EUR/USD", close=[1.08127, 0.00001234, 97123.45678901])
        opened.commit(asked_for(exact))
        yield opened


@asynccontextmanager
async def serving(app: FastAPI, base_url: str = BASE_URL) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application, without a socket, and give a client of it."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base_url) as opened,
    ):
        yield opened


Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serve() -> Serve:
    """Return `serving`, for tests that build an application of their own."""
    return serving


@pytest.fixture
async def client(store: ParquetStore) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service over `store`."""
    async with serving(create_app(Settings(), store=store)) as opened:
        yield opened


@pytest.fixture
async def jobs_client(store: ParquetStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service over `store`, with accounts, and so with jobs that are run."""
    settings = Settings(data_storage=DataStorageSettings(base_path=tmp_path / "store"))
    with opened_accounts(settings) as accounts:
        app = create_app(settings, store=store, accounts=accounts)
        async with serving(app) as opened:
            yield opened

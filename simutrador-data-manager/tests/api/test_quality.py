"""The quality report over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
PATH = "/data-analysis/quality"


@pytest.fixture
async def client(tmp_path: Path, serve: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service: sound days of ETH-USD, and BTC-USD that halves on the 31st."""
    opened = [FIRST + timedelta(days=k) for k in range(60)]
    steps = np.cumsum(np.random.default_rng(5).normal(0, 0.01, 60))
    close = np.round(20_000 * np.exp(steps), 2).astype(np.float64)
    sound = make_bars("ETH-USD", Timeframe.DAILY, opened_at=opened, close=close)
    close = close.copy()
    close[30:] /= 2
    halved = make_bars("BTC-USD", Timeframe.DAILY, opened_at=opened, close=close)
    volume = halved.volume.copy()
    volume[:2] = 0.0
    with ParquetStore(tmp_path / "days") as store:
        store.commit(make_change(sound, replace(halved, volume=volume)))
        async with serve(create_app(Settings(), store=store)) as opened_client:
            yield opened_client


async def test_each_finding_has_its_bars_rule_figure_and_limit(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json={"symbols": ["btc-usd", "ETH-USD"]})

    assert answer.status_code == 200
    report = answer.json()
    assert report["passed"] is False
    bitcoin, ether = report["series"]
    assert (ether["symbol"], ether["passed"], ether["bars"]) == ("ETH-USD", True, 60)
    assert ether["findings"] == []
    assert (bitcoin["passed"], bitcoin["errors"]) == (False, 2)
    by_check = {one["check"]: one for one in bitcoin["findings"]}
    split = by_check["split_suspect"]
    assert split["bars"]["session"] == ["2024-01-30", "2024-01-31", "2024-02-01"]
    assert split["start"] == "2024-01-30T00:00:00Z"
    assert 0 < split["figure"] < split["limit"] == 0.06
    assert "(2:1)" in split["rule"]
    assert split["other"] is None
    assert by_check["zero_volume"]["severity"] in {"error", "warning"}


async def test_findings_are_counted_though_they_are_not_listed(client: httpx.AsyncClient) -> None:
    asked = {"symbols": ["BTC-USD"], "findings_per_series": 0}
    (one,) = (await client.post(PATH, json=asked)).json()["series"]
    assert (one["errors"], one["findings"]) == (2, [])


async def test_only_the_checks_asked_for_are_made(client: httpx.AsyncClient) -> None:
    asked = {"symbols": ["BTC-USD"], "checks": ["outlier", "stale_price"]}
    report = (await client.post(PATH, json=asked)).json()
    assert report["passed"] is True
    assert report["series"][0]["checks"] == ["outlier", "stale_price"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"symbols": []}, 422, "invalid_input"),
        ({"symbols": ["XRP-USD"]}, 404, "unknown_symbol"),
        ({"timeframe": "1min"}, 404, "unknown_symbol"),
        ({"timeframe": "7min"}, 422, "invalid_timeframe"),
        ({"checks": ["outliers"]}, 422, "invalid_input"),
        ({"checks": []}, 422, "invalid_input"),
        ({"start": "2024-02-01", "end": "2024-01-01"}, 422, "invalid_range"),
        ({"start": "yesterday"}, 422, "invalid_range"),
        ({"chekcs": ["outlier"]}, 422, "invalid_input"),
    ],
)
async def test_what_cannot_be_checked_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.post(PATH, json={"symbols": ["BTC-USD"], **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)

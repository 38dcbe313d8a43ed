"""The documented completeness report over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

OPEN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
ASKED = {"symbols": ["aapl"], "start_date": "2024-01-01", "end_date": "2024-01-02"}


@pytest.fixture
async def client(tmp_path: Path, serve: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that holds one winter session without its last 39 minutes."""
    with ParquetStore(tmp_path / "minutes") as store:
        opens = [OPEN + timedelta(minutes=k) for k in range(351)]
        store.commit(make_change(make_bars(opened_at=opens)))
        async with serve(create_app(Settings(), store=store)) as opened:
            yield opened


@pytest.mark.parametrize(
    "path", ["/data-analysis/completeness", "/nightly-update/data-completeness"]
)
async def test_the_report_has_the_documented_shape(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json=ASKED)

    assert answer.status_code == 200
    found = answer.json()
    assert sorted(found) == [
        "analysis_period",
        "overall_statistics",
        "recommendations",
        "symbol_completeness",
        "symbols_needing_attention",
    ]
    assert found["analysis_period"] == {"start_date": "2024-01-01", "end_date": "2024-01-02"}
    one = found["symbol_completeness"]["AAPL"]
    assert one.pop("no_trade_candles") == 0
    assert one == {
        "total_trading_days": 1,
        "valid_days": 0,
        "invalid_days": 1,
        "completeness_percentage": 90.0,
        "total_expected_candles": 390,
        "total_actual_candles": 351,
        "missing_candles": 39,
        "full_days_count": 1,
        "half_days_count": 0,
        "days_with_gaps": 1,
        "total_missing_periods": 1,
        "average_daily_completeness": 90.0,
        "worst_day_completeness": 90.0,
        "best_day_completeness": 90.0,
        "validation_results": None,
        "gap_fill_attempted": False,
        "total_gaps_found": 1,
        "gaps_filled_successfully": 0,
        "gaps_vendor_unavailable": 0,
        "candles_recovered": 0,
    }
    assert found["symbols_needing_attention"] == ["AAPL"]


async def test_details_list_every_session(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/data-analysis/completeness", json={**ASKED, "include_details": True}
    )
    (day,) = answer.json()["symbol_completeness"]["AAPL"]["validation_results"]
    assert day == {
        "symbol": "AAPL",
        "validation_date": "2024-01-02",
        "is_valid": False,
        "expected_candles": 390,
        "actual_candles": 351,
        "missing_candles": 39,
        "completeness_percentage": 90.0,
        "is_half_day": False,
        "missing_periods": ["2024-01-02T20:21:00Z to 2024-01-02T21:00:00Z"],
        "missing_periods_count": 1,
        "largest_gap_minutes": 39,
        "polygon_urls_for_missing_periods": [],
        "gap_fill_results": [],
        "errors": [
            "Missing 39 candles (expected 390, got 351)",
            "Missing data from 2024-01-02T20:21:00Z to 2024-01-02T21:00:00Z",
        ],
        "warnings": [],
        "no_trade_candles": 0,
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": None}, "symbols"),
        ({"symbols": ["../etc"]}, "symbol"),
        ({"start_date": "2024-01-03"}, "start_date"),
        ({"start_date": "2024-13-01"}, "start_date"),
        ({"start_date": "2999-01-01", "end_date": "2999-01-02"}, "start_date"),
        ({"max_gap_fill_attempts": 0}, "max_gap_fill_attempts"),
        ({"include_detials": True}, "include_detials"),
        (
            {"symbols": [f"A{k}" for k in range(500)], "start_date": "2023-01-01"}
            | {"include_details": True},
            "include_details",
        ),
    ],
)
async def test_what_cannot_be_judged_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    answer = await client.post("/data-analysis/completeness", json={**ASKED, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_filling_gaps_is_refused_rather_than_pretended(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/data-analysis/completeness", json={**ASKED, "auto_fill_gaps": True}
    )
    assert (answer.status_code, answer.json()["code"]) == (501, "not_implemented")

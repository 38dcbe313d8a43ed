"""The documented completeness report over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.core.settings import (
    ApiSettings,
    DataStorageSettings,
    Settings,
    load_settings,
)
from simutrador_data.main import create_app
from simutrador_data.services.accounts import opened_accounts
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import Fault, FaultServer

OPEN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
KEY = "k3y-0f-n0-vend0r"
LAST_39_MINUTES = (  # 20:21 to 20:59 UTC, in milliseconds, both included
    "https://api.massive.com/v2/aggs/ticker/AAPL/range/1/minute/1704226860000/1704229140000"
    "?adjusted=false&sort=asc&limit=50000"
)
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
        "gap_fill_status": None,
        "gap_fill_message": None,
        "gap_fill_results": [],
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
        "polygon_urls_for_missing_periods": [LAST_39_MINUTES],
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


@contextmanager
def vendor(monkeypatch: pytest.MonkeyPatch, minutes: int) -> Iterator[FaultServer]:
    """Serve the first minutes of the session as Polygon, which the settings name."""
    held = make_bars(n=minutes)
    with FaultServer([held], keys={"polygon": KEY}) as server:
        monkeypatch.setenv("POLYGON__BASE_URL", server.url("polygon"))
        monkeypatch.setenv("POLYGON__API_KEY", KEY)
        monkeypatch.setenv("POLYGON__RATE_LIMIT", "1000/s")
        yield server


async def filled(tmp_path: Path, serve: Any, **more: Any) -> httpx.Response:
    """Ask for gaps to be filled in a store that holds 351 of 390 minutes."""
    settings = load_settings(data_storage={"base_path": tmp_path})
    with ParquetStore(tmp_path / "minutes") as store:
        store.commit(make_change(make_bars(n=351)))
        async with serve(create_app(settings, store=store)) as client:
            return await client.post(
                "/data-analysis/completeness", json={**ASKED, "auto_fill_gaps": True, **more}
            )


async def test_gaps_are_filled_and_what_was_tried_stays_in_the_answer(
    tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vendor(monkeypatch, 370):
        answer = await filled(tmp_path, serve, include_details=True)

    assert answer.status_code == 200
    assert KEY not in answer.text
    one = answer.json()["symbol_completeness"]["AAPL"]
    assert one["total_actual_candles"] == 370
    assert one["completeness_percentage"] == 94.87  # 370 / 390
    assert (one["gap_fill_attempted"], one["candles_recovered"]) == (True, 19)
    assert (one["total_gaps_found"], one["gaps_filled_successfully"]) == (1, 1)
    (day,) = one["validation_results"]
    (tried,) = day["gap_fill_results"]
    assert (tried["attempted"], tried["success"], tried["candles_recovered"]) == (True, True, 19)
    assert tried["start_time"].startswith("2024-01-02T20:21:00")
    assert tried["end_time"].startswith("2024-01-02T21:00:00")
    assert one["gap_fill_results"] == [tried]


async def test_a_vendor_that_has_nothing_is_told_from_one_that_fails(
    tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vendor(monkeypatch, 351):
        empty = await filled(tmp_path / "empty", serve)
    with vendor(monkeypatch, 390) as server:
        server.always(Fault.FORBIDDEN)
        failed = await filled(tmp_path / "failed", serve)

    one = empty.json()["symbol_completeness"]["AAPL"]
    assert (one["gaps_vendor_unavailable"], one["candles_recovered"]) == (1, 0)
    one = failed.json()["symbol_completeness"]["AAPL"]
    assert (one["gaps_vendor_unavailable"], one["candles_recovered"]) == (0, 0)
    assert one["gap_fill_status"] == "failed"
    assert one["missing_candles"] == 39


async def test_gaps_are_not_filled_without_a_key_and_the_answer_names_the_setting(
    tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLYGON__API_KEY", raising=False)
    answer = await filled(tmp_path, serve)
    assert answer.status_code == 502
    assert "POLYGON__API_KEY" in answer.json()["detail"]


async def test_filling_gaps_needs_more_than_reading_bars(tmp_path: Path, serve: Any) -> None:
    settings = Settings(
        api=ApiSettings(host="0.0.0.0"), data_storage=DataStorageSettings(base_path=tmp_path)
    )
    with opened_accounts(settings) as accounts:
        app = create_app(settings, accounts=accounts)
        key = accounts.keys.create("ann", scopes=["bars:read"]).key
        async with serve(app, "http://192.168.1.7:8002") as client:
            client.headers["X-API-Key"] = key
            plain = await client.post("/data-analysis/completeness", json=ASKED)
            filling = await client.post(
                "/data-analysis/completeness", json={**ASKED, "auto_fill_gaps": True}
            )
    assert plain.status_code == 200
    assert (filling.status_code, filling.json()["code"]) == (403, "forbidden")
    assert "jobs:write" in filling.json()["detail"]

"""What the page asks for: chart points, gaps with reasons, coverage per session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.models.enums import AssetType, Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.core.settings import Settings
from simutrador_data.main import create_app
from simutrador_data.services.storage.parquet_store import ParquetStore

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

DAILY = {"timeframe": "daily"}


async def test_a_chart_never_has_more_points_than_asked(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/chart", params={"symbol": "BRK.B", **DAILY, "points": 2}
    )
    document = answer.json()
    assert document["bars_per_point"] == 2
    assert document["total_bars"] == 4
    assert document["open"] == [350.0, 352.0]
    assert document["high"] == [351.5, 353.5]
    assert document["low"] == [349.5, 351.5]
    assert document["close"] == [351.0, 353.0]
    assert document["volume"] == [2000.0, 2000.0]
    assert document["session"] == ["2024-01-02", "2024-01-04"]


async def test_a_chart_of_few_bars_holds_them_all(client: httpx.AsyncClient) -> None:
    document = (await client.get("/trading-data/chart", params={"symbol": "EUR/USD"})).json()
    assert document["close"] == [1.08127, 0.00001234, 97123.45678901]
    assert document["ended_at"] == document["opened_at"]


async def test_a_gap_has_its_reason_and_who_was_asked(client: httpx.AsyncClient) -> None:
    answer = await client.get("/trading-data/gaps", params={"symbol": "AAPL", **DAILY})
    assert answer.status_code == 200
    document = answer.json()
    (gap,) = document["gaps"]
    assert (gap["session"], gap["reason"], gap["expected"]) == ("2024-01-03", "vendor_hole", 1)
    assert "test" in gap["evidence"]
    summary = document["summary"]
    assert (summary["expected"], summary["present"]) == (4, 3)
    assert summary["completeness"] == 0.75
    assert summary["is_explained"] is True


async def test_a_holiday_is_closed_with_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/trading-data/gaps",
        params={"symbol": "AAPL", **DAILY, "start": "2024-01-01", "end": "2024-01-03"},
    )
    (gap,) = answer.json()["gaps"]
    assert (gap["session"], gap["reason"], gap["expected"]) == ("2024-01-01", "closed", 0)
    assert "New Year" in gap["evidence"]


async def test_gaps_can_be_filtered_and_paged(client: httpx.AsyncClient) -> None:
    params = {"symbol": "AAPL", **DAILY, "start": "2024-01-01", "end": "2024-01-06"}
    every = (await client.get("/trading-data/gaps", params=params)).json()
    assert [gap["reason"] for gap in every["gaps"]] == ["closed", "vendor_hole"]
    holes = (
        await client.get("/trading-data/gaps", params={**params, "reason": "vendor_hole"})
    ).json()
    assert (holes["total"], holes["gaps"][0]["session"]) == (1, "2024-01-03")
    second = (
        await client.get("/trading-data/gaps", params={**params, "page": 2, "page_size": 1})
    ).json()
    assert (second["total"], second["gaps"]) == (2, every["gaps"][1:])


async def test_coverage_counts_each_session(client: httpx.AsyncClient) -> None:
    document = (
        await client.get("/trading-data/coverage", params={"symbol": "AAPL", **DAILY})
    ).json()
    assert document["session"] == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
    assert document["expected"] == [1, 1, 1, 1]
    assert document["present"] == [1, 0, 1, 1]
    assert document["excused"] == [0, 0, 0, 0]
    assert document["reason"] == [None, "vendor_hole", None, None]
    assert document["closures"] == []


async def test_bars_before_a_listing_are_excused_and_not_expected(
    tmp_path: Path, serve: Serve
) -> None:
    asset = Asset("NEW", AssetType.US_EQUITY, "XNYS", "USD", listed=date(2024, 1, 4))
    known = AssetRegistry.default().with_assets(asset)
    opens = [datetime(2024, 1, day, 14, 30, tzinfo=UTC) for day in (4, 5)]
    with ParquetStore(tmp_path / "new") as store:
        store.commit(make_change(make_bars("NEW", Timeframe.DAILY, opened_at=opens)))
        async with serve(create_app(Settings(), store=store, registry=known)) as client:
            params = {"symbol": "NEW", **DAILY, "start": "2024-01-02", "end": "2024-01-06"}
            document = (await client.get("/trading-data/coverage", params=params)).json()
    assert document["expected"] == [1, 1, 1, 1]
    assert document["excused"] == [1, 1, 0, 0]
    assert document["present"] == [0, 0, 1, 1]
    assert document["summary"]["expected"] == 2

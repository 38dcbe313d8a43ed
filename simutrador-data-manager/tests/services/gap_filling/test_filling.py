"""What gap filling asks for, what it stores, and what it says about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import GapReason, Timeframe
from simutrador_data.services.downloading import DownloadStatus, SymbolProgress
from simutrador_data.services.gap_filling import FillRequest, fill_gaps
from simutrador_data.services.storage.parquet_store import ParquetStore

from .gap_vendors import DAYS, END, NOW, SERIES, START, WEEK, filled, put, reasons, vendor, without

HOLES = (slice(10, 13), slice(500, 501), slice(900, 960))


@pytest.fixture
def store(fast_path: Path) -> Iterator[ParquetStore]:
    with ParquetStore(fast_path / "store") as opened:
        yield opened


def test_holes_of_one_vendor_are_filled_from_another_with_provenance(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")
    other = vendor("other", WEEK)
    report = filled(store, other)
    assert report.status is DownloadStatus.COMPLETED
    [one] = report.symbols
    assert (one.periods, one.filled, one.recovered) == (3, 3, 64)
    assert [(r.candles_recovered, r.reason) for r in one.results] == [
        (3, None),
        (1, None),
        (60, None),
    ]
    assert reasons(store) == {}
    query = BarQuery("AAPL", Timeframe.MINUTE_1, START, END)
    rows = {s.source: 0 for s in store.segments(query)}
    for segment in store.segments(query):
        rows[segment.source] += segment.rows
    assert rows == {"polygon": len(WEEK) - 64, "other": 64}


def test_holes_that_one_answer_can_hold_are_asked_for_together(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")
    other = vendor("other", WEEK)
    filled(store, other)
    assert len(other.bar_requests) <= 3


def test_stored_bars_are_not_asked_for_again_nor_changed(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")
    report = filled(store, vendor("other", WEEK))
    assert report.symbols[0].sources == (("other", 64),)


def test_an_empty_answer_is_remembered(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")
    other = vendor("other", without(WEEK, *HOLES))
    first = filled(store, other).symbols[0]
    assert (first.recovered, first.unavailable) == (0, 3)
    asked, commits = other.asked, store.latest_commit()
    second = filled(store, other)
    assert (other.asked, store.latest_commit()) == (asked, commits)
    assert (second.requests, second.commits) == (0, 0)


def test_a_failure_is_no_empty_answer(store: ParquetStore) -> None:
    put(store, without(WEEK, slice(10, 13)), source="polygon")
    broken = vendor("broken", WEEK, broken="answered 500")
    report = filled(store, broken)
    assert report.status is DownloadStatus.FAILED
    [result] = report.symbols[0].results
    assert (result.attempted, result.success, result.vendor_unavailable) == (True, False, False)
    assert "answered 500" in str(result.error_message)
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}
    again = filled(store, vendor("broken", WEEK))  # it works again: nothing was remembered
    assert again.recovered == 3


def test_what_a_broken_vendor_does_not_give_the_next_one_does(store: ParquetStore) -> None:
    put(store, without(WEEK, slice(10, 13)), source="polygon")
    report = filled(store, vendor("broken", WEEK, broken="answered 500"), vendor("other", WEEK))
    assert (report.status, report.recovered) == (DownloadStatus.COMPLETED, 3)


def test_attempts_are_counted_by_symbol_not_by_day(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")  # one in each of three sessions
    first = filled(store, vendor("other", WEEK), max_attempts=2)
    [one] = first.symbols
    assert (first.status, one.periods, one.left, one.filled) == (DownloadStatus.PARTIAL, 3, 1, 2)
    second = filled(store, vendor("other", WEEK), max_attempts=2)
    assert (second.status, second.symbols[0].filled) == (DownloadStatus.COMPLETED, 1)


def test_bars_stored_without_a_record_are_unexplained_until_somebody_is_asked(
    store: ParquetStore,
) -> None:
    put(store, without(WEEK, *HOLES), source="file:old.csv", asked=False)
    assert reasons(store) == {GapReason.UNEXPLAINED: 64}
    report = filled(store, vendor("other", without(WEEK, slice(500, 501))))
    assert report.recovered == 63
    assert reasons(store) == {GapReason.VENDOR_HOLE: 1}


def test_a_symbol_that_is_not_stored_fails_and_says_so(store: ParquetStore) -> None:
    report = filled(store, vendor("other", WEEK))
    assert report.status is DownloadStatus.FAILED
    assert "AAPL" in report.symbols[0].message


def test_urls_for_people_hold_no_key(store: ParquetStore) -> None:
    put(store, without(WEEK, slice(10, 12)), source="other")
    report = filled(store, vendor("polygon", WEEK))
    [result] = report.symbols[0].results
    assert result.polygon_api_url == (
        "https://api.massive.com/v2/aggs/ticker/AAPL/range/1/minute/1704292800000/1704292860000"
        "?adjusted=false&sort=asc&limit=50000"
    )
    assert result.trades_api_url is None  # nobody looked for trades


def test_the_series_is_named(store: ParquetStore) -> None:
    put(store, WEEK, source="polygon")
    report = filled(store, vendor("other", WEEK))
    assert report.symbols[0].series == SERIES
    assert report.requests == 0


async def test_a_cancelled_run_says_so_and_keeps_what_came(store: ParquetStore) -> None:
    put(store, without(WEEK, *HOLES), source="polygon")
    stop = asyncio.Event()
    other = vendor("other", WEEK)

    class Stopping:
        """Satisfies `Watch`; stops the run once bars came."""

        def tell(self, progress: SymbolProgress) -> None:
            if progress.rows:
                stop.set()

    report = await fill_gaps(
        FillRequest(("AAPL",), range=DAYS),
        providers=[other],
        store=store,
        registry=AssetRegistry.default(),
        watch=Stopping(),
        cancel=stop,
        now=lambda: NOW,
    )
    assert report.status is DownloadStatus.CANCELLED
    assert "cancelled" in report.symbols[0].message
    assert len(store.read(BarQuery("AAPL", Timeframe.MINUTE_1, START, END))) > len(WEEK) - 64

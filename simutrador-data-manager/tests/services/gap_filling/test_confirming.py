"""What turns an absent bar into one that never was: trades, a second vendor, the daily volume."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.interfaces.storage import Change
from simutrador_core.models.enums import GapReason
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.validate_store import validate_series

from .gap_vendors import (
    END,
    NOW,
    SERIES,
    START,
    WEEK,
    daily_of,
    filled,
    put,
    reasons,
    vendor,
    without,
)

QUIET, HIDDEN = slice(10, 13), slice(500, 502)
HIDDEN_TRADE = datetime(2024, 1, 4, 16, 20, 30, tzinfo=UTC)  # place 500: 110 minutes into the 4th


@pytest.fixture
def store(fast_path: Path) -> Iterator[ParquetStore]:
    with ParquetStore(fast_path / "store") as opened:
        yield opened


def evidence(store: ParquetStore) -> set[str]:
    ledger = validate_series(store, AssetRegistry.default(), SERIES, start=START, end=END)
    return {gap.evidence for gap in ledger.gaps if gap.reason is GapReason.NO_TRADE}


def test_a_second_vendor_without_the_bar_confirms_that_nothing_traded(store: ParquetStore) -> None:
    put(store, without(WEEK, QUIET), source="polygon")
    report = filled(store, vendor("other", without(WEEK, QUIET)))
    assert report.confirmed == 3
    assert reasons(store) == {GapReason.NO_TRADE: 3}
    assert evidence(store) == {"no trades: no bar at other nor at polygon (asked 2024-02-01)"}


def test_one_vendor_alone_confirms_nothing(store: ParquetStore) -> None:
    put(store, without(WEEK, QUIET), source="polygon")
    filled(store, vendor("polygon", without(WEEK, QUIET)))
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}


def test_a_file_and_a_vendor_confirm_nothing(store: ParquetStore) -> None:
    put(store, without(WEEK, QUIET), source="file:export-of-other.csv")
    filled(store, vendor("other", without(WEEK, QUIET)))
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}


def test_minutes_without_trades_are_told_from_holes_of_the_vendor(store: ParquetStore) -> None:
    held = without(WEEK, QUIET, HIDDEN)
    put(store, held, source="polygon")
    polygon = vendor("polygon", held, trades=[HIDDEN_TRADE])
    report = filled(store, polygon, trades_from=[polygon])
    assert reasons(store) == {GapReason.NO_TRADE: 3, GapReason.VENDOR_HOLE: 2}
    [quiet, hidden] = report.symbols[0].results
    assert (quiet.has_trading_activity, hidden.has_trading_activity) == (False, True)
    assert quiet.error_message == "No trading activity detected during this period"
    assert str(quiet.trades_api_url).startswith("https://api.massive.com/v3/trades/AAPL?timestamp")
    asked = polygon.asked
    assert filled(store, polygon, trades_from=[polygon]).requests == 0
    assert polygon.asked == asked  # both answers are remembered


def test_trades_outweigh_a_second_vendor_without_the_bar(store: ParquetStore) -> None:
    held = without(WEEK, HIDDEN)
    put(store, held, source="polygon")
    polygon = vendor("polygon", held, trades=[HIDDEN_TRADE])
    filled(store, polygon, vendor("other", held), trades_from=[polygon])
    assert reasons(store) == {GapReason.VENDOR_HOLE: 2}


def test_a_look_for_trades_that_fails_confirms_nothing(store: ParquetStore) -> None:
    put(store, without(WEEK, QUIET), source="polygon")
    broken = vendor("polygon", WEEK, broken="answered 403")
    report = filled(store, vendor("polygon", WEEK), trades_from=[broken])
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}
    [result] = report.symbols[0].results
    assert result.has_trading_activity is None
    assert "answered 403" in str(result.error_message)


def test_a_daily_volume_that_the_minutes_make_up_confirms_the_rest(store: ParquetStore) -> None:
    held = without(WEEK, QUIET, HIDDEN)
    put(store, held, source="polygon")
    put(store, daily_of(without(WEEK, QUIET)), source="polygon")  # of the 4th, more than is stored
    report = filled(store, vendor("polygon", held))
    assert report.requests == 0
    assert reasons(store) == {GapReason.NO_TRADE: 3, GapReason.VENDOR_HOLE: 2}
    assert evidence(store) == {
        "no trades: the stored bars make up the daily volume (asked 2024-02-01)"
    }


def test_daily_bars_made_of_the_minutes_confirm_nothing(store: ParquetStore) -> None:
    held = without(WEEK, QUIET)
    put(store, held, source="polygon")
    store.commit(Change([daily_of(held)], [], "resample:1min", "a test", NOW))
    filled(store, vendor("polygon", held))
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}


def test_what_is_confirmed_is_remembered_and_written_once(store: ParquetStore) -> None:
    put(store, without(WEEK, QUIET), source="polygon")
    filled(store, vendor("other", without(WEEK, QUIET)))
    before = store.latest_commit()
    assert filled(store, vendor("other", without(WEEK, QUIET))).commits == 0
    assert store.latest_commit() == before


def test_the_newest_session_is_not_confirmed_before_it_is_settled(store: ParquetStore) -> None:
    put(store, without(WEEK, slice(1000, 1003)), source="polygon")
    held = without(WEEK, slice(1000, 1003))
    an_hour_after = datetime(2024, 1, 5, 22, tzinfo=UTC)
    filled(store, vendor("other", held), now=an_hour_after)
    assert reasons(store) == {GapReason.VENDOR_HOLE: 3}

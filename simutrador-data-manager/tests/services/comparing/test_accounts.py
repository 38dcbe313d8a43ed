"""Accounts of vendors, of the store and of shorter bars, held against each other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pytest

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError, UnknownSymbolError
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_change
from simutrador_data.services.comparing import Tolerance
from simutrador_data.services.comparing.accounts import (
    Comparison,
    Fetching,
    compare_accounts,
    compare_timeframes,
)
from simutrador_data.services.downloading import Patience
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.resampling import resample

from ..downloading.faulty_vendor import (  # noqa: TID252 - a module of the tests
    CALENDAR,
    NOW,
    Fault,
    FaultyVendor,
    truth,
)

SERIES: Final = SeriesKey("AAPL", Timeframe.MINUTE_1, Adjustment.RAW)
START: Final = datetime(2024, 1, 2, 5, tzinfo=UTC)
END: Final = datetime(2024, 1, 13, 5, tzinfo=UTC)
FETCHING: Final = Fetching(
    AssetRegistry.default(),
    now=lambda: NOW,
    calendars=lambda _name: CALENDAR,
    patience=Patience(first_wait_s=0.0),
)


class Second(FaultyVendor):
    """Another vendor."""

    name: ClassVar[str] = "second"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    opened = ParquetStore(tmp_path)
    yield opened
    opened.close()


def compared(store: ParquetStore, *providers: Any, names: tuple[str, str]) -> Comparison:
    return asyncio.run(
        compare_accounts(
            SERIES,
            START,
            END,
            names=names,
            providers=providers,
            store=store,
            tolerance=Tolerance(),
            fetching=FETCHING,
        )
    )


def with_close(bars: Bars, at: int, factor: float) -> Bars:
    close, high = bars.close.copy(), bars.high.copy()
    close[at] *= factor
    high[at] = max(high[at], close[at])
    return replace(bars, close=close, high=high)


def test_two_vendors_are_fetched_with_care_and_compared(store: ParquetStore) -> None:
    other = with_close(truth(absent=[7]), 50, 1.01)
    found = compared(
        store,
        FaultyVendor([truth()], [Fault.EMPTY, Fault.DUPLICATED]),
        Second([other], [Fault.LOST]),
        names=("faulty", "second"),
    )
    assert found.is_whole
    assert found.found.both == 179
    assert found.found.only_one.opened_at.tolist() == [truth().opened_at[7]]
    assert found.found.one.opened_at.tolist() == [truth().opened_at[51]]
    assert found.found.fields.tolist() == [[False, True, False, True, False]]
    assert store.symbols() == []


def test_the_store_is_an_account_too(store: ParquetStore) -> None:
    with pytest.raises(UnknownSymbolError):
        compared(store, FaultyVendor([truth()]), names=("stored", "faulty"))
    store.commit(make_change(truth()))
    found = compared(store, FaultyVendor([truth()]), names=("stored", "faulty"))
    assert found.found.is_empty
    assert len(found.reports) == 1


def test_a_vendor_that_gives_a_part_makes_the_comparison_partial(store: ParquetStore) -> None:
    found = compared(
        store, FaultyVendor([truth()]), Second([truth("OTHER")]), names=("faulty", "second")
    )
    assert not found.is_whole
    assert len(found.found.only_one) == 180


def test_longer_bars_are_held_against_those_that_shorter_ones_make(store: ParquetStore) -> None:
    minutes = truth()
    daily = resample(minutes, to=Timeframe.DAILY, calendar=CALENDAR)
    wrong = with_close(daily, 3, 1.02)
    store.commit(make_change(minutes, wrong))
    query = BarQuery("AAPL", Timeframe.DAILY, START, END)
    found = compare_timeframes(
        store, query, made_of=Timeframe.MINUTE_1, calendar=CALENDAR, tolerance=Tolerance()
    )
    assert found.found.both == 9
    assert found.found.one.sessions is not None
    assert found.found.one.sessions.tolist() == [date(2024, 1, 5)]
    # By hand: twenty minutes a session, so the fourth one ends with the eightieth.
    assert found.found.other.close.tolist() == [minutes.close[79]]
    assert np.isclose(found.found.largest()["close"], 0.02 / 1.02, atol=1e-12)
    with pytest.raises(InputError, match="name the shorter timeframe first"):
        compare_timeframes(
            store, query, made_of=Timeframe.WEEKLY, calendar=CALENDAR, tolerance=Tolerance()
        )

"""Live bars into a real store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.streaming.writing import disputed, write_new

from .venue import START, minute, minutes_of

BTC, ETH = minutes_of("BTC-USDT"), minutes_of("ETH-USDT")
HOURS = TradingHours.of(get_calendar("24/7"), Timeframe.MINUTE_1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    with ParquetStore(tmp_path / "bars") as made:
        yield made


def write(store: BarStore, *pages: Bars) -> None:
    now = START + timedelta(minutes=1)
    write_new(store, [(bars, HOURS) for bars in pages], source="binance", fetched_at=now)


def test_bars_of_many_series_are_one_commit(store: BarStore) -> None:
    write(store, BTC.take(slice(0, 1)), ETH.take(slice(0, 2)))
    (commit,) = store.history("BTC-USDT", Timeframe.MINUTE_1)
    assert store.history("ETH-USDT", Timeframe.MINUTE_1) == [commit]
    assert commit.added == 3
    assert commit.request == "follow BTC-USDT 1min raw and 1 more from binance"


def test_a_bar_settles_its_own_time_and_no_more(store: BarStore) -> None:
    write(store, BTC.take(np.array([0, 1, 3])))
    asked = store.coverage(BarQuery("BTC-USDT", Timeframe.MINUTE_1, START, minute(9)))
    assert [(one.start, one.end, one.rows) for one in asked] == [
        (minute(0), minute(2), 2),
        (minute(3), minute(4), 1),
    ]
    # It closed at 12:04 by the vendor's clock; ours, which said 12:01, does not call that unknown.
    assert {one.asked_at for one in asked} == {minute(4)}


def test_nothing_is_no_commit(store: BarStore) -> None:
    write(store, BTC.take(slice(0, 0)))
    assert store.symbols() == []


def test_bars_that_stand_there_as_they_are_are_not_disputed(store: BarStore) -> None:
    first = BTC.take(slice(0, 3))
    assert_same_bars(disputed(store, first), first)
    write(store, BTC.take(slice(0, 2)))
    (third,) = disputed(store, first).opened_at.tolist()
    assert third == to_us(minute(2))
    other = make_bars("BTC-USDT", start=START, close=[7.0])
    assert_same_bars(disputed(store, other), other)

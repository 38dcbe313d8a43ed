"""The newest bar of many series is the last one a read would give."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

AAPL = SeriesKey("AAPL", Timeframe.MINUTE_1)
IBM = SeriesKey("IBM", Timeframe.DAILY)


def write(folder: Path) -> None:
    """Write a file and a block of AAPL, whose last minutes are withdrawn again, and days of IBM."""
    with ParquetStore(folder) as store:
        store.commit(make_change(make_bars("AAPL", n=9_000)))
        store.commit(make_change(make_bars("AAPL", start=START + timedelta(days=9), n=30)))
        store.commit(make_change(make_bars("IBM", Timeframe.DAILY, n=4)))
        late = START + timedelta(days=9, minutes=20)
        gone = make_covered("AAPL", start=late, end=late + timedelta(days=1))
        store.commit(make_change(covered=[gone], on_conflict=OnConflict.REPLACE))


@pytest.mark.parametrize("opener", [ParquetStore, LocalBars])
@pytest.mark.parametrize("compacted", [False, True])
def test_latest_bar_is_the_last_of_a_read(
    tmp_path: Path, opener: type[LocalBars], compacted: bool
) -> None:
    write(tmp_path)
    if compacted:
        with ParquetStore(tmp_path) as store:
            store.maintain(Maintenance.COMPACT)
    with opener(tmp_path) as source:
        found = source.latest([AAPL, IBM])
        assert list(found) == [AAPL, IBM]
        assert_same_bars(found[AAPL], source.read(query_all("AAPL")).take(slice(-1, None)))
        assert_same_bars(
            found[IBM], source.read(query_all("IBM", Timeframe.DAILY)).take(slice(-1, None))
        )
    assert found[AAPL].opened_at[0] == make_bars(start=START, n=1).opened_at[0] + (
        (9 * 1_440 + 19) * 60_000_000
    )


def test_series_without_bars_have_no_latest_one(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(covered=[make_covered("AAPL")]))
        assert store.latest([AAPL, IBM]) == {}


def test_latest_bar_follows_what_others_commit(tmp_path: Path) -> None:
    write(tmp_path)
    with ParquetStore(tmp_path) as source, ParquetStore(tmp_path) as writer:
        assert source.latest([AAPL])[AAPL].close[0] != 7.0
        last = source.latest([AAPL])[AAPL].last
        assert last is not None
        restated = make_bars("AAPL", start=last, close=[7.0])
        writer.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        assert_same_bars(source.latest([AAPL])[AAPL], restated)
        later = make_bars("AAPL", start=last + timedelta(minutes=1), close=[8.0])
        writer.commit(make_change(later))
        assert_same_bars(source.latest([AAPL])[AAPL], later)
        writer.maintain(Maintenance.COMPACT)
        writer.maintain(Maintenance.VACUUM)
        assert_same_bars(source.latest([AAPL])[AAPL], later)


def test_series_whose_bars_were_all_withdrawn_have_no_latest_one(tmp_path: Path) -> None:
    write(tmp_path)
    with ParquetStore(tmp_path) as store:
        assert list(store.latest([IBM, AAPL])) == [IBM, AAPL]
        gone = make_covered("IBM", Timeframe.DAILY, end=START + timedelta(days=99))
        store.commit(make_change(covered=[gone], on_conflict=OnConflict.REPLACE))
        assert list(store.latest([IBM, AAPL])) == [AAPL]

"""A whole read says of few bars what reading, hashing and asking for segments say one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core import dataset
from simutrador_core.errors import (
    InputError,
    InvalidRangeError,
    UnknownSymbolError,
    VersionGoneError,
)
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE = timedelta(minutes=1)
MANY = 1_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParquetStore]:
    """A file of 45 days, a block behind a gap, a restated stretch, a withdrawn one; all hashed."""
    with ParquetStore(tmp_path_factory.mktemp("store")) as store:
        store.commit(make_change(make_bars(n=65_000)))
        store.commit(make_change(make_bars(start=START + 65_100 * MINUTE, n=30)))
        store.maintain(Maintenance.COMPACT)
        restated = make_bars(start=START + 60 * MINUTE, n=15, price=50)
        store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        gone = make_covered(start=START + 90 * MINUTE, end=START + 95 * MINUTE)
        store.commit(make_change(covered=[gone], on_conflict=OnConflict.REPLACE))
        for version in (1, 2, 3, 4):
            store.dataset_id([query_all(as_of=version)])
        yield store


OFFSET = st.one_of(st.integers(-5, 110), st.integers(64_990, 65_140))


@settings(deadline=None)
@given(st.tuples(OFFSET, OFFSET).map(sorted), st.sampled_from([None, 1, 2, 3, 4]))
def test_a_whole_read_says_what_the_others_say(
    store: ParquetStore, offsets: list[int], version: int | None
) -> None:
    start, end = (START + offset * MINUTE for offset in offsets)
    query = BarQuery("AAPL", Timeframe.MINUTE_1, start, end, as_of=version)
    whole = store.read_whole(query, most_rows=MANY, hashed=True)
    bars = store.read(query)
    assert whole is not None
    assert_same_bars(whole.bars, bars)
    assert whole.commit == max((piece.commit for piece in store.segments(query)), default=0)
    assert whole.lines is not None
    assert dataset.combine(whole.lines) == dataset.dataset_id([bars])
    unhashed = store.read_whole(query, most_rows=MANY, hashed=False)
    assert unhashed is not None
    assert unhashed.lines is None


def test_a_commit_that_gave_no_bar_of_the_range_does_not_count(store: ParquetStore) -> None:
    # The first file reaches over the restated minutes: only the commit that restated them counts.
    inside = BarQuery("AAPL", Timeframe.MINUTE_1, START + 62 * MINUTE, START + 64 * MINUTE)
    behind = BarQuery("AAPL", Timeframe.MINUTE_1, START + 80 * MINUTE, START + 85 * MINUTE)
    between = BarQuery("AAPL", Timeframe.MINUTE_1, START + 65_010 * MINUTE, START + 65_020 * MINUTE)
    found = [
        store.read_whole(query, most_rows=MANY, hashed=False) for query in (inside, behind, between)
    ]
    assert [whole.commit for whole in found if whole] == [3, 1, 0]


def test_more_bars_than_allowed_are_left_to_others(store: ParquetStore) -> None:
    query = BarQuery("AAPL", Timeframe.MINUTE_1, START, START + 30 * MINUTE)
    assert store.read_whole(query, most_rows=29, hashed=False) is None
    assert store.read_whole(query, most_rows=30, hashed=False) is not None
    assert store.read_whole(query_all(), most_rows=60_000, hashed=False) is None


def test_a_month_never_hashed_is_left_to_others(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=10)))
        assert store.read_whole(query_all(), most_rows=MANY, hashed=True) is None
        assert store.read_whole(query_all(), most_rows=MANY, hashed=False) is not None
        store.dataset_id([query_all()])
        assert store.read_whole(query_all(), most_rows=MANY, hashed=True) is not None


def test_a_whole_read_refuses_what_a_read_refuses(tmp_path: Path) -> None:
    adjusted = replace(query_all(adjustment=Adjustment.SPLIT), actions_as_of=START.date())
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars(n=10)))
        store.commit(make_change(make_bars(n=10, price=9), on_conflict=OnConflict.REPLACE))
        store.vacuum(keep_versions_since=2)
        for query, error in (
            (query_all("MSFT"), UnknownSymbolError),
            (query_all(as_of=9), InvalidRangeError),
            (query_all(as_of=1), VersionGoneError),
            (adjusted, InputError),
        ):
            with pytest.raises(error):
                store.read_whole(query, most_rows=MANY, hashed=True)

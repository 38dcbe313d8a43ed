"""Reading many ranges at once gives what reading each gives, all of one version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParquetStore]:
    """A file and a block of AAPL, some of it restated, minutes of IBM, days of IBM."""
    with ParquetStore(tmp_path_factory.mktemp("store")) as store:
        store.commit(make_change(make_bars("AAPL", n=9_000)))
        store.commit(make_change(make_bars("AAPL", start=START + 9_000 * MINUTE, n=30)))
        store.commit(make_change(make_bars("IBM", n=40), make_bars("IBM", Timeframe.DAILY, n=4)))
        store.maintain(Maintenance.COMPACT)
        restated = make_bars("AAPL", start=START + 8_990 * MINUTE, n=15, price=50)
        store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
        yield store


SERIES = st.sampled_from(
    [("AAPL", Timeframe.MINUTE_1), ("IBM", Timeframe.MINUTE_1), ("IBM", Timeframe.DAILY)]
)
OFFSET = st.one_of(st.integers(-5, 50), st.integers(8_980, 9_040))


@st.composite
def queries(draw: st.DrawFn) -> BarQuery:
    start, end = sorted((draw(OFFSET), draw(OFFSET)))
    version = draw(st.sampled_from([None, 3, 4]))
    symbol, timeframe = draw(SERIES)
    return BarQuery(symbol, timeframe, START + start * MINUTE, START + end * MINUTE, as_of=version)


@settings(deadline=None)
@given(wanted=st.lists(queries()))
def test_many_ranges_read_as_each_of_them_does(store: ParquetStore, wanted: list[BarQuery]) -> None:
    many = store.read_many(wanted)
    assert len(many) == len(wanted)
    for query, bars in zip(wanted, many, strict=True):
        whole = store.read(query_all(query.symbol, query.timeframe, as_of=query.as_of))
        assert_same_bars(bars, store.read(query))
        inside = [
            at
            for at in whole.opened_at.tolist()
            if query.start <= datetime.fromtimestamp(at / 10**6, UTC) < query.end
        ]
        assert bars.opened_at.tolist() == inside


def test_one_unknown_series_or_version_refuses_all(store: ParquetStore) -> None:
    known = query_all("AAPL")
    with pytest.raises(UnknownSymbolError, match="MSFT"):
        store.read_many([known, query_all("MSFT")])
    with pytest.raises(InvalidRangeError, match="as_of 99 is no version"):
        store.read_many([known, query_all("AAPL", as_of=99)])


def test_columns_that_are_read_cannot_be_written(store: ParquetStore) -> None:
    for bars in store.read_many([query_all("AAPL"), query_all("IBM", Timeframe.DAILY)]):
        with pytest.raises(ValueError, match="read-only"):
            bars.close[0] = 1.0
        assert bars.close.flags.c_contiguous


def test_all_ranges_are_of_one_version_while_another_writes(tmp_path: Path) -> None:
    start = datetime(2024, 1, 2, tzinfo=UTC)
    with ParquetStore(tmp_path) as reader, ParquetStore(tmp_path) as writer:
        for number in range(1, 40):
            page = make_bars(start=start, close=[float(number)] * 3)
            writer.commit(make_change(page, on_conflict=OnConflict.REPLACE))
            one, two = reader.read_many([query_all(), query_all()])
            assert one.close.tolist() == two.close.tolist() == [float(number)] * 3

"""Rows are cut by UTC year into files and by UTC month into digests, wherever they lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simutrador_core.models.bars import SeriesKey, concat, from_us, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.digests import months_of
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.table import EARLIEST_US, LATEST_US
from simutrador_data.services.storage.writing import parts_by_year

NEW_YEAR = to_us(datetime(2021, 1, 1, tzinfo=UTC))
INSTANTS = st.lists(
    st.one_of(
        st.integers(EARLIEST_US, LATEST_US),
        st.integers(NEW_YEAR - 3, NEW_YEAR + 3),
        st.integers(-3, 3),
    ),
    unique=True,
).map(sorted)


@settings(deadline=None)
@given(INSTANTS)
@example([NEW_YEAR - 1, NEW_YEAR])
def test_parts_are_the_years_in_which_rows_open(times: list[int]) -> None:
    found = parts_by_year(np.array(times, dtype=np.int64), SeriesKey("AAPL", Timeframe.MINUTE_1))
    years = [(f"{year:04d}", list(at)) for year, at in groupby(times, lambda us: from_us(us).year)]
    assert [(label, times[first:last]) for label, first, last in found] == years


@settings(deadline=None)
@given(INSTANTS)
@example([NEW_YEAR - 1, NEW_YEAR])
def test_months_are_those_in_which_rows_open(times: list[int]) -> None:
    instants = [from_us(us) for us in times]
    expected = {(at.year - 1970) * 12 + at.month - 1 for at in instants}
    assert months_of(np.array(times, dtype=np.int64)) == sorted(expected)


class FailingAt(FileOps):
    """A disk that is full when it is asked for the k-th time to do one kind of thing."""

    def __init__(self, operation: str, k: int) -> None:
        self.operation = operation
        self.left = k

    def before(self, operation: str, path: Path) -> None:
        self.left -= operation == self.operation
        if operation == self.operation and self.left == 0:
            raise OSError(28, "No space left on device", str(path))


SEVERAL_YEARS = make_change(
    make_bars(n=9_000),
    make_bars(start=datetime(2024, 12, 31, tzinfo=UTC) - timedelta(days=6), n=19_000),
    make_bars(start=datetime(2026, 6, 1, tzinfo=UTC), n=20),
)


@pytest.mark.parametrize(
    ("operation", "k"),
    [("create", 1), ("create", 2), ("rename", 1), ("rename", 2), ("sync_folder", 2)],
)
def test_one_file_that_fails_leaves_none_of_a_commit(
    tmp_path: Path, operation: str, k: int
) -> None:
    with ParquetStore(tmp_path, ops=FailingAt(operation, k)) as store:
        with pytest.raises(DiskError, match="No space left"):
            store.commit(SEVERAL_YEARS)
        assert [path for path in tmp_path.rglob("*") if path.suffix == ".parquet"] == []
        assert store.symbols() == []
        store.commit(SEVERAL_YEARS)
        assert_same_bars(store.read(query_all()), concat(SEVERAL_YEARS.pages))

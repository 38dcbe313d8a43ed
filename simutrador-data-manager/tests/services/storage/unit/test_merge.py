"""The rules of a commit against a dictionary: which rows stand, and where runs are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.errors import ConflictError, InvalidBarsError
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_data.services.storage.merge import Merged, join_pages, merge
from simutrador_data.services.storage.table import OPENED, WIDE, Table

SERIES = SeriesKey("AAPL", Timeframe.MINUTE_1)
rows = st.dictionaries(st.integers(0, 12), st.integers(1, 2))
ranges = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)).map(sorted), max_size=2)


def table_of(rows: dict[int, int]) -> Table:
    """Return a table whose rows hold one value in every column but the time."""
    times = sorted(rows)
    return np.array([times, *([[rows[at] for at in times]] * (WIDE - 1))], dtype=np.int64)


def rows_of(table: Table) -> dict[int, int]:
    return dict(zip(table[0].tolist(), table[1].tolist(), strict=True))


def times_in_runs(table: Table, runs: list[tuple[int, int]]) -> list[list[int]]:
    return [table[OPENED, first:last].tolist() for first, last in runs]


def merged(
    old: dict[int, int], new: dict[int, int], mode: OnConflict, covered: list[list[int]], cut: int
) -> tuple[Table, Merged]:
    stands = table_of(old)
    owners = (stands[OPENED] >= cut).astype(np.int64)
    spans = [(start, end) for start, end in covered]
    found = merge(
        stands, table_of(new), series=SERIES, on_conflict=mode, covered=spans, owners=owners
    )
    return stands, found


@given(
    rows, rows, st.sampled_from([OnConflict.KEEP, OnConflict.REPLACE]), ranges, st.integers(0, 12)
)
def test_merge_does_to_rows_what_a_dictionary_would(
    old: dict[int, int], new: dict[int, int], mode: OnConflict, covered: list[list[int]], cut: int
) -> None:
    expected = old | new if mode is OnConflict.REPLACE else new | old
    if mode is OnConflict.REPLACE:
        inside = {at for start, end in covered for at in range(start, end)}
        expected = {at: row for at, row in expected.items() if at in new or at not in inside}
    stands, found = merged(old, new, mode, covered, cut)
    stay = [at for run in times_in_runs(stands, found.staying) for at in run]
    end = [at for run in times_in_runs(stands, found.ending) for at in run]
    assert {at: old[at] for at in stay} | rows_of(found.rows) == expected
    assert sorted(stay + end) == sorted(old)
    assert found.added == len(expected.keys() - old.keys())
    assert found.removed == len(old.keys() - expected.keys())
    assert found.replaced == sum(at in old and old[at] != row for at, row in expected.items())


@given(
    rows, rows, st.sampled_from([OnConflict.KEEP, OnConflict.REPLACE]), ranges, st.integers(0, 12)
)
def test_runs_alive_after_a_merge_are_disjoint_in_time(
    old: dict[int, int], new: dict[int, int], mode: OnConflict, covered: list[list[int]], cut: int
) -> None:
    stands, found = merged(old, new, mode, covered, cut)
    alive = times_in_runs(stands, found.staying) + times_in_runs(found.rows, found.entering)
    assert all(earlier[-1] < later[0] for earlier, later in pairwise(sorted(alive)))
    for run in times_in_runs(stands, [*found.staying, *found.ending]):
        assert run[0] >= cut or run[-1] < cut  # no run crosses a segment


def test_entering_run_is_cut_where_an_untouched_segment_begins() -> None:
    found = merge(
        table_of({}),
        table_of({1: 1, 2: 1, 8: 1}),
        series=SERIES,
        on_conflict=OnConflict.KEEP,
        fences=np.array([5]),
    )
    assert found.entering == [(0, 2), (2, 3)]


def test_fail_names_the_first_bar_that_differs() -> None:
    with pytest.raises(ConflictError, match=r"1970-01-01T00:00:00\.000002.*1 differ"):
        merge(
            table_of({1: 1, 2: 1}),
            table_of({1: 1, 2: 2, 3: 1}),
            series=SERIES,
            on_conflict=OnConflict.FAIL,
        )


def test_pages_in_any_order_become_one_table() -> None:
    joined = join_pages([table_of({5: 1, 6: 2}), table_of({1: 1}), table_of({6: 2, 7: 1})], SERIES)
    assert rows_of(joined) == {1: 1, 5: 1, 6: 2, 7: 1}


def test_pages_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidBarsError, match=r"1970-01-01T00:00:00\.000006"):
        join_pages([table_of({5: 1, 6: 2}), table_of({6: 1})], SERIES)

"""The part of the store contract about one commit: conflicts, bases, refusals, `no_op`, history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from simutrador_core.errors import ConflictError, InvalidBarsError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import OHLCV, Bars
from simutrador_core.models.enums import Adjustment, OnConflict, Timeframe
from simutrador_core.testing._store_cases import AAPL, DAY, IBM, MINUTE
from simutrador_core.testing.builders import (
    FETCHED_AT,
    START,
    covering,
    make_bars,
    make_change,
    make_covered,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars


class CommitContract:
    """What a commit writes, refuses and says; `store` is an empty one."""

    def test_commit_says_what_it_did(self, store: BarStore) -> None:
        bars = make_bars("AAPL", n=4)
        commit = store.commit(make_change(bars, source="file:a.csv", request="import a.csv"))
        assert (commit.added, commit.replaced, commit.removed, commit.no_op) == (4, 0, 0, False)
        assert commit.series == (bars.series,)
        assert (commit.source, commit.request) == ("file:a.csv", "import a.csv")
        assert commit.at.utcoffset() == timedelta(0)
        assert commit.code_version

    def test_commit_ids_increase(self, store: BarStore) -> None:
        ids = [store.commit(make_change(make_bars(s))).id for s in ("AAPL", "IBM", "MSFT")]
        assert all(a < b for a, b in pairwise(ids))
        assert ids[0] > 0

    def test_one_commit_writes_several_series_and_pages(self, store: BarStore) -> None:
        aapl, ibm = make_bars("AAPL", n=6), make_bars("IBM", Timeframe.DAILY, n=3)
        commit = store.commit(make_change(aapl.take(slice(3, 6)), ibm, aapl.take(slice(0, 3))))
        assert commit.added == 9
        assert set(commit.series) == {aapl.series, ibm.series}
        assert_same_bars(store.read(AAPL), aapl)
        assert_same_bars(store.read(query_all("IBM", Timeframe.DAILY)), ibm)

    def test_pages_may_overlap_when_they_agree(self, store: BarStore) -> None:
        bars = make_bars("AAPL", n=6)
        commit = store.commit(make_change(bars.take(slice(0, 4)), bars.take(slice(2, 6))))
        assert commit.added == 6
        assert_same_bars(store.read(AAPL), bars)

    @pytest.mark.parametrize("on_conflict", OnConflict)
    def test_pages_that_disagree_are_refused(
        self, store: BarStore, on_conflict: OnConflict
    ) -> None:
        pages = make_bars("AAPL"), make_bars("AAPL", price=50)
        with pytest.raises(InvalidBarsError):
            store.commit(make_change(*pages, on_conflict=on_conflict))
        assert store.symbols() == []

    def test_incomplete_bars_are_refused_and_nothing_is_written(self, store: BarStore) -> None:
        with pytest.raises(InvalidBarsError):
            store.commit(make_change(make_bars("IBM"), make_bars("AAPL", complete=False)))
        assert store.symbols() == []

    @pytest.mark.parametrize("column", OHLCV)
    @pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
    def test_numbers_that_are_not_finite_are_refused_and_nothing_is_written(
        self, store: BarStore, column: str, number: float
    ) -> None:
        bad = replace(make_bars("AAPL", n=3), **{column: np.array([1.0, number, 1.0])})
        with pytest.raises(InvalidBarsError):
            store.commit(make_change(make_bars("IBM"), bad))
        assert store.symbols() == []

    def test_a_change_that_says_nothing_is_no_commit(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL")))
        commit = store.commit(make_change(Bars.empty("IBM", Timeframe.MINUTE_1)))
        assert commit.no_op
        assert [info.symbol for info in store.symbols()] == ["AAPL"]

    def test_keep_leaves_what_stands_and_adds_the_rest(self, store: BarStore) -> None:
        old, new = make_bars("AAPL", n=3), make_bars("AAPL", n=5, price=50)
        store.commit(make_change(old))
        commit = store.commit(make_change(new))
        assert (commit.added, commit.replaced, commit.removed) == (2, 0, 0)
        found = store.read(AAPL)
        assert_same_bars(found.take(slice(0, 3)), old)
        assert_same_bars(found.take(slice(3, 5)), new.take(slice(3, 5)))

    def test_keep_removes_nothing_inside_covered(self, store: BarStore) -> None:
        bars = make_bars("AAPL", n=5)
        store.commit(make_change(bars))
        store.commit(make_change(covered=[covering(bars)], on_conflict=OnConflict.KEEP))
        assert_same_bars(store.read(AAPL), bars)

    def test_replace_restates_rows(self, store: BarStore) -> None:
        old, new = make_bars("AAPL", n=5), make_bars("AAPL", n=3, price=50)
        store.commit(make_change(old))
        commit = store.commit(make_change(new, on_conflict=OnConflict.REPLACE))
        assert (commit.added, commit.replaced, commit.removed) == (0, 3, 0)
        found = store.read(AAPL)
        assert_same_bars(found.take(slice(0, 3)), new)
        assert_same_bars(found.take(slice(3, 5)), old.take(slice(3, 5)))

    def test_replace_counts_only_rows_that_differ(self, store: BarStore) -> None:
        old = make_bars("AAPL", n=3)
        store.commit(make_change(old))
        new = replace(old, close=old.close + np.array([0.0, 0.01, 0.0]))
        commit = store.commit(make_change(new, on_conflict=OnConflict.REPLACE))
        assert (commit.added, commit.replaced, commit.removed) == (0, 1, 0)

    def test_replace_removes_rows_inside_covered_that_the_pages_lack(self, store: BarStore) -> None:
        old = make_bars("AAPL", n=10)
        store.commit(make_change(old, make_bars("IBM", n=10)))
        settled = make_covered(start=START + 2 * MINUTE, end=START + 6 * MINUTE)
        kept = old.take(np.array([3, 5], dtype=np.int64))
        commit = store.commit(make_change(kept, covered=[settled], on_conflict=OnConflict.REPLACE))
        assert (commit.added, commit.replaced, commit.removed) == (0, 0, 2)
        left = old.take(np.array([0, 1, 3, 5, 6, 7, 8, 9], dtype=np.int64))
        assert_same_bars(store.read(AAPL), left)
        assert_same_bars(store.read(IBM), make_bars("IBM", n=10))

    def test_replace_without_pages_empties_the_range(self, store: BarStore) -> None:
        bars = make_bars("AAPL", n=5)
        store.commit(make_change(bars))
        commit = store.commit(make_change(covered=[covering(bars)], on_conflict=OnConflict.REPLACE))
        assert commit.removed == 5
        assert len(store.read(AAPL)) == 0
        (info,) = store.symbols()
        assert (info.first, info.last, info.rows) == (None, None, 0)

    def test_replace_across_several_ranges(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL", n=10)))
        ranges = [
            make_covered(start=START, end=START + MINUTE),
            make_covered(start=START + 8 * MINUTE, end=START + 20 * MINUTE),
        ]
        commit = store.commit(make_change(covered=ranges, on_conflict=OnConflict.REPLACE))
        assert commit.removed == 3
        assert_same_bars(store.read(AAPL), make_bars("AAPL", n=10).take(slice(1, 8)))

    def test_replace_changes_sessions_and_marks(self, store: BarStore) -> None:
        query = query_all("AAPL", Timeframe.DAILY)
        old = make_bars("AAPL", Timeframe.DAILY, n=2)
        store.commit(make_change(old))
        moved = replace(old, sessions=np.array(["2024-01-03", "2024-01-04"], dtype="M8[D]"))
        assert store.commit(make_change(moved, on_conflict=OnConflict.REPLACE)).replaced == 2
        assert_same_bars(store.read(query), moved)
        marked = replace(moved, synthetic=np.array([False, True]))
        assert store.commit(make_change(marked, on_conflict=OnConflict.REPLACE)).replaced == 1
        assert_same_bars(store.read(query), marked)

    def test_fail_accepts_equal_rows_and_new_ones(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL", n=3)))
        commit = store.commit(make_change(make_bars("AAPL", n=5), on_conflict=OnConflict.FAIL))
        assert (commit.added, commit.replaced) == (2, 0)

    def test_fail_refuses_a_different_row_and_writes_nothing(self, store: BarStore) -> None:
        old = make_bars("AAPL", n=3)
        store.commit(make_change(old))
        pages = make_bars("IBM"), make_bars("MSFT"), make_bars("AAPL", n=9, price=50)
        with pytest.raises(ConflictError):
            store.commit(make_change(*pages, on_conflict=OnConflict.FAIL))
        assert_same_bars(store.read(AAPL), old)
        assert [info.symbol for info in store.symbols()] == ["AAPL"]

    def test_a_writer_that_knows_the_latest_commit_goes_on(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=2)), base=0)
        second = store.commit(make_change(make_bars("AAPL", n=4)), base=first.id)
        assert second.added == 2

    def test_a_stale_writer_is_refused(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=2)))
        store.commit(make_change(make_bars("AAPL", n=4)))
        late = make_change(make_bars("AAPL", n=6, price=50), on_conflict=OnConflict.REPLACE)
        with pytest.raises(ConflictError):
            store.commit(late, base=first.id)
        with pytest.raises(ConflictError):
            store.commit(late, base=0)
        assert_same_bars(store.read(AAPL), make_bars("AAPL", n=4))

    def test_commits_of_other_series_do_not_make_a_writer_stale(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=2)))
        store.commit(make_change(make_bars("IBM"), make_bars("AAPL", Timeframe.DAILY)))
        store.commit(make_change(make_bars("AAPL", adjustment=Adjustment.SPLIT)))
        assert store.commit(make_change(make_bars("AAPL", n=3)), base=first.id).added == 1

    def test_one_stale_series_refuses_the_whole_change(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=2)))
        store.commit(make_change(make_bars("IBM", n=2)))
        with pytest.raises(ConflictError):
            store.commit(make_change(make_bars("AAPL", n=3), make_bars("IBM", n=3)), base=first.id)
        assert_same_bars(store.read(AAPL), make_bars("AAPL", n=2))

    @pytest.mark.parametrize("on_conflict", OnConflict)
    def test_writing_the_same_again_changes_nothing(
        self, store: BarStore, on_conflict: OnConflict
    ) -> None:
        bars = make_bars("AAPL", n=4)
        change = make_change(bars, covered=[covering(bars)], on_conflict=on_conflict)
        first = store.commit(change)
        again = store.commit(replace(change, fetched_at=FETCHED_AT + DAY))
        assert (again.no_op, again.id) == (True, first.id)
        assert (again.added, again.replaced, again.removed) == (0, 0, 0)
        assert [c.id for c in store.history("AAPL", Timeframe.MINUTE_1)] == [first.id]

    def test_history_lists_commits_of_a_symbol_and_timeframe(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=2), source="one"))
        store.commit(make_change(make_bars("IBM")))
        store.commit(make_change(make_bars("AAPL", Timeframe.DAILY)))
        both = store.commit(make_change(make_bars("AAPL", n=4), make_bars("MSFT"), source="two"))
        listed = store.history("AAPL", Timeframe.MINUTE_1)
        assert [(c.id, c.source) for c in listed] == [(first.id, "one"), (both.id, "two")]
        assert [(c.added, c.no_op) for c in listed] == [(2, False), (7, False)]
        assert store.history("NOPE", Timeframe.MINUTE_1) == []

    def test_history_can_be_asked_for_the_newest_commits_only(self, store: BarStore) -> None:
        for n in (1, 2, 3):  # each of two series that one history lists
            split = make_bars("AAPL", n=n, adjustment=Adjustment.SPLIT)
            store.commit(make_change(make_bars("AAPL", n=n), split))
            store.commit(make_change(make_bars("IBM", n=n)))
        whole = store.history("AAPL", Timeframe.MINUTE_1)
        assert len(whole) == 3
        for newest in (0, 1, 2, 3, 9):
            part = store.history("AAPL", Timeframe.MINUTE_1, newest=newest)
            assert part == whole[max(0, 3 - newest) :]

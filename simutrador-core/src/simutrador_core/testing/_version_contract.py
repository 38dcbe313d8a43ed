"""The part of the store contract about versions: coverage, `as_of`, provenance, maintenance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from simutrador_core import dataset
from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Commit
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing._store_cases import (
    AAPL,
    DAY,
    IBM,
    MINUTE,
    assert_versions,
    write_two_sources,
    write_versions,
)
from simutrador_core.testing.builders import (
    FETCHED_AT,
    START,
    make_bars,
    make_change,
    make_covered,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars, joined
from simutrador_core.testing.store_facts import provenance


class VersionContract:
    """What a store remembers, and that housekeeping changes none of it; `store` is an empty one."""

    def test_latest_commit_is_the_newest_version_there_is(self, store: BarStore) -> None:
        assert store.latest_commit() == 0
        change = make_change(make_bars("AAPL", n=3))
        assert store.commit(change).id == store.latest_commit() == 1
        store.commit(change)  # no news
        assert store.latest_commit() == 1
        store.commit(make_change(make_bars("IBM", n=1)))
        store.maintain(Maintenance.COMPACT)
        assert store.latest_commit() == 2

    def test_coverage_remembers_that_nothing_was_there(self, store: BarStore) -> None:
        asked = make_covered("NEW", start=START, end=START + DAY)
        commit = store.commit(make_change(covered=[asked], source="acme"))
        assert (commit.no_op, commit.added) == (False, 0)
        (answer,) = store.coverage(query_all("NEW"))
        assert (answer.start, answer.end, answer.rows) == (START, START + DAY, 0)
        assert (answer.provider, answer.asked_at) == ("acme", FETCHED_AT)
        assert len(store.read(query_all("NEW"))) == 0

    def test_coverage_counts_the_rows_the_source_gave(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL", n=3)))
        asked = make_covered(start=START + MINUTE, end=START + DAY)
        store.commit(make_change(make_bars("AAPL", n=5), covered=[asked], source="acme"))
        (answer,) = store.coverage(AAPL)
        assert answer.rows == 4

    def test_coverage_is_in_time_order_and_of_the_range(self, store: BarStore) -> None:
        late, early = (
            make_covered(start=START + i * DAY, end=START + (i + 1) * DAY) for i in (5, 1)
        )
        store.commit(make_change(covered=[late], source="acme"))
        store.commit(make_change(covered=[early], source="other"))
        assert [(c.start, c.provider) for c in store.coverage(AAPL)] == [
            (START + DAY, "other"),
            (START + 5 * DAY, "acme"),
        ]
        query = BarQuery("AAPL", Timeframe.MINUTE_1, START + 4 * DAY, START + 9 * DAY)
        assert [c.provider for c in store.coverage(query)] == ["acme"]
        before = BarQuery("AAPL", Timeframe.MINUTE_1, START - DAY, START + DAY)
        assert store.coverage(before) == []
        assert store.coverage(query_all("NOPE")) == []

    def test_a_second_source_asked_for_the_same_range_is_remembered(self, store: BarStore) -> None:
        asked = make_covered()
        store.commit(make_change(covered=[asked], source="acme"))
        commit = store.commit(make_change(covered=[asked], source="other"))
        assert not commit.no_op
        assert {c.provider for c in store.coverage(AAPL)} == {"acme", "other"}

    def test_asking_again_without_news_moves_the_time_of_asking(self, store: BarStore) -> None:
        change = make_change(make_bars("AAPL"), covered=[make_covered()], source="acme")
        first = store.commit(change)
        store.commit(make_change(make_bars("IBM")))
        for days in (2, 1):  # an answer that comes in late takes nothing back
            again = store.commit(replace(change, fetched_at=FETCHED_AT + days * DAY))
            assert again.no_op
        for query in (AAPL, replace(AAPL, as_of=first.id)):
            assert [c.asked_at for c in store.coverage(query)] == [FETCHED_AT + 2 * DAY]

    def test_another_answer_to_the_same_question_counts_from_its_commit_on(
        self, store: BarStore
    ) -> None:
        asked = [make_covered(start=START, end=START + DAY)]
        empty = store.commit(make_change(covered=asked, source="acme"))
        change = make_change(make_bars("AAPL", n=5), covered=asked, source="acme")
        full = store.commit(replace(change, fetched_at=FETCHED_AT + DAY))
        answers = [
            [(c.asked_at, c.rows) for c in store.coverage(replace(AAPL, as_of=commit.id))]
            for commit in (empty, full)
        ]
        assert answers == [[(FETCHED_AT, 0)], [(FETCHED_AT + DAY, 5)]]

    def test_fewer_rows_for_the_same_question_are_news(self, store: BarStore) -> None:
        asked = [make_covered(start=START, end=START + DAY)]
        store.commit(make_change(make_bars("AAPL", n=5), covered=asked))
        commit = store.commit(make_change(make_bars("AAPL", n=4), covered=asked))
        assert (commit.no_op, commit.added, commit.removed) == (False, 0, 0)
        assert [c.rows for c in store.coverage(AAPL)] == [4]

    def test_history_says_who_gave_what_and_when(self, store: BarStore) -> None:
        split = make_bars("AAPL", adjustment=Adjustment.SPLIT)
        change = make_change(split, make_bars("AAPL"), source="acme", request="GET /bars")
        made = store.commit(change)
        (commit,) = store.history("AAPL", Timeframe.MINUTE_1)
        assert commit == made
        assert (commit.source, commit.request) == ("acme", "GET /bars")
        assert commit.fetched_at == FETCHED_AT
        assert commit.code_version
        assert sorted(s.adjustment for s in commit.series) == [Adjustment.RAW, Adjustment.SPLIT]

    def test_every_version_can_be_read_again(self, store: BarStore) -> None:
        versions = write_versions(store)
        assert_versions(store, versions)

    def test_a_series_is_unknown_before_its_first_commit(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("IBM")))
        store.commit(make_change(make_bars("AAPL")))
        with pytest.raises(UnknownSymbolError):
            store.read(replace(AAPL, as_of=first.id))
        assert len(store.read(replace(IBM, as_of=first.id))) == 5

    def test_a_version_that_is_not_there_yet_is_refused(self, store: BarStore) -> None:
        latest = store.commit(make_change(make_bars("AAPL"))).id
        for query in (replace(AAPL, as_of=version) for version in (latest + 1, 2**70, -1)):
            for ask in (store.read, store.segments, store.coverage):
                with pytest.raises(InvalidRangeError):
                    ask(query)
            with pytest.raises(InvalidRangeError):
                list(store.stream(query))
            with pytest.raises(InvalidRangeError):
                store.dataset_id([query])

    def test_stream_and_dataset_id_read_older_versions_too(self, store: BarStore) -> None:
        old = make_bars("AAPL", n=5)
        first = store.commit(make_change(old))
        store.commit(make_change(make_bars("AAPL", n=7, price=50), on_conflict=OnConflict.REPLACE))
        query = replace(AAPL, as_of=first.id)
        assert_same_bars(joined(store.stream(query, rows=2), series=query.series), old)
        assert store.dataset_id([query]) == dataset.dataset_id([old])

    def test_coverage_of_an_older_version(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL")))
        store.commit(make_change(covered=[make_covered()]))
        assert store.coverage(replace(AAPL, as_of=first.id)) == []

    def test_a_stream_stays_at_the_version_it_began_with(self, store: BarStore) -> None:
        old = make_bars("AAPL", n=10)
        store.commit(make_change(old))
        stream = store.stream(AAPL, rows=3)
        parts = [next(stream)]
        new = make_bars("AAPL", n=12, price=50)
        store.commit(make_change(new, on_conflict=OnConflict.REPLACE))
        store.maintain(Maintenance.COMPACT)
        parts.append(next(stream))
        store.maintain(Maintenance.VACUUM)
        parts.extend(stream)
        assert_same_bars(joined(parts, series=AAPL.series), old)
        assert_same_bars(store.read(AAPL), new)

    def test_dataset_id_follows_each_change(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL", Timeframe.DAILY, n=60)))
        query = query_all("AAPL", Timeframe.DAILY)
        seen = {store.dataset_id([query])}
        for price in (50.0, 60.0):
            bars = make_bars("AAPL", Timeframe.DAILY, n=1, price=price)
            store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
            seen.add(store.dataset_id([query]))
        assert len(seen) == 3

    def test_segments_say_which_commit_gave_each_bar(self, store: BarStore) -> None:
        owners = write_two_sources(store)
        assert provenance(store, AAPL) == owners

    def test_provenance_survives_maintenance(self, store: BarStore) -> None:
        owners = write_two_sources(store)
        for task in (Maintenance.COMPACT, Maintenance.VACUUM):
            store.maintain(task)
            assert provenance(store, AAPL) == owners

    def test_segments_of_a_range_count_its_bars_only(self, store: BarStore) -> None:
        store.commit(make_change(make_bars("AAPL", n=10)))
        query = BarQuery("AAPL", Timeframe.MINUTE_1, START + 2 * MINUTE, START + 5 * MINUTE)
        assert sum(segment.rows for segment in store.segments(query)) == 3

    @pytest.mark.parametrize("task", Maintenance)
    def test_maintenance_of_an_empty_store_finds_nothing(
        self, store: BarStore, task: Maintenance
    ) -> None:
        report = store.maintain(task)
        assert (report.task, report.problems) == (task, ())

    def test_maintenance_changes_no_read(self, store: BarStore) -> None:
        versions = write_versions(store)
        series = store.symbols()
        identity = store.dataset_id([AAPL])
        for task in (*Maintenance, *Maintenance):
            assert store.maintain(task).problems == ()
            assert_versions(store, versions)
            assert store.symbols() == series
            assert store.dataset_id([AAPL]) == identity

    def test_writing_goes_on_after_maintenance(self, store: BarStore) -> None:
        first = store.commit(make_change(make_bars("AAPL", n=4)))
        store.maintain(Maintenance.COMPACT)
        store.maintain(Maintenance.VACUUM)
        new = make_bars("AAPL", n=6, price=50)
        commit = store.commit(make_change(new, on_conflict=OnConflict.REPLACE), base=first.id)
        assert (commit.added, commit.replaced) == (2, 4)
        assert commit.id > first.id
        assert_same_bars(store.read(AAPL), new)
        assert_same_bars(store.read(replace(AAPL, as_of=first.id)), make_bars("AAPL", n=4))

    def test_threads_may_share_a_store(self, store: BarStore) -> None:
        bars = make_bars("AAPL", n=40)

        def write(first: int) -> Commit:
            return store.commit(make_change(bars.take(slice(first, first + 5))))

        with ThreadPoolExecutor(4) as pool:
            commits = list(pool.map(write, range(0, 40, 5)))
        assert len({commit.id for commit in commits}) == 8
        assert_same_bars(store.read(AAPL), bars)

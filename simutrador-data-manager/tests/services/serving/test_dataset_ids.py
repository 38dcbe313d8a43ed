"""A hash is remembered for a fixed version only, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import OnConflict
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.serving import dataset_ids
from simutrador_data.services.serving.dataset_ids import DatasetIds


class Counting(MemoryStore):
    """A store that counts how often it hashes."""

    hashed = 0

    def dataset_id(self, queries: Sequence[BarQuery]) -> str:
        self.hashed += 1
        return super().dataset_id(queries)


@pytest.fixture
def store() -> Counting:
    made = Counting()
    made.commit(make_change(make_bars("AAPL"), make_bars("IBM")))
    return made


def test_the_same_question_is_hashed_once(store: Counting) -> None:
    ids, query = DatasetIds(), query_all(as_of=1)
    assert {ids.of(store, [query]) for _ in range(3)} == {MemoryStore.dataset_id(store, [query])}
    assert store.hashed == 1


def test_the_newest_version_is_hashed_each_time(store: Counting) -> None:
    ids = DatasetIds()
    before = ids.of(store, [query_all()])
    store.commit(make_change(make_bars("AAPL", price=9), on_conflict=OnConflict.REPLACE))
    assert ids.of(store, [query_all()]) != before
    assert ids.of(store, [query_all(as_of=1)]) == before


def test_no_more_is_kept_than_the_limit(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_ids, "KEPT", 2)
    ids = DatasetIds()
    queries = [query_all("AAPL", as_of=1), query_all("IBM", as_of=1)]
    for query in [*queries, queries[0]]:
        ids.of(store, [query])
    assert store.hashed == 2
    ids.of(store, [queries[0], queries[1]])  # pushes the one used longest ago out: IBM
    ids.of(store, [queries[0]])
    assert store.hashed == 3
    ids.of(store, [queries[1]])
    assert store.hashed == 4


def test_a_long_question_is_not_kept(store: Counting) -> None:
    store.commit(make_change(*(make_bars(f"S{n}") for n in range(5))))
    ids = DatasetIds()
    long = [query_all(f"S{n}", as_of=2) for n in range(5)]
    assert ids.of(store, long) == ids.of(store, long)
    assert store.hashed == 2


def test_an_error_is_not_kept(store: Counting) -> None:
    ids = DatasetIds()
    for _ in range(2):
        with pytest.raises(UnknownSymbolError):
            ids.of(store, [query_all("NOPE", as_of=1)])
    assert store.hashed == 2

"""Random histories: a Delta table tells what the slow and obvious store does, at each version."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.interfaces.storage import Change
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage.delta import DeltaStore, chronicle

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


def any_change(chance: random.Random) -> Change:
    """Return bars and ranges of two series around a turn of the year, to be kept or to replace."""
    symbol = chance.choice(["AAPL", "EUR/USD"])
    start = datetime(2023, 12, 31, 23, 30, tzinfo=UTC) + timedelta(minutes=chance.randrange(60))
    bars = make_bars(symbol, start=start, n=chance.randrange(20), price=chance.randrange(10, 60))
    end = start + timedelta(minutes=chance.randrange(30))
    covered = [make_covered(symbol, start=start, end=end)] if chance.random() < 0.4 else []
    on_conflict = chance.choice([OnConflict.KEEP, OnConflict.REPLACE, OnConflict.REPLACE])
    pages = [bars, make_bars("IBM", start=START, n=1 + chance.randrange(3))][
        : chance.choice([1, 2])
    ]
    return make_change(
        *pages,
        covered=covered,
        source=chance.choice("ab"),
        on_conflict=on_conflict,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_history_tells_the_same(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(chronicle, "SIZES", (12, 4))
    chance = random.Random(seed)
    oracle = MemoryStore(clock=lambda: NOW)
    with (
        DeltaStore(fast_path, clock=lambda: NOW) as one,
        DeltaStore(fast_path, clock=lambda: NOW) as two,
    ):
        for number in range(15):
            changes = [any_change(chance) for _ in range(chance.randrange(1, 5))]
            for change in changes:
                oracle.commit(change)
            (one, two)[number % 2].commit_many(changes)
            if number % 5 == 4:
                for task in Maintenance:
                    assert two.maintain(task).problems == ()
        assert facts_of(one) == facts_of(oracle)
    with DeltaStore(fast_path) as again:
        assert facts_of(again) == facts_of(oracle)


class Interrupted(list[BarQuery]):
    """Queries between which something happens."""

    happens: Callable[[], object]

    def __iter__(self) -> Iterator[BarQuery]:
        for query in super().__iter__():
            yield query
            self.happens()


def test_a_hash_of_several_series_is_of_one_version(tmp_path: Path) -> None:
    def restate() -> None:
        bars = make_bars("IBM", n=5, price=50)
        other.commit(make_change(bars, on_conflict=OnConflict.REPLACE))

    with DeltaStore(tmp_path) as store, DeltaStore(tmp_path) as other:
        store.commit(make_change(make_bars("AAPL", n=5), make_bars("IBM", n=5)))
        before = store.dataset_id([query_all("AAPL"), query_all("IBM")])
        queries = Interrupted([query_all("AAPL"), query_all("IBM")])
        queries.happens = restate
        assert store.dataset_id(queries) == before
        assert store.dataset_id(list(queries)) != before

"""A small answer of a store in one look says what the slower ways say."""

from __future__ import annotations

from pathlib import Path

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import Adjustment, OnConflict
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.serving.dataset_ids import DatasetIds
from simutrador_data.services.serving.reading import extent_of, pinned, read_small, to_answer
from simutrador_data.services.storage.parquet_store import ParquetStore

ROWS = 65_536


def fill(store: BarStore) -> None:
    store.commit(make_change(make_bars("AAPL", n=40), make_bars("IBM", n=30)))
    restated = make_bars("AAPL", n=5, price=9)
    store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))


def test_a_small_answer_says_what_the_slower_ways_say(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        fill(store)
        queries = pinned(store, [query_all("IBM"), query_all("AAPL")])
        assert read_small(store, queries, ids=DatasetIds(), most_rows=ROWS) is None
        head = to_answer(store, queries)  # keeps the digest of each month
        ids = DatasetIds()
        for _ in ("hashed", "remembered"):
            small = read_small(store, queries, ids=ids, most_rows=ROWS)
            assert small is not None
            assert small.head == head
            assert small.commit == max(extent_of(store, query).commit for query in queries) == 2
            for bars, query in zip(small.bars, queries, strict=True):
                assert_same_bars(bars, store.read(query))
        assert ids.known(queries) == head.dataset_id


def test_the_bars_of_all_symbols_count_together(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        fill(store)
        queries = pinned(store, [query_all("IBM"), query_all("AAPL")])
        to_answer(store, queries)
        assert read_small(store, queries, ids=DatasetIds(), most_rows=69) is None
        assert read_small(store, queries, ids=DatasetIds(), most_rows=70) is not None


def test_other_stores_and_adjusted_bars_take_the_slower_ways(tmp_path: Path) -> None:
    memory = MemoryStore()
    fill(memory)
    queries = pinned(memory, [query_all()])
    assert read_small(memory, queries, ids=DatasetIds(), most_rows=ROWS) is None
    with ParquetStore(tmp_path) as store:
        split = make_bars("AAPL", n=5, adjustment=Adjustment.SPLIT)
        store.commit(make_change(split))
        queries = pinned(store, [query_all(adjustment=Adjustment.SPLIT)])
        to_answer(store, queries)
        assert read_small(store, queries, ids=DatasetIds(), most_rows=ROWS) is None

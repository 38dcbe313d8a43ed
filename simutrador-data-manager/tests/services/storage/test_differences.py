"""The difference of two versions, against a naive one, and without reading what they share."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.errors import InvalidRangeError, UnknownSymbolError
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.differences import Difference, together
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE: Final = timedelta(minutes=1)
Row = tuple[float, ...]


def rows_of(bars: Bars) -> dict[int, Row]:
    """Return bars one by one, the slow obvious way."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return {
        int(at): tuple(float(column[i]) for column in columns)
        for i, at in enumerate(bars.opened_at)
    }


def rows_at(store: ParquetStore, query: BarQuery, version: int) -> dict[int, Row]:
    try:
        return rows_of(store.read(replace(query, as_of=version)))
    except UnknownSymbolError:
        return {}


def whole(store: ParquetStore, query: BarQuery, from_commit: int) -> Difference:
    return together(store.diff(query, from_commit=from_commit), query.series)


def assert_difference(store: ParquetStore, query: BarQuery, from_commit: int, to: int) -> None:
    old, new = rows_at(store, query, from_commit), rows_at(store, query, to)
    found = whole(store, replace(query, as_of=to), from_commit)
    restated = {at for at in old.keys() & new.keys() if old[at] != new[at]}
    assert rows_of(found.added) == {at: new[at] for at in new.keys() - old.keys()}
    assert rows_of(found.removed) == {at: old[at] for at in old.keys() - new.keys()}
    assert rows_of(found.before) == {at: old[at] for at in restated}
    assert rows_of(found.after) == {at: new[at] for at in restated}
    assert list(found.before.opened_at) == list(found.after.opened_at)


def test_added_removed_and_restated_bars_are_told_apart(tmp_path: Path) -> None:
    old = make_bars("AAPL", n=10)
    new = make_bars("AAPL", start=START + 4 * MINUTE, n=8, price=50)
    covered = make_covered("AAPL", start=START + 2 * MINUTE, end=START + 20 * MINUTE)
    with ParquetStore(tmp_path) as store:
        first = store.commit(make_change(old))
        change = make_change(new, covered=[covered], on_conflict=OnConflict.REPLACE)
        store.commit(change)
        found = whole(store, query_all("AAPL"), first.id)
    assert_same_bars(found.removed, old.take(slice(2, 4)))
    assert_same_bars(found.before, old.take(slice(4, 10)))
    assert_same_bars(found.after, new.take(slice(0, 6)))
    assert_same_bars(found.added, new.take(slice(6, 8)))


def test_a_bar_restated_and_restated_back_is_no_difference(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        first = store.commit(make_change(make_bars(n=5)))
        for price in (50.0, 100.0):
            bars = make_bars(n=5, price=price)
            store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
        assert whole(store, query_all(), first.id).is_empty


def test_rows_both_versions_share_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = Contents.rows_once

    def counted(self: Contents, ref: object, first: int, last: int) -> object:
        read.append(last - first)
        return real(self, ref, first, last)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Contents, "rows_once", counted)
    with ParquetStore(tmp_path) as store:
        first = store.commit(make_change(make_bars(n=20_000)))
        store.commit(make_change(make_bars(start=START + 20_000 * MINUTE, n=30)))
        assert len(whole(store, query_all(), first.id).added) == 30
    assert sum(read) == 30


def test_versions_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars()))
        store.commit(make_change(make_bars("IBM")))
        for query, earlier in ((query_all(as_of=1), 2), (query_all(), 3), (query_all(), -1)):
            with pytest.raises(InvalidRangeError):
                store.diff(query, from_commit=earlier)
        with pytest.raises(UnknownSymbolError):
            store.diff(query_all("NOPE"), from_commit=0)
        assert len(whole(store, query_all("IBM"), 0).added) == 5


@pytest.mark.parametrize("seed", range(6))
def test_any_two_versions_differ_as_a_naive_comparison_says(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 6)
    chance = random.Random(seed)
    part = replace(query_all(), start=START + 10 * MINUTE, end=START + 41 * MINUTE)
    with ParquetStore(fast_path) as store:
        for _ in range(20):
            start = START + chance.randrange(60) * MINUTE
            bars = make_bars(start=start, n=chance.randrange(15), price=chance.randrange(10, 13))
            end = start + chance.randrange(20) * MINUTE
            covered = [make_covered(start=start, end=end)] if chance.random() < 0.4 else []
            store.commit(make_change(bars, covered=covered, on_conflict=OnConflict.REPLACE))
            if chance.random() < 0.2:
                store.maintain(Maintenance.COMPACT)
                store.maintain(Maintenance.VACUUM)
        latest = store.history("AAPL", Timeframe.MINUTE_1)[-1].id
        for _ in range(25):
            earlier, later = sorted((chance.randrange(latest + 1), chance.randrange(1, latest + 1)))
            assert_difference(store, query_all(), earlier, max(later, 1))
            assert_difference(store, part, earlier, max(later, 1))


def test_a_difference_of_many_rows_comes_in_small_parts(tmp_path: Path) -> None:
    with ParquetStore(tmp_path, clock=lambda: datetime(2024, 5, 1, tzinfo=UTC)) as store:
        store.commit(make_change(make_bars(n=150_000)))
        store.commit(make_change(make_bars(n=150_000, price=50), on_conflict=OnConflict.REPLACE))
        parts = list(store.diff(query_all(), from_commit=1))
    assert max(len(part.after) for part in parts) <= 65_520
    assert sum(len(part.after) for part in parts) == 150_000

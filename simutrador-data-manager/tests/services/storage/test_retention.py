"""Versions are kept until vacuum is told from when on; what was dropped is refused, not read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.errors import InvalidRangeError, UnknownSymbolError, VersionGoneError
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.parquet_store import ParquetStore

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


def restate(store: ParquetStore, *prices: float) -> None:
    for price in prices:
        store.commit(make_change(make_bars(price=price), on_conflict=OnConflict.REPLACE))


def asks(store: ParquetStore, query: BarQuery) -> list[Callable[[], object]]:
    """Return every way to read a version."""
    return [
        lambda: store.read(query),
        lambda: list(store.stream(query)),
        lambda: store.segments(query),
        lambda: store.dataset_id([query]),
        lambda: list(store.diff(query, from_commit=0)),
    ]


def test_a_version_that_was_dropped_is_refused_by_name(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        restate(store, 10, 20, 30, 40)
        assert store.vacuum(keep_versions_since=3).changed > 0
        for ask in asks(store, query_all(as_of=2)):
            with pytest.raises(VersionGoneError, match=r"version 2 of AAPL.*oldest kept is 3"):
                ask()
        for version, price in ((3, 30), (4, 40)):
            expected = make_bars(price=price)
            assert_same_bars(store.read(query_all(as_of=version)), expected)
        assert [c.id for c in store.history("AAPL", Timeframe.MINUTE_1)] == [1, 2, 3, 4]


def test_an_instant_keeps_the_version_that_was_newest_then(tmp_path: Path) -> None:
    instants = iter([NOW, NOW + DAY, NOW + 2 * DAY])
    with ParquetStore(tmp_path, clock=lambda: next(instants)) as store:
        restate(store, 10, 20, 30)
        store.vacuum(keep_versions_since=NOW + DAY + timedelta(hours=1))
        assert_same_bars(store.read(query_all(as_of=2)), make_bars(price=20))
        with pytest.raises(VersionGoneError):
            store.read(query_all(as_of=1))


def test_a_series_that_did_not_change_keeps_its_versions(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars("IBM")))
        restate(store, 10, 20, 30)
        store.vacuum(keep_versions_since=4)
        assert_same_bars(store.read(query_all("IBM", as_of=1)), make_bars("IBM"))
        with pytest.raises(UnknownSymbolError):  # it began later: that was no version of it
            store.read(query_all("AAPL", as_of=1))


@pytest.mark.parametrize("since", [-1, 5, datetime(2024, 1, 1)])
def test_what_names_no_version_is_refused_and_drops_nothing(
    tmp_path: Path, since: int | datetime
) -> None:
    with ParquetStore(tmp_path) as store:
        restate(store, 10, 20)
        with pytest.raises(InvalidRangeError):
            store.vacuum(keep_versions_since=since)
        assert_same_bars(store.read(query_all(as_of=1)), make_bars(price=10))


def test_dropping_all_old_versions_frees_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 4)
    with ParquetStore(tmp_path) as store:
        restate(store, 10, 20, 30)
        store.maintain(Maintenance.COMPACT)
        report = store.vacuum(keep_versions_since=3)
        assert report.freed_bytes > 0
        assert list((tmp_path / "history").rglob("*.parquet")) == []
        assert len(list((tmp_path / "bars").rglob("*.parquet"))) == 1
        assert store.maintain(Maintenance.VERIFY).problems == ()
        assert_same_bars(store.read(query_all()), make_bars(price=30))


def test_a_stream_of_a_version_that_is_dropped_meanwhile_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 4)
    with ParquetStore(tmp_path) as store:
        for start in (0, 10):
            store.commit(make_change(make_bars(start=START + start * MINUTE, n=8)))
        stream = store.stream(query_all(), rows=4)
        next(stream)
        bars = make_bars(n=20, price=50)
        store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
        store.vacuum(keep_versions_since=3)
        with pytest.raises(VersionGoneError):
            list(stream)


@pytest.mark.parametrize("seed", range(4))
def test_kept_versions_read_the_same_and_others_raise(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 6)
    chance = random.Random(seed)
    expected: dict[int, str] = {}
    floor = 0
    with ParquetStore(fast_path) as store:
        for _ in range(30):
            start = START + chance.randrange(40) * MINUTE
            bars = make_bars(start=start, n=chance.randrange(1, 15), price=chance.randrange(9, 99))
            covered = [make_covered(start=start, end=start + chance.randrange(20) * MINUTE)]
            commit = store.commit(
                make_change(bars, covered=covered, on_conflict=OnConflict.REPLACE)
            )
            expected[commit.id] = store.dataset_id([query_all()])
            if chance.random() < 0.3:
                store.maintain(Maintenance.COMPACT)
            if chance.random() < 0.2:
                floor = chance.randrange(floor, commit.id + 1)
                store.vacuum(keep_versions_since=floor)
        for version, identity in expected.items():
            query = replace(query_all(), as_of=version)
            try:
                found = store.dataset_id([query])
            except VersionGoneError:
                assert version < floor
            else:
                assert found == identity
        assert store.maintain(Maintenance.VERIFY).problems == ()

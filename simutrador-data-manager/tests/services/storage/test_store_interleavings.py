"""Housekeeping of one instance, with another one's work at each of its file operations in turn.

The second instance acts wherever the first does not hold the catalogue (vacuum always does);
whatever the moment, the store must afterwards say what it would have said without housekeeping.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars, joined
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


class Interrupted(FileOps):
    """The real disk, with something else happening before the k-th operation."""

    def __init__(self, root: Path) -> None:
        self.calls = 0
        self.at = 0
        self.happened = False
        self.deed: Callable[[], object] | None = None
        self._catalogue = root / CATALOGUE_NAME

    def before(self, operation: str, path: Path) -> None:
        self.calls += 1
        if self.deed is not None and self.calls == self.at:
            deed, self.deed = self.deed, None
            if not self._is_locked():
                self.happened = True
                deed()

    def _is_locked(self) -> bool:
        with closing(sqlite3.connect(self._catalogue, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            other.execute("ROLLBACK")
            return False


def write_history(store: BarStore) -> None:
    store.commit(make_change(make_bars("AAPL", n=40)))
    restated = make_bars("AAPL", start=START + 10 * MINUTE, n=5, price=90)
    store.commit(make_change(restated, source="other", on_conflict=OnConflict.REPLACE))
    store.commit(make_change(make_bars("AAPL", start=START + 60 * MINUTE, n=12, price=70)))
    store.commit(make_change(make_bars("IBM", n=12)))


def append(store: BarStore) -> None:
    store.commit(make_change(make_bars("AAPL", start=START + 90 * MINUTE, n=20)))


def restate(store: BarStore) -> None:
    page = make_bars("AAPL", start=START + 8 * MINUTE, n=20, price=50)
    gone = make_covered("AAPL", start=START, end=START + 64 * MINUTE)
    store.commit(make_change(page, covered=[gone], on_conflict=OnConflict.REPLACE))


def compact(store: BarStore) -> None:
    store.maintain(Maintenance.COMPACT)


def vacuum(store: BarStore) -> None:
    store.maintain(Maintenance.VACUUM)


def restate_and_tidy(store: BarStore) -> None:
    restate(store)
    compact(store)
    vacuum(store)


@pytest.mark.parametrize("task", [Maintenance.COMPACT, Maintenance.VERIFY])
@pytest.mark.parametrize("deed", [append, restate, compact, vacuum, restate_and_tidy])
def test_another_instance_may_act_at_any_moment_of_housekeeping(
    task: Maintenance,
    deed: Callable[[BarStore], None],
    fast_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)
    oracle = MemoryStore(clock=lambda: NOW)
    write_history(oracle)
    before = facts_of(oracle)
    deed(oracle)
    after = facts_of(oracle)
    moments = 0
    for at in range(1, 200):
        root = fast_path / f"{at}"
        happened, calls = run(root, task, deed, at)
        with ParquetStore(root) as store:
            assert facts_of(store) == (after if happened else before), f"{deed} at {at} of {task}"
            assert store.maintain(Maintenance.VERIFY).problems == ()
        moments += happened
        if at > calls:
            break
    assert moments >= 1


def run(
    root: Path, task: Maintenance, deed: Callable[[BarStore], None], at: int
) -> tuple[bool, int]:
    """Do a task with a deed of another instance before operation `at`."""
    ops = Interrupted(root)
    with (
        ParquetStore(root, ops=ops, clock=lambda: NOW) as store,
        ParquetStore(root, clock=lambda: NOW) as other,
    ):
        write_history(store)
        ops.calls, ops.at, ops.deed = 0, at, lambda: deed(other)
        assert store.maintain(task).problems == ()
        return ops.happened, ops.calls


@pytest.mark.parametrize("deed", [append, restate, compact, vacuum, restate_and_tidy])
def test_another_instance_may_act_at_any_moment_of_a_stream(
    deed: Callable[[BarStore], None], fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)
    for parts_before in range(8):
        root = fast_path / f"{parts_before}"
        with ParquetStore(root) as store, ParquetStore(root) as other:
            write_history(store)
            expected = store.read(query_all("AAPL"))
            stream: Iterator = store.stream(query_all("AAPL"), rows=7)
            parts = [next(stream) for _ in range(parts_before)]
            deed(other)
            parts.extend(stream)
            assert_same_bars(joined(parts, series=expected.series), expected)

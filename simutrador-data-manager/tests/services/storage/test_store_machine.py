"""`ParquetStore` against `MemoryStore`: any history of writes, faults, crashes and housekeeping.

After every step the store must read as the oracle does, before or after the step that failed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from simutrador_core.errors import SimutradorError, UnknownSymbolError
from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_core.testing.comparing import assert_same_bars, joined
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of, summary
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.file_ops import DiskError
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
SERIES: Final = [
    SeriesKey("AAPL", Timeframe.MINUTE_1),
    SeriesKey("AAPL", Timeframe.DAILY),
    SeriesKey("EUR/USD", Timeframe.MINUTE_1, Adjustment.SPLIT),
]
SLOTS: Final = 24
PRICES: Final = [1.08127, 0.00001234, 97123.45678901, 185.5, 0.0, -0.0, 1 / 3, 1e300]
"""Half of the slots lie before New Year 2024, so that rows cross a month and a year."""


def opens(series: SeriesKey) -> list[int]:
    """Return the instants that bars of a series may open at, microseconds."""
    if series.timeframe is Timeframe.DAILY:
        first, step = datetime(2023, 12, 20, 14, 30, tzinfo=UTC), timedelta(days=1)
    else:
        first, step = datetime(2023, 12, 31, 23, 48, tzinfo=UTC), timedelta(minutes=1)
    return [to_us(first + i * step) for i in range(SLOTS)]


def bars_of(series: SeriesKey, slots: dict[int, tuple[float, bool]]) -> Bars:
    """Return bars at some slots; price and synthetic mark of each are given."""
    times = opens(series)
    chosen = sorted(slots)
    price = np.array([slots[i][0] for i in chosen])
    at = np.array([times[i] for i in chosen], dtype=np.int64)
    return Bars(
        series.symbol,
        series.timeframe,
        series.adjustment,
        at,
        price,
        price,
        price,
        price,
        np.array([float(i) for i in chosen]),
        sessions=None if series.timeframe.is_intraday else at.view("M8[us]").astype("M8[D]"),
        synthetic=np.array([slots[i][1] for i in chosen], dtype=np.bool_),
    )


series_keys = st.sampled_from(SERIES)
edges = st.integers(0, SLOTS)


@st.composite
def pages(draw: st.DrawFn) -> Bars:
    """A page of one series: a run of slots, or any of them."""
    series = draw(series_keys)
    first, last = sorted((draw(edges), draw(edges)))
    chosen = range(first, last) if draw(st.booleans()) else draw(st.sets(st.integers(0, SLOTS - 1)))
    price, mark = st.sampled_from(PRICES), st.sampled_from([False, False, False, True])
    if draw(st.booleans()):
        row = draw(st.tuples(price, mark))
        return bars_of(series, dict.fromkeys(chosen, row))
    return bars_of(series, {i: draw(st.tuples(price, mark)) for i in chosen})


@st.composite
def covered_ranges(draw: st.DrawFn) -> Covered:
    series = draw(series_keys)
    first, last = sorted((draw(edges), draw(edges)))
    times = [*opens(series), opens(series)[-1] + 60_000_000]
    return Covered(series, from_us(times[first]), from_us(times[last]))


changes = st.builds(
    Change,
    pages=st.lists(pages(), max_size=2),
    covered=st.lists(covered_ranges(), max_size=2),
    source=st.sampled_from(["acme", "other"]),
    request=st.just("asked"),
    fetched_at=st.integers(0, 3).map(lambda days: NOW + timedelta(days=days)),
    on_conflict=st.sampled_from(OnConflict),
)
tasks = st.sampled_from(Maintenance)
FAULTS: Final = ["eio", "enospc", "short write", "crash", "power loss"]


@st.composite
def queries(draw: st.DrawFn) -> BarQuery:
    series = draw(series_keys)
    first, last = sorted((draw(edges), draw(edges)))
    times = [*opens(series), opens(series)[-1] + 60_000_000]
    start, end = from_us(times[first]), from_us(times[last])
    return BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)


def whole(series: SeriesKey) -> BarQuery:
    return query_all(series.symbol, series.timeframe, adjustment=series.adjustment)


def outcome(store: BarStore, change: Change, base: int | None) -> tuple[object, ...]:
    """Return what a commit did, or the error it raised, in comparable form."""
    try:
        commit = store.commit(change, base=base)
    except SimutradorError as error:
        return (type(error),)
    return summary(commit)


def same_read(store: BarStore, oracle: BarStore, query: BarQuery) -> None:
    """Assert that both read the same, or that neither knows the series."""
    try:
        expected = oracle.read(query)
    except UnknownSymbolError:
        with pytest.raises(UnknownSymbolError):
            store.read(query)
        return
    assert_same_bars(store.read(query), expected)


class StoreMachine(RuleBasedStateMachine):
    """Steps of writers, readers, housekeepers and disasters."""

    def __init__(self, disk: Any, folder: Path) -> None:
        super().__init__()
        self.disk = disk
        self.root = Path(tempfile.mkdtemp(dir=folder))
        self.oracle = MemoryStore(clock=lambda: NOW)
        self.open()

    def open(self) -> None:
        self.ops = self.disk.ops()
        self.store = ParquetStore(self.root, ops=self.ops, clock=lambda: NOW)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.root)

    def bases(self, change: Change) -> list[int | None]:
        latest = [
            commit.id
            for page in [*change.pages, *change.covered]
            for series in [page.series]
            for commit in self.oracle.history(series.symbol, series.timeframe)
        ]
        return [None, 0, max(latest, default=0)]

    @rule(change=changes, data=st.data())
    def commit(self, change: Change, data: st.DataObject) -> None:
        base = data.draw(st.sampled_from(self.bases(change)), label="base")
        expected = outcome(self.oracle, change, base)
        assert outcome(self.store, change, base) == expected

    @rule(
        change=changes,
        fault=st.sampled_from(["eio", "enospc", "short write"]),
        at=st.integers(1, 20),
    )
    def commit_while_the_disk_fails(self, change: Change, fault: str, at: int) -> None:
        before = facts_of(self.store)
        self.ops.arm(fault, at)
        try:
            found = outcome(self.store, change, None)
        finally:
            self.ops.disarm()
        if self.ops.fired and found == (DiskError,):
            assert facts_of(self.store) == before
        else:
            assert found == outcome(self.oracle, change, None)

    @rule(change=changes, fault=st.sampled_from(["crash", "power loss"]), at=st.integers(1, 20))
    def die_during_a_commit(self, change: Change, fault: str, at: int) -> None:
        before = facts_of(self.oracle)
        self.ops.arm(fault, at)
        try:
            found = outcome(self.store, change, None)
        except self.disk.Crash:
            self.store.close()  # what the end of the process would do
            self.open()
            if facts_of(self.store) != before:
                outcome(self.oracle, change, None)
        else:
            self.ops.disarm()
            assert found == outcome(self.oracle, change, None)

    @rule(task=tasks)
    def maintain(self, task: Maintenance) -> None:
        assert self.store.maintain(task).problems == ()

    @rule(task=tasks, fault=st.sampled_from(FAULTS), at=st.integers(1, 20))
    def maintain_while_the_disk_fails(self, task: Maintenance, fault: str, at: int) -> None:
        self.ops.arm(fault, at)
        try:
            self.store.maintain(task)
        except DiskError:
            pass
        except self.disk.Crash:
            self.store.close()  # what the end of the process would do
            self.open()
        self.ops.disarm()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open()

    @rule(half=st.booleans())
    def lose_mirrors(self, half: bool) -> None:
        for number, path in enumerate(sorted(self.root.rglob("*.npy"))):
            if not half or number % 2:
                path.unlink()

    @rule()
    def damage_mirrors(self) -> None:
        self.store.close()
        for path in self.root.rglob("*.npy"):
            os.truncate(path, path.stat().st_size // 2)
        self.open()

    @rule(query=queries(), back=st.integers(0, 5))
    def read(self, query: BarQuery, back: int) -> None:
        same_read(self.store, self.oracle, query)
        same_read(self.store, self.oracle, replace(query, as_of=max(0, self.newest() - back)))

    @rule(query=queries(), rows=st.sampled_from([1, 2, 7, 1000]), change=changes, task=tasks)
    def stream_while_others_write(
        self, query: BarQuery, rows: int, change: Change, task: Maintenance
    ) -> None:
        try:
            expected = self.oracle.read(query)
        except UnknownSymbolError:
            return
        stream = self.store.stream(query, rows=rows)
        parts = list(islice(stream, 1))
        assert outcome(self.store, change, None) == outcome(self.oracle, change, None)
        self.store.maintain(task)
        parts.extend(stream)
        assert all(0 < len(part) <= rows for part in parts)
        assert_same_bars(joined(parts, series=query.series), expected)

    @invariant()
    def everything_is_as_the_oracle_says(self) -> None:
        assert facts_of(self.store) == facts_of(self.oracle)
        for info in self.oracle.symbols():
            same_read(self.store, self.oracle, whole(info.series))

    def newest(self) -> int:
        return max(
            (
                commit.id
                for info in self.oracle.symbols()
                for commit in self.oracle.history(info.symbol, info.series.timeframe)
            ),
            default=0,
        )


def test_any_history_reads_as_the_oracle_says(
    disk: Any, fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 6)  # so that small pages become files too

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(disk, fast_path)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=at_scale(80, 5_000),
            stateful_step_count=at_scale(25, 40),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

"""D6: a vendor restates 1 % of its bars; the report lists exactly those, old results run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from typer.testing import CliRunner

from simutrador_core.interfaces.storage import BarSource
from simutrador_core.models.bars import F64, BarQuery, Bars, from_us
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.cli.commands import app
from simutrador_data.services.storage import differences, local_bars
from simutrador_data.services.storage.delta import DeltaStore
from simutrador_data.services.storage.delta import store as delta_store
from simutrador_data.services.storage.parquet_store import ParquetStore

SYMBOLS: Final = [f"S{number:03}" for number in range(at_scale(4, 40))]
BARS: Final = 20_000
RESTATED: Final = BARS // 100
START: Final = datetime(2024, 1, 2, tzinfo=UTC)
CHANCE: Final = 20240501


def vendors_bars(symbol: str) -> Bars:
    """Return what the vendor gave first: a random walk in cents."""
    chance = np.random.default_rng([CHANCE, SYMBOLS.index(symbol)])
    close = np.round(500 + np.cumsum(chance.integers(-3, 4, BARS)) / 100, 2)
    volume = chance.integers(1, 10**6, BARS).astype(np.float64)
    return make_bars(symbol, start=START, close=close, volume=volume)


def restated(bars: Bars) -> tuple[Bars, Any]:
    """Return the same bars with 1 % of them changed in one column each, and which those are."""
    chance = np.random.default_rng([CHANCE, 1, SYMBOLS.index(bars.symbol)])
    rows = np.sort(chance.choice(BARS, RESTATED, replace=False))
    high, low, volume = bars.high.copy(), bars.low.copy(), bars.volume.copy()
    high[rows[::3]] += 0.01
    low[rows[1::3]] -= 0.01
    volume[rows[2::3]] += 1
    return replace(bars, high=high, low=low, volume=volume), rows


def result_of(source: BarSource, queries: list[BarQuery]) -> str:
    """Return a digest of a strategy's whole equity curve: any other bar gives another one."""
    digest = hashlib.sha256()
    for query in queries:
        bars = source.read(query)
        typical: F64 = (bars.high + bars.low + bars.close) / 3
        fast, slow = (np.convolve(typical, np.full(n, 1 / n), "valid")[50 - n :] for n in (5, 50))
        shares = np.where(fast > slow, bars.volume[49:] / 1e6, 0.0)
        digest.update(np.cumsum(shares[:-1] * np.diff(bars.close[49:])).tobytes())
    return digest.hexdigest()


@contextmanager
def reads_the_newest_always() -> Iterator[None]:
    """Fault: `as_of` is taken and not heeded."""
    with pytest.MonkeyPatch.context() as patched:
        for store in (local_bars.LocalBars, delta_store.DeltaStore):
            whole: Any = store.read

            def newest(self: Any, query: BarQuery, whole: Any = whole) -> Bars:
                return whole(self, replace(query, as_of=None))

            patched.setattr(store, "read", newest)
        yield


@pytest.mark.parametrize("backend", ["parquet", "delta"])
@pytest.mark.acceptance("D6", package="data-manager", breaks=reads_the_newest_always)
def test_results_of_the_version_before_a_restatement_run_again(
    backend: str, fast_path: Path, figure: Callable[[str], None]
) -> None:
    truth = {symbol: vendors_bars(symbol) for symbol in SYMBOLS}
    opened: Any = ParquetStore if backend == "parquet" else DeltaStore
    with opened(fast_path) as store:
        first = store.commit(make_change(*truth.values(), source="acme"))
        then = [query_all(symbol, as_of=first.id) for symbol in SYMBOLS]
        result, dataset_id = result_of(store, then), store.dataset_id(then)
        again = [restated(bars)[0] for bars in truth.values()]
        covered = [
            make_covered(symbol, start=START, end=from_us(int(bars.opened_at[-1]) + 60_000_000))
            for symbol, bars in truth.items()
        ]
        second = store.commit(
            make_change(*again, covered=covered, source="acme", on_conflict=OnConflict.REPLACE)
        )
        assert second.id == first.id + 1
        counted = (second.added, second.replaced, second.removed)
        assert counted == (0, RESTATED * len(SYMBOLS), 0)
        for task in (None, Maintenance.COMPACT, Maintenance.VACUUM):
            if task:
                store.maintain(task)
            for query, bars in zip(then, again, strict=True):
                assert_same_bars(store.read(query), truth[query.symbol])
                assert_same_bars(store.read(query_all(query.symbol)), bars)
            assert store.dataset_id(then) == dataset_id
            assert result_of(store, then) == result
            now = [query_all(symbol) for symbol in SYMBOLS]
            assert store.dataset_id(now) != dataset_id
            assert result_of(store, now) != result
    with opened(fast_path) as store:
        assert (result_of(store, then), store.dataset_id(then)) == (result, dataset_id)
    figure(f"{backend}: {second.replaced} of {BARS * len(SYMBOLS)} bars restated, old result equal")


@contextmanager
def forgets_how_it_was() -> Iterator[None]:
    """Fault: the report gives the bars as they are now for what they were."""
    whole = differences._compare

    def forgetful(old: Any, new: Any, series: Any) -> Any:
        found = whole(old, new, series)
        return replace(found, before=found.after)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(differences, "_compare", forgetful)
        yield


@pytest.mark.acceptance("D6", package="data-manager", breaks=forgets_how_it_was)
def test_the_report_of_a_restatement_lists_exactly_its_bars(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    before = vendors_bars(SYMBOLS[0])
    after, rows = restated(before)
    with ParquetStore(fast_path) as store:
        store.commit(make_change(before, source="acme"))
        store.commit(make_change(after, source="acme", on_conflict=OnConflict.REPLACE))
        store.commit(make_change(make_bars("OTHER")))
        found = list(store.diff(query_all(SYMBOLS[0]), from_commit=1))
        assert sum(len(part.added) + len(part.removed) for part in found) == 0
    command = ["store", "diff", SYMBOLS[0], "--from", "1", "--data", str(fast_path), "--json"]
    ended = CliRunner().invoke(app, command)
    assert ended.exit_code == 0, ended.output
    report = json.loads(ended.stdout)
    for name, bars in (("before", before), ("after", after)):
        told = report["changed"][name]
        assert told["opened_at"] == bars.opened_at[rows].tolist()
        for column in ("open", "high", "low", "close", "volume"):
            assert told[column] == getattr(bars, column)[rows].tolist(), f"{name} {column}"
    assert report["added"]["opened_at"] == report["removed"]["opened_at"] == []
    figure(f"{len(rows)} of {BARS} bars listed before and after, no other")

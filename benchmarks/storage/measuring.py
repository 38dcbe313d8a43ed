"""What is measured, store beside store: each round goes through all of them before the next."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import numpy as np
import serving
from databases import Arctic, Duck
from files import Nautilus, PlainParquet
from lake import Delta
from market import MONTH, SESSION, minutes, session_start
from ours import Ours, OursOnDelta
from protocol import Store
from table import OURS, Row

KINDS: Final[Sequence[Callable[[Path], Store]]] = (
    Ours, Arctic, Duck, Delta, PlainParquet, Nautilus, OursOnDelta,
)  # fmt: skip
FILE_WRITERS: Final = ("deltalake", "parquet", "nautilus")
BUDGET_S: Final = 6.0
"""A store that took longer than this over the rounds of one row sits out the rest of them."""
WARM_UP_S: Final = 2.0
"""Longest time a store has before its rounds are counted."""
TURN: Final = 3
DAYS_A_TURN: Final = 10
ENOUGH: Final = 50
"""Rounds that have a 99th percentile worth printing."""
SYMBOL: Final = "SPY"
SEASON: Final = 63
"""Sessions of each of the many symbols."""


@dataclass(frozen=True)
class Scale:
    """How much is measured: the sessions of one symbol, the many symbols, days and rounds."""

    sessions: int = 2_400
    symbols: int = 200
    days: int = 60
    rounds: int = 9
    single_days: int = 300


QUICK: Final = Scale(sessions=252, symbols=40, days=20, rounds=5, single_days=60)
Taken = dict[str, list[float]]
"""Milliseconds of each round, by store."""


@dataclass
class Bench:
    """The stores side by side, and how a round is timed."""

    folder: Path
    scale: Scale
    stores: list[Store] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open every store in a folder of its own."""
        self.stores = [kind(self.folder / f"{at}") for at, kind in enumerate(KINDS)]

    def alternate(
        self,
        act: Callable[[Store, int], object],
        *,
        rounds: int,
        warm_up: int = 1,
        turn: int = 1,
    ) -> Taken:
        """Return what each store took in each round.

        Args:
            act: Does the work of round `number`, counted from the first of the warm-up.
            rounds: How many are counted.
            warm_up: How many before them are not; a store that is slow does fewer.
            turn: How many a store does in a row before the next has its turn.
        """
        done = {store.name: 0 for store in self.stores}
        for store in self.stores:
            until = time.perf_counter() + WARM_UP_S
            while done[store.name] < warm_up and time.perf_counter() < until:
                act(store, done[store.name])
                done[store.name] += 1
        taken: Taken = {store.name: [] for store in self.stores}
        for first in range(0, rounds, turn):
            for store in self.stores:
                for _ in range(first, min(first + turn, rounds)):
                    if sum(taken[store.name]) > BUDGET_S * 1_000:
                        break
                    begun = time.perf_counter()
                    act(store, done[store.name])
                    taken[store.name].append((time.perf_counter() - begun) * 1_000)
                    done[store.name] += 1
        return taken


def medians(taken: Taken) -> dict[str, float]:
    """Return the median of each store's rounds."""
    return {name: median(rounds) for name, rounds in taken.items()}


def percentiles_99(taken: Taken) -> dict[str, float]:
    """Return the 99th percentile of each store that did enough rounds to have one."""
    return {name: quantiles(t, n=100)[98] for name, t in taken.items() if len(t) >= ENOUGH}


def measure(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yield the rows of the table, each as soon as it is known."""
    bench = Bench(folder, scale)
    yield from _writing(bench)
    yield from _reading_one(bench)
    yield from _reading_many(bench)
    yield from _resampling(bench)
    yield from _changing(bench)
    yield _hashing(bench)
    for store in bench.stores:
        store.close()
    yield _cold(bench)
    yield from serving.measure(bench.folder / "0", SYMBOL, sessions=scale.sessions)


def _writing(bench: Bench) -> Iterator[Row]:
    whole = minutes(bench.scale.sessions, seed=1)
    rows = {store.name: store.prepare(SYMBOL, whole) for store in bench.stores}
    scratch = Bench(bench.folder / "writing", bench.scale)
    named = [f"W{number}" for number in range(bench.scale.rounds)]
    given = {
        (store.name, symbol): store.prepare(symbol, whole)
        for store in scratch.stores
        for symbol in named
        if store.name != "nautilus" or symbol == named[0]  # a million objects a round
    }
    last: dict[str, Any] = {}

    def write(store: Store, number: int) -> None:
        key = (store.name, named[number])
        if key in given:
            store.write(named[number], given.pop(key))
            last[store.name] = number

    taken = scratch.alternate(write, rounds=len(named), warm_up=0)
    taken = {name: rounds[: last[name] + 1] for name, rounds in taken.items()}
    for store in scratch.stores:
        store.close()
    shutil.rmtree(scratch.folder)
    for store in bench.stores:
        store.write(SYMBOL, rows.pop(store.name))
        store.tidy()
    sizes = {store.name: store.size() / len(whole) for store in bench.stores}
    # Every read below is checked against this one.
    for store in bench.stores:
        found = store.read(SYMBOL, session_start(0), session_start(bench.scale.sessions))
        assert found["close"].tolist() == whole["close"].tolist(), store.name
    mirror = _ours(bench).mirror_size() / len(whole)
    yield Row("bytes per row", "B", sizes, limit=6.0, note=f" (and {mirror:.0f} B of mirror)")
    work = f"write {len(whole):,} rows, durable"
    yield Row(work, "ms", medians(taken), at_most=2.5, note=" (2.5 times ArcticDB at most)")
    yield Row(f"{work}, beside writers of Parquet", "ms", medians(taken), at_most=0.67,
              against=FILE_WRITERS)  # fmt: skip


def _ours(bench: Bench) -> Ours:
    store = bench.stores[KINDS.index(Ours)]
    assert isinstance(store, Ours)
    return store


def _reading_one(bench: Bench) -> Iterator[Row]:
    scale = bench.scale
    start, end = session_start(0), session_start(scale.sessions)
    taken = bench.alternate(
        lambda store, _: store.read(SYMBOL, start, end), rounds=scale.rounds, turn=TURN
    )
    yield Row("read all to pandas", "ms", medians(taken), at_most=0.5)
    days = np.random.default_rng(4).integers(0, scale.sessions - 1, scale.single_days).tolist()

    def read_day(store: Store, number: int) -> None:
        day = days[number % len(days)]
        found = store.read(SYMBOL, session_start(day), session_start(day + 1))
        assert len(found) == SESSION, (store.name, len(found))

    taken = bench.alternate(read_day, rounds=len(days), turn=DAYS_A_TURN)
    yield Row("read one day, p50", "ms", medians(taken), at_most=0.25)
    yield Row("read one day, p99", "ms", percentiles_99(taken))


def _reading_many(bench: Bench) -> Iterator[Row]:
    scale = bench.scale
    symbols = [f"S{number:03}" for number in range(scale.symbols)]
    closes: list[float] = []
    for number, symbol in enumerate(symbols):
        frame = minutes(SEASON, seed=number + 2)
        closes.append(float(frame["close"].iloc[-1]))
        for store in bench.stores:
            store.write(symbol, store.prepare(symbol, frame))
    for store in bench.stores:
        store.tidy()
    start, end = session_start(21), session_start(42)

    def read_month(store: Store, _: int) -> None:
        found = sum(len(frame) for frame in store.read_many(symbols, start, end))
        assert found == MONTH * scale.symbols, (store.name, found)

    def read_latest(store: Store, _: int) -> None:
        assert store.latest(symbols) == closes, store.name

    taken = bench.alternate(read_month, rounds=scale.rounds, turn=TURN)
    work = f"one month x {scale.symbols} symbols to pandas"
    yield Row(work, "ms", medians(taken), at_most=0.25)
    taken = bench.alternate(read_latest, rounds=scale.rounds, turn=TURN)
    yield Row(f"latest bar of {scale.symbols} symbols", "ms", medians(taken), at_most=0.05)


def _resampling(bench: Bench) -> Iterator[Row]:
    start, end = session_start(0), session_start(bench.scale.sessions)
    volume: dict[str, float] = {}

    for name, length in (("5min", 5), ("1h", 60), ("1d", 1_440)):

        def longer(store: Store, _: int, length: int = length) -> None:
            found = store.resample(SYMBOL, start, end, length)
            volume[store.name] = float(found["volume"].sum())

        taken = bench.alternate(longer, rounds=bench.scale.rounds, turn=TURN)
        assert len(set(volume.values())) == 1, volume
        yield Row(f"resample all to {name}", "ms", medians(taken), at_most=0.5)


def _changing(bench: Bench) -> Iterator[Row]:
    scale = bench.scale
    # A service writes for months: its first commits, which make its log grow, are the warm-up.
    days = range(scale.sessions, scale.sessions + 2 * scale.days)
    written = {store.name: 0 for store in bench.stores}
    frames = {
        "append": [minutes(1, seed=9, first=day) for day in days],
        "replace": [minutes(1, seed=8, first=day) for day in days],
    }
    for what, given in frames.items():
        rows = {store.name: [store.prepare(SYMBOL, f) for f in given] for store in bench.stores}

        def change(store: Store, number: int, what: str = what, rows: Any = rows) -> None:
            getattr(store, what)(SYMBOL, rows[store.name][number])
            written[store.name] = number + 1

        warm_up = scale.days if what == "append" else 1
        taken = bench.alternate(change, rounds=scale.days, warm_up=warm_up, turn=DAYS_A_TURN)
        for store in bench.stores:
            last = written[store.name] - 1
            day = days[last]
            found = store.read(SYMBOL, session_start(day), session_start(day + 1))
            assert found["close"].tolist() == given[last]["close"].tolist(), store.name
        yield Row(f"{what} one day, durable, p50", "ms", medians(taken), at_most=0.3)
        if scale.days >= ENOUGH:
            yield Row(f"{what} one day, durable, p99", "ms", percentiles_99(taken))


def _hashing(bench: Bench) -> Row:
    ours, end = _ours(bench), session_start(bench.scale.sessions)
    ours.dataset_id(SYMBOL, session_start(0), end)
    taken: list[float] = []
    for _ in range(bench.scale.rounds):
        begun = time.perf_counter()
        ours.dataset_id(SYMBOL, session_start(0), end)
        taken.append((time.perf_counter() - begun) * 1_000)
    rows = bench.scale.sessions * SESSION
    return Row(f"dataset_id of {rows:,} rows, months known", "ms", {OURS: median(taken)}, limit=5.0)


def _cold(bench: Bench) -> Row:
    middle = bench.scale.sessions // 2
    day = [session_start(at).isoformat() for at in (middle, middle + 1)]
    script = Path(__file__).with_name("cold.py")

    def start(store: Store, _: int) -> None:
        folder = bench.folder / str(bench.stores.index(store))
        command = [sys.executable, str(script), store.name, str(folder), SYMBOL, *day]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.stdout == f"{SESSION}\n", (store.name, done.stdout, done.stderr)

    taken = bench.alternate(start, rounds=bench.scale.rounds)
    return Row("read one day in a new process", "ms", medians(taken), at_most=1.0)

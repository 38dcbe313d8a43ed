"""Writers of a Delta table in processes of their own; the tests start, race and kill them.

    python delta_processes.py steps URL DONE            do the steps of `store_steps` after DONE
    python delta_processes.py count URL WORKER COMMITS  count a shared bar up, and add bars
    python delta_processes.py alone URL WORKER COMMITS  write a series of one's own

Options of an object store come from the environment. Each commit is acknowledged by one line.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import numpy as np

from simutrador_core.errors import ConflictError
from simutrador_core.models.bars import BarQuery, from_us
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_data.services.storage.delta import DeltaStore

STEPS: Final = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "acceptance" / "store_steps.py"))
)
BASE_US: Final[int] = STEPS.BASE_US
MINUTE_US: Final[int] = STEPS.MINUTE_US


def say(line: str) -> None:
    """Tell the test one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def steps(url: str, done: int) -> None:
    """Do the steps after the first `done` until killed."""
    model = STEPS.Model()
    for number in range(done):
        model.step(number)
    with DeltaStore(url) as store:
        say("ready")
        for number in range(done, done + 100_000):
            for deed in model.step(number):
                if isinstance(deed, Maintenance):
                    store.maintain(deed)
                else:
                    store.commit(deed)
            say("done")


def count(url: str, worker: int, commits: int) -> None:
    """Add one to a bar that all workers share, and a bar of one's own, in each commit."""
    query = BarQuery("AAPL", Timeframe.MINUTE_1, from_us(BASE_US), from_us(BASE_US + MINUTE_US))
    with DeltaStore(url) as store:
        say("ready")
        sys.stdin.readline()
        for number in range(commits):
            conflicts = 0
            while True:
                base = store.segments(query)[0].commit
                total = float(store.read(query).volume[0]) + 1
                minute = 1 + worker * commits + number
                times = BASE_US + np.array([0, minute], dtype=np.int64) * MINUTE_US
                page = replace(
                    STEPS.flat("AAPL", Timeframe.MINUTE_1, times, 1.0),
                    volume=np.array([total, 1.0]),
                )
                try:
                    store.commit(STEPS.change(page, on_conflict=OnConflict.REPLACE), base=base)
                except ConflictError:
                    conflicts += 1
                    continue
                break
            say(f"done {conflicts}")


def alone(url: str, worker: int, commits: int) -> None:
    """Write a series nobody else writes, each commit on top of the one before."""
    base = None
    with DeltaStore(url) as store:
        say("ready")
        sys.stdin.readline()
        for number in range(commits):
            times = BASE_US + np.arange(number * 5, number * 5 + 5, dtype=np.int64) * MINUTE_US
            page = STEPS.flat(f"OWN{worker}", Timeframe.MINUTE_1, times, float(number + 1))
            base = store.commit(STEPS.change(page), base=base).id
            say("done 0")


COMMANDS: dict[str, Callable[..., None]] = {"steps": steps, "count": count, "alone": alone}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))

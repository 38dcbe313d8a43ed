"""Processes that write one Delta table at once, and processes that are killed while they write."""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_data.services.storage.delta import DeltaStore
from simutrador_data.services.storage.local_bars import utc_now

SCRIPT: Final = Path(__file__).with_name("delta_processes.py")
STEPS: Final = SimpleNamespace(
    **runpy.run_path(str(SCRIPT.parents[1] / "acceptance" / "store_steps.py"))
)

pytestmark = pytest.mark.integration


@contextmanager
def running(
    *arguments: object, options: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run the script until it said that it is ready; nothing of it is left afterwards."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(options or {})},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["local", "S3"])
def place(request: pytest.FixtureRequest, fast_path: Path) -> tuple[str, dict[str, str]]:
    """Return the address of a table, and what opens it."""
    if request.param == "local":
        return str(fast_path), {}
    objects: Any = request.getfixturevalue("object_store")
    return objects.url("lake"), objects.options


def test_killed_writers_lose_nothing_and_leave_no_half_commit(
    place: tuple[str, dict[str, str]],
) -> None:
    url, options = place
    rounds = at_scale(3, 30) if options else at_scale(6, 100)
    chance = random.Random(20240501)
    model, done = STEPS.Model(), 0
    for number in range(rounds):
        with running("steps", url, done, options=options) as writer:
            assert writer.stdout is not None
            acknowledged = sum(bool(writer.stdout.readline()) for _ in range(number % 3))
            time.sleep(chance.uniform(0.0, 0.4))  # when to kill is the point, nothing is awaited
            writer.kill()
            acknowledged += len(writer.stdout.read().splitlines())
        for step in range(done, done + acknowledged):
            model.step(step)
        done += acknowledged
        with DeltaStore(url, storage_options=options) as store:
            found = STEPS.held(store)
            if not STEPS.same(found, model.expected()):
                model.step(done)  # committed, but killed before it could say so
                done += 1
                assert STEPS.same(found, model.expected())
            assert store.maintain(Maintenance.VERIFY).problems == ()
    assert done >= rounds
    later = utc_now() + timedelta(days=2)
    with DeltaStore(url, storage_options=options, clock=lambda: later) as store:
        store.maintain(Maintenance.VACUUM)
        assert store.maintain(Maintenance.VACUUM).changed == 0
        assert store.maintain(Maintenance.VERIFY).problems == ()
        assert STEPS.same(STEPS.held(store), model.expected())


def race(command: str, url: object, commits: int, options: dict[str, str]) -> list[list[str]]:
    """Let two processes work at once and return what each acknowledged."""
    with (
        running(command, url, 0, commits, options=options) as one,
        running(command, url, 1, commits, options=options) as two,
    ):
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [process.communicate()[0].splitlines() for process in (one, two)]


def test_two_processes_on_one_series_lose_and_double_nothing(
    place: tuple[str, dict[str, str]],
) -> None:
    url, options = place
    commits = at_scale(15, 100)
    with DeltaStore(url, storage_options=options) as store:
        first = STEPS.flat("AAPL", Timeframe.MINUTE_1, [STEPS.BASE_US], 0.0)
        store.commit(STEPS.change(first))
        told = race("count", url, commits, options)
        assert [len(lines) for lines in told] == [commits, commits]
        bars = store.read(query_all("AAPL"))
        history = store.history("AAPL", Timeframe.MINUTE_1)
        assert store.maintain(Maintenance.VERIFY).problems == ()
    total = 2 * commits
    assert bars.volume[0] == total, "updates of the shared bar were lost"
    assert bars.opened_at.tolist() == [
        STEPS.BASE_US + minute * STEPS.MINUTE_US for minute in range(total + 1)
    ]
    assert [commit.added for commit in history] == [1] * (total + 1)


def test_two_processes_on_different_series_never_conflict(
    place: tuple[str, dict[str, str]],
) -> None:
    url, options = place
    commits = at_scale(15, 100)
    with DeltaStore(url, storage_options=options) as store:
        told = race("alone", url, commits, options)
        assert told == [["done 0"] * commits] * 2
        assert [info.rows for info in store.symbols()] == [5 * commits] * 2
        ids = [
            commit.id
            for worker in (0, 1)
            for commit in store.history(f"OWN{worker}", Timeframe.MINUTE_1)
        ]
        assert sorted(ids) == list(range(1, 2 * commits + 1))
        assert store.maintain(Maintenance.VERIFY).problems == ()

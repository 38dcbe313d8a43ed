"""S1, S4 and S5: several processes on one store, and processes that are killed."""

from __future__ import annotations

import json
import random
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import pytest

from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_data.services.storage import vacuum
from simutrador_data.services.storage.parquet_store import ParquetStore

SCRIPT: Final = Path(__file__).with_name("store_processes.py")
STEPS: Final = SimpleNamespace(**runpy.run_path(str(SCRIPT.with_name("store_steps.py"))))
PLANTED: Final = ["none"]
"""The mistake that the processes of a test make; a fault puts its name in front."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


@contextmanager
def planted(name: str) -> Iterator[None]:
    PLANTED.insert(0, name)
    try:
        yield
    finally:
        PLANTED.pop(0)


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the script; it ends when its standard input does."""
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def ask(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def answers_before_it_writes() -> Any:
    """Fault: `commit` acknowledges what a thread writes later."""
    return planted("write behind")


@pytest.mark.acceptance("S1", package="data-manager", breaks=answers_before_it_writes)
def test_killing_writers_loses_nothing_that_was_acknowledged(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    rounds, fresh_every = at_scale(100, 1_000), 20
    chance = random.Random(20240501)
    model, done, slowest, steps = STEPS.Model(), 0, 0.0, 0
    root = fast_path / "store"
    with running("kill", PLANTED[0]) as process:
        for round_number in range(rounds):
            if round_number % fresh_every == 0:
                shutil.rmtree(root, ignore_errors=True)
                model, done = STEPS.Model(), 0
            # Some deaths come before the first answer, on the average after two, however slow
            # the machine is.
            after, delay = chance.randrange(5), chance.uniform(0.0, 0.03)
            order = {"root": str(root), "done": done, "after": after, "delay": delay}
            answer = ask(process, order)
            assert answer["acknowledged"] >= after
            assert answer["killed"], "the writer ended by itself; see its traceback above"
            for number in range(done, done + answer["acknowledged"]):
                model.step(number)
            done += answer["acknowledged"]
            steps += answer["acknowledged"]
            begun = time.monotonic()
            with ParquetStore(root) as store:
                slowest = max(slowest, time.monotonic() - begun)
                done += settle(store, model, done)
                if round_number % 5 == 0:
                    assert store.maintain(Maintenance.VERIFY).problems == ()
    assert slowest < 5.0
    assert steps > rounds
    figure(f"{rounds} kills in {steps} steps, 0 lost, 0 torn, next start {slowest * 1000:.0f} ms")


def settle(store: ParquetStore, model: Any, done: int) -> int:
    """Assert that a store holds the steps acknowledged, or one more; return how many more."""
    found = STEPS.held(store)
    if STEPS.same(found, model.expected()):
        return 0
    model.step(done)
    assert STEPS.same(found, model.expected()), f"neither {done} nor {done + 1} steps are stored"
    return 1


def ignores_base() -> Any:
    """Fault: a writer's base version is not compared with the store's."""
    return planted("ignore base")


@pytest.mark.acceptance("S4", package="data-manager", breaks=ignores_base)
def test_eight_writers_on_one_series_lose_and_double_nothing(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    workers, commits = 8, at_scale(15, 200)
    with ParquetStore(fast_path) as store:
        times = [STEPS.BASE_US]
        first = STEPS.flat("AAPL", Timeframe.MINUTE_1, times, 0.0)
        store.commit(STEPS.change(first))
    with running("contend", PLANTED[0], fast_path, workers, commits) as process:
        assert process.stdout is not None
        results = json.loads(process.stdout.read())
    assert [result for result in results if "error" in result] == []
    with ParquetStore(fast_path) as store:
        bars = store.read(query_all("AAPL"))
        history = store.history("AAPL", Timeframe.MINUTE_1)
        assert store.maintain(Maintenance.VERIFY).problems == ()
    total = workers * commits
    expected = [STEPS.BASE_US + minute * STEPS.MINUTE_US for minute in range(total + 1)]
    assert bars.opened_at.tolist() == expected
    assert bars.volume[0] == total, "updates of the shared bar were lost"
    assert [commit.added for commit in history] == [1] * (total + 1)
    most = max(result["most"] for result in results)
    assert most <= 5, f"a commit was retried {most} times"
    conflicts = sum(result["conflicts"] for result in results)
    figure(f"{workers} x {commits} commits, {conflicts} conflicts, at most {most} retries, 0 lost")


def deletes_what_versions_still_name() -> Any:
    """Fault: vacuum deletes what only older versions name."""
    live_only = vacuum._UNUSED.replace("objects.id)", "objects.id AND superseded IS NULL)")
    assert live_only != vacuum._UNUSED
    return patch.object(vacuum, "_UNUSED", live_only)


@pytest.mark.acceptance("S5", package="data-manager", breaks=deletes_what_versions_still_name)
def test_readers_see_one_version_each_while_others_write_compact_and_vacuum(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    commits = at_scale(400, 1_000)
    with ParquetStore(fast_path) as store:
        store.commit(STEPS.change_to_version(1))
        with running("watch", fast_path, 0) as one, running("watch", fast_path, 1) as two:
            for reader in (one, two):
                assert reader.stdout is not None
                assert reader.stdout.readline() == "ready\n"
            for version in range(2, commits + 1):
                assert store.commit(STEPS.change_to_version(version)).id == version
                if version % 40 == 0:
                    store.maintain(Maintenance.COMPACT)
                    store.maintain(Maintenance.VACUUM)
            found = [json.loads(reader.communicate()[0]) for reader in (one, two)]
        assert [reader["errors"] for reader in found] == [[], []]
        assert store.maintain(Maintenance.VERIFY).problems == ()
    reads = sum(reader["reads"] for reader in found)
    assert reads > 20
    figure(f"{reads} reads during {commits} commits and {commits // 40} clean-ups, 0 errors")

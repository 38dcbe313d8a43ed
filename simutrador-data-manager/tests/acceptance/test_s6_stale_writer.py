"""S6: a writer that was stopped in the middle of a commit is refused when it goes on."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from simutrador_core.errors import ConflictError, StoreError
from simutrador_core.models.enums import Maintenance, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_data.services.storage import planning
from simutrador_data.services.storage.delta import DeltaStore
from simutrador_data.services.storage.parquet_store import ParquetStore

SCRIPT: Final = Path(__file__).with_name("stopped_writer.py")
sys.path.insert(0, str(SCRIPT.parent))
try:
    WRITER: Final = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
    STEPS: Final = SimpleNamespace(**runpy.run_path(str(SCRIPT.with_name("store_steps.py"))))
finally:
    sys.path.remove(str(SCRIPT.parent))
PLANTED: Final = ["none"]
STOPPED_S: Final = at_scale(0.5, 60.0)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")


@contextmanager
def ignores_base() -> Iterator[None]:
    """Fault: a writer's base version is not compared with the store's, in either process."""
    PLANTED.insert(0, "ignore base")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(planning, "check_base", lambda *_: None)
            yield
    finally:
        PLANTED.pop(0)


@contextmanager
def stopped_writer(backend: str, place: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the script until it has stopped itself inside its first commit."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), backend, place, PLANTED[0], str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), "the writer ended by itself; see its traceback above"
            yield process
        finally:
            process.kill()


def opened(backend: str, root: Path) -> Any:
    return ParquetStore(root) if backend == "parquet" else DeltaStore(root)


def start_counting(store: Any) -> None:
    first = STEPS.flat("AAPL", Timeframe.MINUTE_1, [STEPS.BASE_US], 0.0)
    store.commit(STEPS.change(first))


def go_on(process: subprocess.Popen[str]) -> list[str]:
    """Wake the writer up; return how its attempts ended."""
    os.kill(process.pid, signal.SIGCONT)
    return process.communicate(timeout=60)[0].splitlines()


def assert_counted(root: Path, backend: str, *, writers: int, commits: int) -> None:
    """Assert that each commit counts once, with every bar of each writer."""
    with opened(backend, root) as store:
        bars = store.read(query_all("AAPL"))
        added = sum(commit.added for commit in store.history("AAPL", Timeframe.MINUTE_1))
        assert store.maintain(Maintenance.VERIFY).problems == ()
    assert bars.volume[0] == commits, "an update of the shared bar was lost or doubled"
    assert bars.opened_at.tolist() == [
        STEPS.BASE_US + minute * STEPS.MINUTE_US for minute in range(1 + writers * WRITER.ROWS)
    ]
    assert added == len(bars)


@pytest.mark.parametrize("backend", ["parquet", "delta"])
@pytest.mark.acceptance("S6", package="data-manager", breaks=ignores_base)
def test_a_writer_stopped_before_its_change_is_refused_when_others_wrote(
    backend: str, fast_path: Path, figure: Callable[[str], None]
) -> None:
    with opened(backend, fast_path) as store:
        start_counting(store)
        with stopped_writer(backend, "before", fast_path) as process:
            WRITER.count_up(store, 0)
            threading.Event().wait(STOPPED_S)  # how long it is stopped is the point
            WRITER.count_up(store, 0)
            told = go_on(process)
    assert told == ["refused", "committed"]
    assert_counted(fast_path, backend, writers=2, commits=3)
    figure(f"{backend}: stopped {STOPPED_S:g} s, refused by its base version, 0 lost, 0 doubled")


@pytest.mark.acceptance("S6", package="data-manager", breaks=ignores_base)
def test_a_writer_stopped_inside_its_transaction_delays_others_and_breaks_nothing(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    outcomes: list[str] = []

    def write_meanwhile(base: int, count: float) -> None:
        given = STEPS.change(WRITER.page(count + 1, 0), on_conflict=WRITER.OnConflict.REPLACE)
        try:
            with ParquetStore(fast_path) as other:
                other.commit(given, base=base)
            outcomes.append("committed")
        except (ConflictError, StoreError) as error:
            outcomes.append(f"{type(error).__name__}: {error}")

    with ParquetStore(fast_path) as store:
        start_counting(store)
        base, count = WRITER.known(store)
        with stopped_writer("parquet", "inside", fast_path) as process:
            waiting = threading.Thread(target=write_meanwhile, args=(base, count))
            waiting.start()
            waiting.join(STOPPED_S)
            assert WRITER.known(store) == (base, count), "half a commit is seen"
            waiting.join(at_scale(0, 30))  # a minute of patience, and what a busy machine adds
            assert go_on(process) == ["committed"]
            waiting.join(30)
        (outcome,) = outcomes
        assert outcome.startswith(at_scale("ConflictError", "StoreError")), outcome
        if outcome.startswith("StoreError"):
            assert "other writers kept it busy; try again" in outcome
        with pytest.raises(ConflictError):
            store.commit(STEPS.change(WRITER.page(count + 1, 0)), base=base)
        WRITER.count_up(store, 0)
    assert_counted(fast_path, "parquet", writers=2, commits=2)
    figure(f"inside: {STOPPED_S:g} s, others wait, read on and are refused after, 0 lost")

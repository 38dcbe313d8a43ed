"""J4: two schedulers whose clocks disagree run each night once, also when clocks are set.

The ledger is a file to which the nightly job appends its date; nothing in it refuses a second line.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Self

import pytest

from kit_jobs import FAULT, wait_until
from kit_nights import POLL, night, scheduler_process, set_wall
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.database import Database
from simutrador_service.jobs import Jobs, Worker

SKEW_S, LEASE_S = 5.0, at_scale(1.0, 15.0)
NIGHTS = at_scale(3, 60)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@contextmanager
def let_each_scheduler_decide_alone() -> Iterator[None]:
    """Two processes, each with a scheduler that keeps its runs in memory."""
    os.environ[FAULT] = "schedulers-apart"
    yield
    del os.environ[FAULT]


class Machines:
    """Two processes with clocks apart by twice the skew, one wall clock, one ledger."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._open = ExitStack()
        self._processes: dict[float, Popen[bytes]] = {}
        # Here, where nobody is killed: what becomes of a killed worker's jobs is J1's to prove.
        self._worker = Worker(Jobs(database, [night]), poll=timedelta(seconds=0.05))
        self.kills = 0

    def begin(self, at: datetime) -> None:
        """Start both at this time; what was due before it is none of theirs."""
        set_wall(self._folder, at)
        for skew_s in (-SKEW_S, SKEW_S):
            self._start(skew_s)
        self.complete()

    def complete(self) -> None:
        """Wait until both are at work and one of them leads."""
        assert wait_until(self._is_led, seconds=60)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._worker.stop()

    def _start(self, skew_s: float) -> None:
        started = scheduler_process(self._database.url, self._folder, skew_s, LEASE_S)
        self._processes[skew_s] = self._open.enter_context(started)

    def show(self, *times: datetime) -> None:
        """Set the wall clock to each of these; every scheduler looks at each several times."""
        for at in times:
            set_wall(self._folder, at)
            time.sleep(6 * POLL.total_seconds())

    def pass_by(self, at: datetime) -> None:
        """Let an instant pass, first for the clock that is ahead, at last for the other."""
        self.show(*(at + n * 2 * SECOND for n in range(-4, 5)))

    def kill_leader(self) -> None:
        """Kill the process that leads, and start another in its place."""
        leader = self._leader()
        for skew_s, process in list(self._processes.items()):
            if process.pid == leader:
                process.kill()
                process.wait()
                self._start(skew_s)
                self.kills += 1
                return

    def _is_led(self) -> bool:
        """Return whether one of them leads and both have begun to look at their schedules."""
        begun = {int(file.name.split("-")[1]) for file in self._folder.glob("begun-*")}
        pids = {process.pid for process in self._processes.values()}
        return pids <= begun and self._leader() in pids

    def _leader(self) -> int | None:
        with closing(sqlite3.connect(self._folder / "service.db")) as found:
            rows = found.execute("SELECT holder FROM lease WHERE holder IS NOT NULL").fetchall()
        return int(rows[0][0].split(":")[1]) if rows else None

    def ledger(self) -> Counter[str]:
        file = self._folder / "ledger"
        return Counter(file.read_text().splitlines()) if file.exists() else Counter()

    def settle(self, name: str, at: datetime) -> None:
        """Wait until a night is in the ledger."""
        line = f"{name} {at.date()}"
        assert wait_until(lambda: self.ledger()[line], seconds=3 * LEASE_S + 30), self.ledger()


@pytest.fixture
def machines(sqlite: Database, tmp_path: Path) -> Iterator[Machines]:
    with Machines(sqlite, tmp_path) as started:
        yield started


def nightly(*nights: datetime) -> dict[str, int]:
    return {f"nightly {at.date()}": 1 for at in nights}


def of(name: str, ledger: Counter[str]) -> dict[str, int]:
    return {line: count for line, count in ledger.items() if line.startswith(name)}


@pytest.mark.integration
@pytest.mark.acceptance("J4", package="service-kit", breaks=let_each_scheduler_decide_alone)
def test_two_schedulers_run_each_night_once_while_leaders_are_killed(
    machines: Machines, figure: Figure
) -> None:
    nights = [datetime(2026, 1, 5, 22, tzinfo=UTC) + n * DAY for n in range(NIGHTS)]
    machines.begin(nights[0] - HOUR)
    for number, at in enumerate(nights):
        machines.complete()
        if number % 3 == 0:  # between the two instants at which the clocks pass the hour
            machines.show(*(at - n * SECOND for n in (8, 6)))
            machines.kill_leader()
        if number % 3 == 1:
            machines.show(at)
            machines.kill_leader()
        machines.pass_by(at)
        machines.settle("nightly", at)
        machines.show(at + HOUR)
    assert of("nightly", machines.ledger()) == nightly(*nights)
    assert machines.kills >= NIGHTS // 2
    figure(
        f"{NIGHTS} nights, two schedulers {2 * SKEW_S:.0f} s apart, {machines.kills} leaders "
        "killed around the hour: each night once"
    )


@pytest.mark.integration
@pytest.mark.acceptance("J4", package="service-kit", breaks=let_each_scheduler_decide_alone)
def test_clocks_that_are_set_neither_miss_nor_double_a_night(
    machines: Machines, figure: Figure
) -> None:
    nights = [datetime(2026, 1, 5, 22, tzinfo=UTC) + n * DAY for n in range(4)]
    machines.begin(nights[0] - 2 * HOUR)
    for at, before, jump in zip(
        nights, (HOUR / 2, HOUR / 2, -HOUR / 2, -HOUR / 2), (HOUR, -HOUR, -HOUR, HOUR), strict=True
    ):
        machines.show(at - 2 * HOUR)
        if before < timedelta(0):  # the night has been run when the clock is set
            machines.pass_by(at)
            machines.settle("nightly", at)
        machines.show(at - before, at - before + jump)
        machines.show(at - before + jump + 60 * SECOND, at - before)  # and set right
        machines.pass_by(at)
        machines.settle("nightly", at)
        machines.show(at + HOUR)
    assert of("nightly", machines.ledger()) == nightly(*nights)
    figure("a clock set by +1 h and -1 h before and after the hour: 4 nights, each once")


# 02:30 in Berlin: as ever; skipped, so at 03:00 CEST; doubled, so at the first, in CEST.
# (tz database, Europe/Berlin: 29 March and 25 October 2026; docs/scheduler.md, hour fixed.)
CHANGES = {
    "skipped": [datetime(2026, 3, 28, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)],
    "doubled": [
        datetime(2026, 10, 24, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ],
}


@pytest.mark.integration
@pytest.mark.acceptance("J4", package="service-kit", breaks=let_each_scheduler_decide_alone)
@pytest.mark.parametrize("nights", CHANGES.values(), ids=CHANGES)
def test_a_night_in_which_clocks_change_runs_once(
    machines: Machines, nights: list[datetime], figure: Figure
) -> None:
    machines.begin(nights[0] - HOUR)
    for at in nights:
        machines.show(at - 20 * SECOND)
        assert machines.ledger()[f"local {at.date()}"] == 0
        machines.pass_by(at)
        machines.settle("local", at)
        machines.show(*(at + n * HOUR / 2 for n in range(1, 5)))
    assert of("local", machines.ledger()) == {f"local {at.date()}": 1 for at in nights}
    figure(f"02:30 in Berlin, once at {nights[-1]:%d %b %H:%M} UTC and not again")

"""J1 and J2: effects of jobs happen once, whatever happens to the workers.

The ledger is a table, or a file, of the test: nothing in it refuses a second entry, and it is read
without the code under test.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from kit_jobs import (
    DATABASE,
    FAULT,
    KINDS,
    LEASE,
    Long,
    Steps,
    long,
    make_worker,
    steps,
    wait_until,
)
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_service.database import KIT, Database
from simutrador_service.jobs import Job, Jobs, JobState
from simutrador_service.jobs.processes import WorkerProcesses

JOBS, STEPS = at_scale(50, 200), 3


@contextmanager
def write_the_effect_before_the_checkpoint() -> Iterator[None]:
    """Two commits instead of one: a crash between them repeats the effect."""
    os.environ[FAULT] = "effect-before-checkpoint"
    yield
    del os.environ[FAULT]


@contextmanager
def never_renew_a_lease() -> Iterator[None]:
    """A job that outlives its lease is taken for lost while it runs."""
    os.environ[FAULT] = "no-renewal"
    yield
    del os.environ[FAULT]


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(DATABASE, url)
    monkeypatch.setenv(LEASE, "0.4")
    database = Database(url)
    KIT.upgrade(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE ledger (name TEXT, step INTEGER)"))
    yield Jobs(database, KINDS)
    database.close()


@contextmanager
def processes(count: int) -> Iterator[WorkerProcesses]:
    started = WorkerProcesses(make_worker, count=count)
    started.start()
    try:
        yield started
    finally:
        started.stop()


def is_over(jobs: Jobs) -> bool:
    return not jobs.list_jobs(states=[JobState.PENDING, JobState.RUNNING], limit=1)


def held_by(jobs: Jobs, pids: list[int]) -> dict[int, list[Job]]:
    """Return the jobs that each of these processes runs: a worker's name is host:pid:nonce."""
    held: dict[int, list[Job]] = {}
    for job in jobs.list_jobs(states=[JobState.RUNNING]):
        pid = int((job.worker or ":0:").split(":")[1])
        if pid in pids:
            held.setdefault(pid, []).append(job)
    return held


def time_until_taken_over(jobs: Jobs, held: list[Job]) -> float:
    """Return the seconds until each job of a killed worker has other hands, or had ended."""
    killed_at = time.monotonic()

    def taken_over() -> bool:
        now = [jobs.get(job.id) for job in held]
        return all(a.fence > b.fence or a.ended_at for a, b in zip(now, held, strict=True))

    assert wait_until(taken_over, seconds=60)
    return time.monotonic() - killed_at


@pytest.mark.integration
@pytest.mark.acceptance("J1", package="service-kit", breaks=write_the_effect_before_the_checkpoint)
def test_effects_happen_once_while_workers_are_killed(
    jobs: Jobs, tmp_path: Path, figure: Figure
) -> None:
    chance = random.Random(5)
    asked = [jobs.submit(steps, Steps(name=f"job-{n}", each_s=0.03)) for n in range(JOBS)]
    kills, longest = 0, 0.0
    with processes(2) as workers:
        while not is_over(jobs):
            time.sleep(chance.uniform(0.1, 0.5))
            held = held_by(jobs, workers.pids)
            if held and kills < at_scale(3, 100):
                victim = chance.choice(sorted(held))
                os.kill(victim, signal.SIGKILL)
                kills += 1
                longest = max(longest, time_until_taken_over(jobs, held[victim]))
    with closing(sqlite3.connect(tmp_path / "service.db")) as ledger:
        counted = Counter(ledger.execute("SELECT name, step FROM ledger"))
    assert counted == {(f"job-{n}", step): 1 for n in range(JOBS) for step in range(STEPS)}
    found = [jobs.get(job.id) for job in asked]
    assert {job.state for job in found} == {"completed"}
    crashes = sum(job.crashes for job in found)
    assert crashes > 0
    figure(
        f"{JOBS} jobs, {kills} kills, {crashes} runs cut short, {sum(counted.values())} effects, "
        f"each once; slowest takeover {longest:.1f} s"
    )


@pytest.mark.integration
@pytest.mark.acceptance("J2", package="service-kit", breaks=never_renew_a_lease)
def test_a_job_longer_than_its_lease_runs_once(
    jobs: Jobs, tmp_path: Path, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEASE, "0.8")
    ledger = tmp_path / "ledger.txt"
    asked = jobs.submit(long, Long(file=ledger, seconds=2.5))
    with processes(2):
        assert wait_until(lambda: is_over(jobs), seconds=30)
    assert ledger.read_text().splitlines() == [f"begin {asked.id}", f"end {asked.id}"]
    assert jobs.get(asked.id).attempt == 1
    figure("a run of 2.5 s under a lease of 0.8 s, two processes waiting for it: run once")

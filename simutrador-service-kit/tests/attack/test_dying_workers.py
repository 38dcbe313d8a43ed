"""Workers killed at every moment of a run: another goes on, and each effect happens once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from kit_jobs import KINDS, Steps, steps, wait_until
from simutrador_service.database import Database
from simutrador_service.jobs import Jobs, Worker

COUNT = 3
MOMENTS = ("claimed", "in an effect", "after an effect", "before its end", "after its end")
DYING = """
import json, os, signal, sys
from contextlib import contextmanager
from datetime import timedelta

sys.path.insert(0, sys.argv[1])
from kit_jobs import KINDS
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, Worker
from simutrador_service.jobs.running import Run

database, asked = sys.argv[2], json.loads(sys.argv[3])
effect, write = JobContext.effect, Run._write

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

@contextmanager
def dying_effect(self, checkpoint):
    with effect(self, checkpoint) as session:
        yield session
        if moment == "in an effect" and checkpoint == 2:
            die()
    if moment == "after an effect" and checkpoint == 2:
        die()

def dying_write(self, ended):
    if moment == "before its end":
        die()
    write(self, ended)
    die()

JobContext.effect, Run._write = dying_effect, dying_write
for moment, job_id in asked.items():
    child = os.fork()
    if child == 0:
        if moment == "claimed":
            Run.execute = die
        Worker(Jobs(Database(database), KINDS), lease=timedelta(seconds=0.3)).run_one(job_id)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, moment
"""


@pytest.mark.integration
def test_each_job_is_taken_over_where_it_stood(sqlite: Database) -> None:
    with sqlite.write() as session:
        session.execute(text("CREATE TABLE ledger (name TEXT, step INTEGER)"))
    jobs = Jobs(sqlite, KINDS)
    asked = {
        moment: jobs.submit(steps, Steps(name=moment, count=COUNT, each_s=0)) for moment in MOMENTS
    }
    ids = json.dumps({moment: job.id for moment, job in asked.items()})
    script = [sys.executable, "-c", DYING, Path(__file__).parents[1], sqlite.url, ids]
    died = subprocess.run(script, capture_output=True, timeout=60, check=False)
    assert died.returncode == 0, died.stderr.decode()
    left = {moment: jobs.get(job.id).state for moment, job in asked.items()}
    assert left == dict.fromkeys(MOMENTS[:-1], "running") | {MOMENTS[-1]: "completed"}
    worker = Worker(jobs, lease=timedelta(seconds=0.3), poll=timedelta(seconds=0.05))
    worker.start()
    try:
        assert wait_until(
            lambda: all(jobs.get(job.id).ended_at for job in asked.values()), seconds=30
        )
    finally:
        worker.stop(timeout_s=5.0)
    with sqlite.read() as session:
        ledger = Counter(tuple(row) for row in session.execute(text("SELECT * FROM ledger")))
    assert ledger == {(moment, step): 1 for moment in MOMENTS for step in range(COUNT)}
    found = {moment: jobs.get(job.id) for moment, job in asked.items()}
    assert {job.state for job in found.values()} == {"completed"}
    assert [found[moment].attempt for moment in MOMENTS] == [2, 2, 2, 2, 1]
    assert [found[moment].crashes for moment in MOMENTS] == [1, 1, 1, 1, 0]

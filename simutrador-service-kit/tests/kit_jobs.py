"""Jobs, workers and faults for tests whose workers are processes of their own.

The environment says which database and lease to use, and which fault to plant: a process that is
started by the code under test can be reached in no other way.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session

from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, Retry, Worker, job

DATABASE, LEASE, FAULT, BROKER = "KIT_DATABASE", "KIT_LEASE_S", "KIT_FAULT", "KIT_BROKER"


class Steps(BaseModel):
    """Write `count` lines into the ledger, one every `each_s` seconds."""

    name: str
    count: int = 3
    each_s: float = 0.01


@job("steps", version=1, retry=Retry(attempts=50, base_s=0.05))
async def steps(params: Steps, ctx: JobContext) -> int:
    """Each line is written together with the checkpoint that says so."""
    for step in range(ctx.saved or 0, params.count):
        with ctx.effect(checkpoint=step + 1) as session:
            session.execute(
                text("INSERT INTO ledger (name, step) VALUES (:name, :step)"),
                {"name": params.name, "step": step},
            )
        await asyncio.sleep(params.each_s)
        ctx.progress(step + 1, params.count, "writing")
    return params.count


class Long(BaseModel):
    """Append a line to a file, work for a while without checkpoint, append another."""

    file: Path
    seconds: float


@job("long", version=1)
async def long(params: Long, ctx: JobContext) -> None:
    """The file is the ledger; it refuses nothing."""
    note(params.file, f"begin {ctx.job_id}")
    await asyncio.sleep(params.seconds)
    note(params.file, f"end {ctx.job_id}")


def note(file: Path, line: str) -> None:
    with file.open("a") as out:
        out.write(line + "\n")


KINDS = (steps, long)


def make_worker() -> Worker:
    """Build the worker of a process."""
    plant(os.environ.get(FAULT, ""))
    lease = timedelta(seconds=float(os.environ.get(LEASE, "1")))
    jobs = Jobs(Database(os.environ[DATABASE]), KINDS)
    return Worker(jobs, threads=2, lease=lease, poll=timedelta(seconds=0.1))


def plant(fault: str) -> None:
    """Break this process in the way that is named."""
    if fault == "effect-before-checkpoint":
        setattr(JobContext, "effect", torn_effect)  # noqa: B010
    elif fault == "no-renewal":
        setattr(Worker, "beat", lambda _worker: None)  # noqa: B010
    elif fault == "no-poller":
        setattr(Worker, "start", lambda _worker: None)  # noqa: B010


@contextmanager
def torn_effect(self: JobContext, checkpoint: object) -> Iterator[Session]:
    """Commit the effect first and the checkpoint a moment later."""
    with self._claims.database.write() as session:
        yield session
    time.sleep(0.2)
    self.checkpoint(checkpoint)


def wait_until(condition: object, *, seconds: float, every: float = 0.05) -> bool:
    """Ask again and again until it holds; return whether it did in time."""
    assert callable(condition)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(every)
    return False

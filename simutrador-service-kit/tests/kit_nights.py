"""Schedulers in processes of their own, under a wall clock that the test sets.

    python kit_nights.py DATABASE FOLDER SKEW_S LEASE_S

Each runs a scheduler. The wall clock is the file `wall` in the folder, plus the skew
of the process; nothing else tells the time. What a job does is one line in the file `ledger`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kit_jobs import FAULT
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, job
from simutrador_service.scheduler import Schedule, Scheduler, Schedules, cron, running
from simutrador_service.scheduler.leader import Leadership
from simutrador_service.scheduler.settling import add_job

POLL = timedelta(seconds=0.01)
ZONE = "Europe/Berlin"


class Night(BaseModel):
    """Where to write down that a night was run."""

    name: str
    folder: Path


@job("night", version=1)
async def night(params: Night, ctx: JobContext) -> None:
    """Append one line, durably: the name, and the date of the wall clock."""
    line = f"{params.name} {read_wall(params.folder).date()}\n"
    file = os.open(params.folder / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.fsync(file)
    os.close(file)


def read_wall(folder: Path) -> datetime:
    return datetime.fromisoformat((folder / "wall").read_text())


def set_wall(folder: Path, at: datetime) -> None:
    """Set the wall clock of every process at once."""
    (folder / "next").write_text(at.isoformat())
    (folder / "next").replace(folder / "wall")


def schedules_of(jobs: Jobs, folder: Path, skew: timedelta) -> Schedules:
    return Schedules(
        jobs,
        [
            Schedule("nightly", cron("0 22 * * *"), night, Night(name="nightly", folder=folder)),
            Schedule("local", cron("30 2 * * *", ZONE), night, Night(name="local", folder=folder)),
        ],
        clock=lambda: read_wall(folder) + skew,
    )


def keep_it_to_themselves() -> None:
    """Let each scheduler lead, and remember by itself what it did."""
    done = set[tuple[str, datetime]]()

    def settle(session: Any, schedule: Schedule, due: Any, *, now: datetime) -> None:
        if (schedule.name, due.at) not in done:
            done.add((schedule.name, due.at))
            mine = due.at + timedelta(microseconds=os.getpid())  # nor is the job's key shared
            add_job(session, schedule, due_at=mine, now=now)

    lead = Leadership.lead
    setattr(Leadership, "lead", lambda self: lead(self) or True)  # noqa: B010
    setattr(Leadership, "guard", lambda _self, _session: True)  # noqa: B010
    setattr(running, "settle", settle)  # noqa: B010


@contextmanager
def scheduler_process(
    database: str, folder: Path, skew_s: float, lease_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Start one, and end it with the block."""
    command = [sys.executable, __file__, database, folder, str(skew_s), str(lease_s)]
    process = subprocess.Popen([str(part) for part in command])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def main(database: str, folder: str, skew_s: str, lease_s: str) -> None:
    if os.environ.get(FAULT) == "schedulers-apart":
        keep_it_to_themselves()
    jobs = Jobs(Database(database), [night])
    skew, lease = timedelta(seconds=float(skew_s)), timedelta(seconds=float(lease_s))
    scheduler = Scheduler(schedules_of(jobs, Path(folder), skew), lease=lease, poll=POLL)
    scheduler.start()
    (Path(folder) / f"begun-{os.getpid()}").touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])

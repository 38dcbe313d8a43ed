"""A health check that asks the table: does anybody do the jobs?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select

from simutrador_service.jobs.service import Jobs
from simutrador_service.jobs.table import Job, JobState
from simutrador_service.monitoring import Check, CheckFailedError

LONGEST_WAIT: Final = timedelta(minutes=2)


def check_workers(jobs: Jobs, *, longest_wait: timedelta = LONGEST_WAIT) -> Check:
    """Return a check that jobs are being done, by workers of any process.

    A worker's heartbeat is the renewal of its leases. It fails when a job has been due for this
    long while nobody renews any lease, or when a run's lease ended this long ago and nobody took
    the job over. Many jobs that wait for busy workers are no failure.

    Args:
        jobs: The table.
        longest_wait: Longer than the workers' lease.
    """

    def check() -> dict[str, Any]:
        now = jobs.clock()
        due = Job.state == JobState.PENDING, Job.due_at <= now
        running = Job.state == JobState.RUNNING
        with jobs.database.read() as session:
            waiting = session.scalar(select(func.count()).where(*due)) or 0
            oldest = session.scalar(select(func.min(Job.due_at)).where(*due))
            held = session.scalar(select(func.count()).where(running, Job.lease_until >= now)) or 0
            silent = session.scalar(select(func.min(Job.lease_until)).where(running))
        if silent is not None and now - silent > longest_wait:
            raise CheckFailedError(
                f"the worker of a job fell silent at {silent:%Y-%m-%d %H:%M:%S} UTC and none took "
                "it over; start a worker"
            )
        if oldest is not None and not held and now - oldest > longest_wait:
            raise CheckFailedError(
                f"{waiting} jobs are due, the first since {oldest:%Y-%m-%d %H:%M:%S} UTC, and no "
                "worker is at work; start one"
            )
        return {"due": waiting, "running": held}

    return check

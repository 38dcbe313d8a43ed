"""The health check of workers: silence is told from a long queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, Worker, job
from simutrador_service.jobs.claims import Claims
from simutrador_service.jobs.health import check_workers
from simutrador_service.monitoring import CheckFailedError


class Nothing(BaseModel):
    pass


@job("idle", version=1)
async def idle(params: Nothing, ctx: JobContext) -> None:
    return


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(database: Database, clock: Clock) -> Jobs:
    return Jobs(database, [idle], clock=clock)


def hold_one(jobs: Jobs, clock: Clock) -> None:
    """Claim a job as a worker does."""
    claims = Claims(jobs.database, jobs.kinds.values(), lease=timedelta(seconds=30))
    assert claims.claim("a-worker", queues=["default"], now=clock.now) is not None


def test_nothing_to_do_is_healthy(jobs: Jobs) -> None:
    assert check_workers(jobs)() == {"due": 0, "running": 0}


def test_a_job_nobody_does_is_told_after_a_while(jobs: Jobs, clock: Clock) -> None:
    jobs.submit(idle, Nothing())
    clock.advance(119)
    assert check_workers(jobs)() == {"due": 1, "running": 0}
    clock.advance(2)
    with pytest.raises(CheckFailedError, match=r"1 jobs are due, .* start one"):
        check_workers(jobs)()
    Worker(jobs).run_until_idle()
    assert check_workers(jobs)() == {"due": 0, "running": 0}


def test_jobs_that_wait_for_a_busy_worker_are_no_failure(jobs: Jobs, clock: Clock) -> None:
    for _ in range(3):
        jobs.submit(idle, Nothing())
    clock.advance(600)
    hold_one(jobs, clock)
    assert check_workers(jobs)() == {"due": 2, "running": 1}


def test_a_worker_that_fell_silent_is_told_when_nobody_takes_over(jobs: Jobs, clock: Clock) -> None:
    jobs.submit(idle, Nothing())
    hold_one(jobs, clock)
    clock.advance(30 + 119)
    assert check_workers(jobs)() == {"due": 0, "running": 0}
    clock.advance(2)
    with pytest.raises(CheckFailedError, match=r"fell silent at .* start a worker"):
        check_workers(jobs)()

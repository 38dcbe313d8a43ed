"""Runs: retries, time limits, cancellation, fencing, checkpoints, shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from pydantic import BaseModel

from kit_jobs import wait_until
from simutrador_service.database import Database
from simutrador_service.database.base import utc_now
from simutrador_service.errors import LostLeaseError
from simutrador_service.jobs import Job, JobContext, Jobs, Partly, Retry, Worker, job
from simutrador_service.jobs.claims import Claims
from simutrador_service.jobs.rules import time_left, wait_before

TICK = timedelta(seconds=0.05)


class Nothing(BaseModel):
    pass


@job("flaky", version=1, retry=Retry(attempts=3, base_s=0.001))
async def flaky(params: Nothing, ctx: JobContext) -> int:
    if ctx.attempt < 3:
        ctx.checkpoint({"tries": ctx.attempt})
        raise OSError
    return ctx.saved["tries"] if ctx.saved else 0


@job("half", version=2, accepts=(1,))
async def half(params: Nothing, ctx: JobContext) -> Partly[str]:
    return Partly("half")


@job("endless", version=1, time_limit=timedelta(seconds=0.4))
async def endless(params: Nothing, ctx: JobContext) -> None:
    await asyncio.Event().wait()


@job("polite", version=1)
async def polite(params: Nothing, ctx: JobContext) -> str:
    ctx.progress(1, 4, "waiting")
    await asyncio.to_thread(ctx.wait, 60.0)
    ctx.stop_if_cancelled()
    return "never"


@job("deaf", version=1)
async def deaf(params: Nothing, ctx: JobContext) -> None:
    await asyncio.Event().wait()


@job("stubborn", version=1, retry=Retry(attempts=3, base_s=0.001))
async def stubborn(params: Nothing, ctx: JobContext) -> None:
    await asyncio.to_thread(ctx.wait, 60.0)
    raise OSError("interrupted")


@job("unstorable", version=1, retry=Retry(attempts=3, base_s=0.001))
async def unstorable(params: Nothing, ctx: JobContext) -> object:
    return {"mean": float("nan")}


KINDS = (flaky, half, endless, polite, deaf, stubborn, unstorable)


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, KINDS)


@pytest.fixture
def worker(jobs: Jobs) -> Iterator[Worker]:
    made = Worker(jobs, threads=2, poll=TICK, grace=TICK)
    made.start()
    yield made
    made.stop(timeout_s=2.0)


def ended(jobs: Jobs, asked: Job) -> Job:
    def is_final() -> bool:
        return jobs.get(asked.id).ended_at is not None

    assert wait_until(is_final, seconds=10)
    return jobs.get(asked.id)


@pytest.mark.usefixtures("worker")
def test_a_failing_run_is_tried_again_from_its_checkpoint(jobs: Jobs) -> None:
    done = ended(jobs, jobs.submit(flaky, Nothing()))
    assert (done.state, done.attempt, done.result, done.error) == ("completed", 3, 2, None)


@pytest.mark.usefixtures("worker")
def test_a_part_of_the_result_is_said_to_be_partial(jobs: Jobs) -> None:
    done = ended(jobs, jobs.submit(half, Nothing()))
    assert (done.state, done.result) == ("partial", "half")


@pytest.mark.usefixtures("worker")
def test_a_run_over_its_limit_fails_and_is_not_tried_again(jobs: Jobs) -> None:
    done = ended(jobs, jobs.submit(endless, Nothing()))
    assert (done.state, done.error_code, done.attempt) == ("failed", "time_limit", 1)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("kind", [polite, deaf], ids=["polite", "deaf"])
def test_a_running_job_is_cancelled(jobs: Jobs, kind: object) -> None:
    assert kind in KINDS
    asked = jobs.submit(kind, Nothing())  # type: ignore[arg-type]
    assert wait_until(lambda: jobs.get(asked.id).state == "running", seconds=5)
    assert jobs.cancel(asked.id).cancel_requested
    assert ended(jobs, asked).state == "cancelled"


def test_a_worker_that_stops_gives_its_jobs_back(jobs: Jobs) -> None:
    worker = Worker(jobs, poll=TICK, grace=TICK)
    worker.start()
    asked = jobs.submit(deaf, Nothing())
    assert wait_until(lambda: jobs.get(asked.id).state == "running", seconds=5)
    worker.stop(timeout_s=0.4)
    left = jobs.get(asked.id)
    assert (left.state, left.attempt, left.worker) == ("pending", 0, None)


def test_a_worker_that_lost_its_job_writes_nothing_more(database: Database) -> None:
    jobs = Jobs(database, KINDS)
    asked = jobs.submit(polite, Nothing())
    claims = Claims(database, KINDS, lease=timedelta(seconds=1), monotonic=count().__next__)
    now = jobs.clock()
    old = claims.claim("old", queues=["default"], now=now)
    later = now + timedelta(seconds=2)
    assert claims.claim("new", queues=["default"], now=later) is None  # only now seen to be silent
    new = claims.claim("new", queues=["default"], now=later)
    assert old is not None
    assert new is not None
    assert new.fence == old.fence + 1
    late = JobContext(old, claims)
    with pytest.raises(LostLeaseError, match="stop working"):
        late.progress(1, 1)
    with pytest.raises(LostLeaseError), late.effect("mine"):
        pytest.fail("the block of a lost effect was entered")
    assert not claims.renew(old, left=timedelta(seconds=1), now=now)
    JobContext(new, claims).checkpoint("theirs")
    assert (jobs.get(asked.id).checkpoint, jobs.get(asked.id).crashes) == ("theirs", 1)


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ("cancel", "cancelled", None),
        ("time", "failed", "time_limit"),
        ("attempts", "failed", "worker_lost"),
    ],
)
def test_a_job_whose_worker_vanished_is_not_run_for_ever(
    jobs: Jobs, change: str, state: str, code: str | None
) -> None:
    asked = jobs.submit(flaky, Nothing())
    claims = Claims(jobs.database, KINDS, lease=timedelta(seconds=1), monotonic=count().__next__)
    now = jobs.clock()
    for _ in range(3 if change == "attempts" else 1):
        assert claims.claim("w", queues=["default"], now=now) is not None
        now += timedelta(seconds=2)
        assert claims.claim("w", queues=["default"], now=now) is None  # seen to be silent
    if change == "cancel":
        jobs.cancel(asked.id)
    if change == "time":
        now += timedelta(hours=1)
    assert claims.claim("w", queues=["default"], now=now) is None
    found = jobs.get(asked.id)
    assert (found.state, found.error_code, found.dead) == (state, code, change == "attempts")


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_set_takes_no_running_job_away(sqlite: Database, jump: timedelta) -> None:
    shift = timedelta(0)
    jobs = Jobs(sqlite, KINDS, clock=lambda: utc_now() + shift)
    lease = timedelta(seconds=2)
    workers = [Worker(jobs, lease=lease, poll=TICK, grace=TICK) for _ in range(2)]
    for worker in workers:
        worker.start()
    asked = jobs.submit(polite, Nothing())
    assert wait_until(lambda: jobs.get(asked.id).done == 1, seconds=5)
    shift = jump

    def is_renewed() -> bool:
        until = jobs.get(asked.id).lease_until
        return until is not None and abs(until - jobs.clock()) < 2 * lease

    assert wait_until(is_renewed, seconds=5)  # by the clock as it is now
    found = jobs.get(asked.id)
    assert (found.state, found.attempt, found.fence) == ("running", 1, 1)
    jobs.cancel(asked.id)
    assert ended(jobs, asked).state == "cancelled"
    for worker in workers:
        worker.stop(timeout_s=2.0)


def test_rows_of_other_versions_and_queues_wait_for_their_worker(jobs: Jobs) -> None:
    asked = jobs.submit(half, Nothing())
    older = job("half", version=1)(half.run)
    elsewhere = Worker(jobs, queues=["other"])
    assert Worker(Jobs(jobs.database, [older])).run_until_idle() == 0
    assert elsewhere.run_until_idle() == 0
    assert elsewhere.run_one(asked.id)  # a doorbell names the job itself


def test_stored_parameters_that_no_longer_fit_fail_the_job(jobs: Jobs) -> None:
    class Number(BaseModel):
        number: int

    async def run(params: Number, ctx: JobContext) -> None: ...

    run.__annotations__["params"] = Number
    asked = jobs.submit(half, Nothing())
    Worker(Jobs(jobs.database, [job("half", version=2)(run)])).run_until_idle()
    assert jobs.get(asked.id).error == "the stored parameters do not fit: 1 errors"


def test_waits_double_up_to_their_cap_and_are_scaled_by_chance() -> None:
    retry = Retry(base_s=1.0, cap_s=5.0)
    waits = [wait_before(n, retry, chance=0.5).total_seconds() for n in (1, 2, 3, 4, 99)]
    assert waits == [0.5, 1.0, 2.0, 2.5, 2.5]


def test_time_left_follows_the_pace_of_this_run() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    now = start + timedelta(seconds=30)
    assert time_left(3, 9, since=start, done_then=0, now=now) == timedelta(seconds=60)
    assert time_left(6, 9, since=start, done_then=3, now=now) == timedelta(seconds=30)
    assert time_left(9, 9, since=start, done_then=3, now=now) == timedelta(0)


@pytest.mark.parametrize(
    ("done", "total", "since_s", "now_s"),
    [(0, 9, 0, 30), (3, None, 0, 30), (3, 9, None, 30), (3, 9, 30, 30), (3, 9, 35, 30)],
    ids=["nothing done", "no total", "not begun", "no time", "clock behind"],
)
def test_time_left_is_unknown_without_a_pace(
    done: int, total: int | None, since_s: int | None, now_s: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    since = None if since_s is None else start + timedelta(seconds=since_s)
    now = start + timedelta(seconds=now_s)
    assert time_left(done, total, since=since, done_then=0, now=now) is None


def test_a_cancelled_run_that_fails_instead_of_stopping_is_not_tried_again(
    jobs: Jobs, worker: Worker
) -> None:
    asked = jobs.submit(stubborn, Nothing())
    assert wait_until(lambda: jobs.get(asked.id).state == "running", seconds=5)
    jobs.cancel(asked.id)
    assert wait_until(lambda: jobs.get(asked.id).ended_at, seconds=5)
    ended = jobs.get(asked.id)
    assert (ended.state, ended.error_code, ended.attempt) == ("cancelled", "cancelled", 1)


def test_a_job_given_back_after_it_was_cancelled_is_not_run_again(jobs: Jobs) -> None:
    asked = jobs.submit(flaky, Nothing())
    with jobs.database.write() as session:
        session.get_one(Job, asked.id).cancel_requested = True
    assert Worker(jobs).run_until_idle() == 0
    assert jobs.get(asked.id).state == "cancelled"


def test_a_result_that_json_cannot_carry_fails_at_once_and_says_so(jobs: Jobs) -> None:
    asked = jobs.submit(unstorable, Nothing())
    assert Worker(jobs).run_until_idle() == 1
    ended = jobs.get(asked.id)
    assert (ended.state, ended.dead) == ("failed", False)
    assert "the result cannot be kept as JSON" in (ended.error or "")

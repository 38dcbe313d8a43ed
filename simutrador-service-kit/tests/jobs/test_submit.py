"""Asking for jobs: keys, single flight, cancel, retry, lists and retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from pydantic import BaseModel

from simutrador_core.errors import InputError
from simutrador_service.database import Database
from simutrador_service.errors import JobConflictError, UnknownJobError
from simutrador_service.jobs import JobContext, Jobs, JobState, OnConflict, Retry, Worker, job


class Symbol(BaseModel):
    symbol: str = "AAPL"


@job("joined", version=1)
async def joined(params: Symbol, ctx: JobContext) -> str:
    return params.symbol


@job("refused", version=1, on_conflict=OnConflict.REFUSE)
async def refused(params: Symbol, ctx: JobContext) -> None:
    raise InputError(f"{params.symbol} is wrong")


@job("dying", version=1, retry=Retry(attempts=1))
async def dying(params: Symbol, ctx: JobContext) -> None:
    raise OSError("password=hunter2")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(database: Database, clock: Clock) -> Jobs:
    return Jobs(database, [joined, refused, dying], clock=clock)


@pytest.fixture
def work(jobs: Jobs) -> Callable[[], int]:
    return Worker(jobs).run_until_idle


def test_a_job_runs_and_keeps_its_result(jobs: Jobs, work: Callable[[], int]) -> None:
    asked = jobs.submit(joined, Symbol(symbol="MSFT"))
    assert (asked.state, work()) == ("pending", 1)
    done = jobs.get(asked.id)
    assert (done.state, done.result, done.attempt, done.lease_until) == (
        "completed",
        "MSFT",
        1,
        None,
    )


def test_an_active_key_answers_with_the_same_job_and_is_free_afterwards(
    jobs: Jobs, work: Callable[[], int]
) -> None:
    first = jobs.submit(joined, Symbol(), key="AAPL")
    assert jobs.submit(joined, Symbol(), key="AAPL").id == first.id
    assert jobs.submit(joined, Symbol(), key="MSFT").id != first.id
    work()
    assert jobs.submit(joined, Symbol(), key="AAPL").id != first.id


def test_a_kind_that_refuses_names_the_job_in_the_way(jobs: Jobs) -> None:
    first = jobs.submit(refused, Symbol(), key="AAPL")
    with pytest.raises(JobConflictError, match="wait for it or cancel it") as caught:
        jobs.submit(refused, Symbol(), key="AAPL")
    assert caught.value.job_id == first.id


def test_a_request_key_answers_with_its_job_also_after_the_end(
    jobs: Jobs, work: Callable[[], int]
) -> None:
    first = jobs.submit(joined, Symbol(), request_key="r1", owner="me")
    work()
    assert jobs.submit(joined, Symbol(), request_key="r1", owner="me").id == first.id
    assert jobs.submit(joined, Symbol(), request_key="r1", owner="you").id != first.id
    with pytest.raises(JobConflictError, match="other parameters"):
        jobs.submit(joined, Symbol(symbol="X"), request_key="r1", owner="me")


def test_many_who_ask_at_once_get_one_job(jobs: Jobs) -> None:
    found: list[str] = []
    barrier = Barrier(8)

    def ask() -> None:
        barrier.wait()
        found.append(jobs.submit(joined, Symbol(), key="AAPL").id)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), len(jobs.list_jobs())) == (8, 1, 1)


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_out_of_bounds_is_refused(jobs: Jobs, key: str) -> None:
    with pytest.raises(InputError, match="key has 1 to 200 characters"):
        jobs.submit(joined, Symbol(), key=key)


def test_wrong_names_and_parameters_are_explained(jobs: Jobs) -> None:
    with pytest.raises(InputError, match="no kind 'nigthly'; known: dying, joined, refused"):
        jobs.submit_named("nigthly", {})
    with pytest.raises(InputError, match=r"params\.symbol: Input should be a valid string") as e:
        jobs.submit_named("joined", {"symbol": 1})
    assert e.value.field == "params.symbol"


def test_a_waiting_job_is_cancelled_at_once(jobs: Jobs, work: Callable[[], int]) -> None:
    asked = jobs.submit(joined, Symbol(), key="k")
    assert jobs.cancel(asked.id).state == JobState.CANCELLED
    assert (work(), jobs.cancel(asked.id).state) == (0, JobState.CANCELLED)
    assert jobs.submit(joined, Symbol(), key="k").id != asked.id
    with pytest.raises(JobConflictError, match="is pending with the same key; wait"):
        jobs.retry(asked.id)


def test_wrong_input_fails_at_once_and_is_no_dead_letter(
    jobs: Jobs, work: Callable[[], int]
) -> None:
    asked = jobs.submit(refused, Symbol())
    assert work() == 1
    failed = jobs.get(asked.id)
    assert (failed.state, failed.error_code, failed.error, failed.dead) == (
        "failed", "invalid_input", "AAPL is wrong", False,
    )  # fmt: skip


def test_a_dead_letter_keeps_its_reason_without_foreign_text_and_can_be_revived(
    jobs: Jobs, work: Callable[[], int]
) -> None:
    asked = jobs.submit(dying, Symbol())
    work()
    (dead,) = jobs.list_jobs(dead=True)
    assert (dead.id, dead.error_code) == (asked.id, "unexpected_error")
    assert "hunter2" not in (dead.error or "")
    revived = jobs.retry(asked.id)
    assert (revived.state, revived.dead, revived.attempt) == ("pending", False, 0)
    with pytest.raises(JobConflictError, match="is pending; only a failed"):
        jobs.retry(asked.id)


def test_ended_jobs_are_forgotten_in_time_dead_ones_later(
    jobs: Jobs, work: Callable[[], int], clock: Clock
) -> None:
    jobs.submit(joined, Symbol())
    dead = jobs.submit(dying, Symbol())
    work()
    waiting = jobs.submit(joined, Symbol())
    clock.now += timedelta(days=31)
    keep = {"keep": timedelta(days=30), "keep_dead": timedelta(days=180)}
    assert jobs.purge(**keep) == 1
    assert {found.id for found in jobs.list_jobs()} == {dead.id, waiting.id}
    clock.now += timedelta(days=150)
    assert jobs.purge(**keep) == 1


def test_lists_are_newest_first_and_paged(jobs: Jobs, clock: Clock) -> None:
    asked = []
    for owner in ("a", "b", "a"):
        clock.now += timedelta(seconds=1)
        asked.append(jobs.submit(joined, Symbol(), owner=owner).id)
    newest = (clock.now, asked[2])
    assert [found.id for found in jobs.list_jobs()] == asked[::-1]
    assert [found.id for found in jobs.list_jobs(owner="a", limit=1)] == [asked[2]]
    assert [found.id for found in jobs.list_jobs(after=newest, kind="joined")] == asked[1::-1]
    assert jobs.list_jobs(states=[JobState.FAILED]) == []


def test_pages_lose_no_job_of_the_same_moment(jobs: Jobs) -> None:
    asked = {jobs.submit(joined, Symbol()).id for _ in range(5)}
    seen: list[str] = []
    after = None
    while page := jobs.list_jobs(after=after, limit=2):
        seen += [found.id for found in page]
        after = (page[-1].created_at, page[-1].id)
    assert (len(seen), set(seen)) == (5, asked)


def test_an_unknown_job_is_said_to_be_so(jobs: Jobs) -> None:
    for ask in (jobs.get, jobs.cancel, jobs.retry):
        with pytest.raises(UnknownJobError, match="list yours"):
            ask("nothing")


def test_a_doorbell_that_fails_loses_no_job(jobs: Jobs, work: Callable[[], int]) -> None:
    def broken(job_id: str) -> None:
        raise ConnectionError(job_id)

    jobs.on_due(broken)
    assert jobs.submit(joined, Symbol()).state == "pending"
    assert work() == 1


def test_a_kind_may_name_what_it_returns_in_pythons_own_types() -> None:
    async def halves(params: dict[str, int], _ctx: JobContext) -> dict[str, Symbol]:
        return {name: Symbol() for name in params}

    assert job("halves", version=1)(halves).name == "halves"


def test_a_job_needs_a_name_and_a_parameter_with_a_type() -> None:
    with pytest.raises(InputError, match="1 to 100 characters"):
        job("", version=1)(joined.run)

    async def bare(params, ctx: JobContext) -> None: ...

    with pytest.raises(InputError, match="annotate the first parameter"):
        job("bare", version=1)(bare)


@pytest.mark.parametrize("key", ["a\x00b", "a\nb", "\ud800"])
def test_a_key_that_no_database_keeps_is_refused(jobs: Jobs, key: str) -> None:
    with pytest.raises(InputError, match="cannot be printed; leave it out"):
        jobs.submit(joined, Symbol(), key=key)


def test_request_keys_of_different_owners_never_meet(jobs: Jobs) -> None:
    first = jobs.submit(joined, Symbol(), request_key="b:c", owner="a")
    assert jobs.submit(joined, Symbol(), request_key="c", owner="a:b").id != first.id

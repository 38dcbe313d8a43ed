"""Databases that are locked, full, restarted or crowded while jobs run: work is done once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import OperationalError

from kit_jobs import KINDS, Steps, steps, wait_until
from kit_postgres import emptied
from simutrador_service.database import KIT, Database
from simutrador_service.jobs import Job, JobContext, Jobs, JobState, Retry, Worker, job
from simutrador_service.jobs.claims import Claims

LEASE, TICK = timedelta(seconds=0.5), timedelta(seconds=0.05)
WAITING = 10_000
ENDS: list[str] = []


@job("once", version=1, retry=Retry(attempts=1))
async def once(params: Steps, ctx: JobContext) -> str:
    """Has one try, and no use for the database but to say how it ended."""
    await asyncio.to_thread(ctx.wait, params.each_s)
    ENDS.append(ctx.job_id)
    ctx.progress(1, 1)
    return "done"


@contextmanager
def working(jobs: Jobs, count: int = 1) -> Iterator[None]:
    workers = [Worker(jobs, lease=LEASE, poll=TICK, grace=TICK) for _ in range(count)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop(timeout_s=5.0)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def ledger_of(database: Database) -> Counter[tuple[str, int]]:
    with database.read() as session:
        rows = session.execute(text("SELECT name, step FROM ledger"))
        return Counter((row[0], row[1]) for row in rows)


def prepared(database: Database) -> Jobs:
    with database.write() as session:
        session.execute(text("CREATE TABLE ledger (name TEXT, step INTEGER)"))
    return Jobs(database, [*KINDS, once])


def is_over(jobs: Jobs, *asked: Job) -> bool:
    return all(jobs.get(one.id).ended_at is not None for one in asked)


def test_a_lock_held_for_longer_than_leases_last_doubles_no_effect(sqlite: Database) -> None:
    jobs = prepared(sqlite)
    asked = [jobs.submit(steps, Steps(name=str(n), count=5, each_s=0.05)) for n in range(3)]
    with working(jobs, 2):
        assert wait_until(lambda: len(ledger_of(sqlite)) > 1, seconds=20)
        with sqlite.write() as session:  # nobody else writes meanwhile
            session.execute(text("DELETE FROM ledger WHERE name = 'nobody'"))
            time.sleep(1.5)
        assert wait_until(lambda: is_over(jobs, *asked), seconds=30)
    assert ledger_of(sqlite) == {(str(n), step): 1 for n in range(3) for step in range(5)}
    assert {jobs.get(one.id).state for one in asked} == {"completed"}


@pytest.mark.integration
def test_postgres_restarted_in_the_middle_of_runs_costs_no_job(running_postgres: Any) -> None:
    with opened(emptied(running_postgres.get_uri())) as database:
        KIT.upgrade(database)
        jobs = prepared(database)
        ENDS.clear()
        asked = [
            jobs.submit(steps, Steps(name="a", count=40, each_s=0.05)),
            jobs.submit(once, Steps(name="b", each_s=0.5)),
        ]
        with working(jobs, 2):
            assert wait_until(lambda: len(ledger_of(database)) > 2, seconds=20)
            running_postgres.stop()
            assert wait_until(lambda: ENDS, seconds=20)  # it ends while there is no database
            running_postgres.ensure_postgres_running()
            assert wait_until(lambda: is_over(jobs, *asked), seconds=30)
        assert ledger_of(database) == {("a", step): 1 for step in range(40)}
        assert [asked[1].id] == ENDS
        found = jobs.get(asked[1].id)
        assert (found.state, found.attempt, found.result) == ("completed", 1, "done")


def test_a_full_disk_refuses_jobs_loses_none_and_ends_runs_when_there_is_room(
    sqlite: Database,
) -> None:
    jobs = prepared(sqlite)
    ENDS.clear()
    asked = jobs.submit(once, Steps(name="a", each_s=0.2))
    pages = [0]

    def limit(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages[0] or 1_000_000}")

    event.listen(sqlite.engine, "begin", limit, insert=True)
    with sqlite.read() as session:
        pages[0] = session.scalar(text("PRAGMA page_count"))
    large = Steps(name="x" * 100_000)
    with pytest.raises(OperationalError, match="full"):
        jobs.submit(steps, large)
    with working(jobs):
        assert wait_until(lambda: ENDS, seconds=20)
        pages[0] = 0
        assert wait_until(lambda: is_over(jobs, asked), seconds=20)
    found = jobs.get(asked.id)
    assert (found.state, found.attempt, found.result) == ("completed", 1, "done")
    assert jobs.submit(steps, large).state == "pending"
    assert len(jobs.list_jobs()) == 2


def test_a_claim_costs_the_same_whether_ten_or_ten_thousand_wait(sqlite: Database) -> None:
    jobs = prepared(sqlite)
    claims = Claims(sqlite, KINDS, lease=LEASE)
    hundreds = [0]

    def count() -> int:
        hundreds[0] += 1
        return 0

    def watch(connection: Any, _record: object) -> None:
        connection.set_progress_handler(count, 100)

    def cost_of_a_claim() -> int:
        before = hundreds[0]
        for _ in range(5):
            assert claims.claim("w", queues=["default"], now=jobs.clock())
        return hundreds[0] - before

    sqlite.engine.dispose()
    event.listen(sqlite.engine, "connect", watch)
    few = [jobs.submit(steps, Steps(name="x")) for _ in range(10)]
    cheap = cost_of_a_claim()
    row = {"kind": "steps", "version": 1, "queue": "default", "params": few[0].params}
    now = jobs.clock()
    with sqlite.write() as session:
        rows = [{**row, "id": f"j{n}", "due_at": now, "created_at": now} for n in range(WAITING)]
        session.execute(insert(Job), rows)
    assert cost_of_a_claim() < 2 * cheap + 10
    assert len(jobs.list_jobs(states=[JobState.PENDING], limit=1000)) == 1000


def test_a_storm_of_cancels_and_retries_leaves_one_state(database: Database) -> None:
    jobs = prepared(database)
    asked = jobs.submit(once, Steps(name="a", each_s=30.0))
    refused: list[BaseException] = []

    def storm(number: int) -> None:
        try:
            for turn in range(5):
                if (number + turn) % 3:
                    jobs.cancel(asked.id)
                elif jobs.get(asked.id).ended_at is not None:
                    jobs.retry(asked.id)
        except Exception as e:  # noqa: BLE001
            refused.append(e)

    with working(jobs, 2):
        assert wait_until(lambda: jobs.get(asked.id).state == "running", seconds=20)
        threads = [threading.Thread(target=storm, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        jobs.cancel(asked.id)
        assert wait_until(lambda: is_over(jobs, asked), seconds=20)
    found = jobs.get(asked.id)
    assert (found.state, found.active_key, found.worker) == ("cancelled", None, None)
    assert {type(e).__name__ for e in refused} <= {"JobConflictError"}


def test_a_job_of_a_worker_whose_clock_was_far_ahead_is_taken_over(sqlite: Database) -> None:
    jobs, patience = prepared(sqlite), [0.0]
    asked = jobs.submit(steps, Steps(name="a"))
    claims = Claims(sqlite, KINDS, lease=LEASE, monotonic=lambda: patience[0])
    years = timedelta(days=3650)
    assert claims.claim("dead", queues=["default"], now=jobs.clock() + years)
    for patience[0] in (0.0, 1700.0):  # it may yet renew: no lease is longer than an hour
        assert claims.claim("next", queues=["default"], now=jobs.clock()) is None
    patience[0] = 1801.0
    claim = claims.claim("next", queues=["default"], now=jobs.clock())
    assert claim is not None
    assert (claim.job_id, claim.attempt) == (asked.id, 2)

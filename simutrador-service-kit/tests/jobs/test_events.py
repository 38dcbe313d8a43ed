"""The stream of a job's changes, over a real socket; and workers inside a service."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import event, text
from structlog.testing import capture_logs

from kit_auth import Clock
from kit_jobs import wait_until
from simutrador_service.auth import Authenticator, open_accounts
from simutrador_service.config import AuthSection, JobsSection
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, job, run_workers
from simutrador_service.jobs.feed import JobFeed
from simutrador_service.jobs.routes import job_routes
from simutrador_service.problems import install_problems


class Nothing(BaseModel):
    pass


@job("counting", version=1)
async def counting(params: Nothing, ctx: JobContext) -> str:
    for done in range(1, 5):
        ctx.progress(done, 4, f"step {done}")
        await asyncio.sleep(0.3)
    return "counted"


@job("blocking", version=1)
async def blocking(params: Nothing, ctx: JobContext) -> None:
    time.sleep(1.0)  # noqa: ASYNC251  (a job that should not do this, and does)


KINDS = (counting, blocking)


@dataclass(frozen=True)
class Said:
    """One event as a client reads it; a heartbeat has no name."""

    name: str
    id: str
    data: str


@pytest.fixture
def jobs(sqlite: Database) -> Jobs:
    return Jobs(sqlite, KINDS)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve on a free port until the block ends; return the address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110  (uvicorn sets a flag, not an event)
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


def application(jobs: Jobs, *, threads: int = 2) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with run_workers(jobs, JobsSection(threads=threads), stop_s=4.0):
            yield

    return with_routes(FastAPI(lifespan=lifespan), jobs, Authenticator.open_to_all())


def with_routes(app: FastAPI, jobs: Jobs, authenticator: Authenticator) -> FastAPI:
    install_problems(app)
    app.state.authenticator = authenticator
    app.include_router(job_routes(jobs, heartbeat_s=0.2))
    return app


async def follow(
    address: str,
    job_id: str,
    *,
    last: str | None = None,
    key: str = "",
    opened: asyncio.Event | None = None,
) -> list[Said]:
    """Return all that a client hears until the stream ends; `opened` is set by its first word."""
    headers = {"X-API-Key": key} if last is None else {"Last-Event-ID": last}
    heard: list[Said] = []
    async with (
        httpx.AsyncClient(base_url=address, timeout=20.0) as client,
        client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        block: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if opened is not None:
                opened.set()
            if line:
                name, _, value = line.partition(":")
                block[name] = value.strip()
            else:
                heard.append(
                    Said(block.get("event", ""), block.get("id", ""), block.get("data", ""))
                )
                block = {}
    return heard


async def test_a_job_is_followed_to_its_end(jobs: Jobs) -> None:
    async with served(application(jobs)) as address:
        asked = jobs.submit(counting, Nothing())
        heard = await follow(address, asked.id)
        told = [said for said in heard if said.name]
        seen = [json.loads(said.data) for said in told]
        assert [said.name for said in told[-2:]] == ["progress", "end"]
        assert (seen[-1]["state"], seen[-1]["result"]) == ("completed", "counted")
        assert [one["done"] for one in seen] == sorted(one["done"] for one in seen)
        assert len(seen) >= 2
        ids = [int(said.id) for said in told]
        assert ids == sorted(set(ids))
        assert any(not said.name for said in heard), "no heartbeat in 1.2 s"
        assert any(one["eta_s"] is not None for one in seen)


async def test_a_stream_goes_on_where_the_client_left(jobs: Jobs) -> None:
    async with served(application(jobs)) as address:
        asked = jobs.submit(counting, Nothing())
        told = [said for said in await follow(address, asked.id) if said.name]
        later = [said for said in await follow(address, asked.id, last=told[0].id) if said.name]
        assert [(said.name, said.id) for said in later] == [("end", told[-1].id)]
        for strange in ("nonsense", "999999999"):
            again = [said for said in await follow(address, asked.id, last=strange) if said.name]
            assert [said.name for said in again] == ["end"]
        async with httpx.AsyncClient(base_url=address) as client:
            known = {"Last-Event-ID": told[-1].id}
            over = await client.get(f"/jobs/{asked.id}/events", headers=known)
        assert over.status_code == 204  # tells a browser not to come back


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_stream_ends_with_the_key_that_opened_it(
    jobs: Jobs, tmp_path: Path, end: str
) -> None:
    clock = Clock()
    accounts = open_accounts(jobs.database, AuthSection(), data=tmp_path, clock=clock)
    hour = timedelta(hours=1)
    made = accounts.keys.create("ann", scopes=["jobs:read"], lifetime=hour)
    spare = accounts.keys.create("ann", scopes=["jobs:read"])
    asked = jobs.submit(blocking, Nothing(), owner="ann")  # and nobody does it
    app = with_routes(FastAPI(), jobs, accounts.authenticator(is_open=False))
    async with served(app) as address, asyncio.timeout(20):
        opened = asyncio.Event(), asyncio.Event()
        ending, staying = (
            asyncio.create_task(follow(address, asked.id, key=one.key, opened=told))
            for one, told in zip((made, spare), opened, strict=True)
        )
        for told in opened:
            await told.wait()
        if end == "revoked":
            await asyncio.to_thread(accounts.keys.revoke, made.kept.prefix)
        else:
            clock.advance(hours=2)
        heard = await ending
        assert "end" not in {said.name for said in heard}
        assert not staying.done()
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            await again(address, asked.id, made.key)
        jobs.cancel(asked.id)
        assert [said.name for said in await staying if said.name][-1] == "end"
    accounts.close()


async def again(address: str, job_id: str, key: str) -> None:
    """Come back as an EventSource does."""
    async with httpx.AsyncClient(base_url=address) as client:
        found = await client.get(f"/jobs/{job_id}/events", headers={"X-API-Key": key})
        found.raise_for_status()


async def test_a_feed_says_once_that_the_database_is_away_and_once_that_it_is_back(
    jobs: Jobs,
) -> None:
    asked = jobs.submit(counting, Nothing())
    feed = JobFeed(jobs, every_s=0.01)
    with capture_logs() as said:
        stream = feed.watch(asked.id)
        await anext(stream)
        rename(jobs, "job", "away")
        told = asyncio.ensure_future(anext(stream))
        async with asyncio.timeout(20):
            while not said:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # several turns
            rename(jobs, "away", "job")
            jobs.cancel(asked.id)
            assert (await told).state == "cancelled"
    assert [line["event"] for line in said] == ["job_feed_blind", "job_feed_sees_again"]
    await stream.aclose()


def rename(jobs: Jobs, before: str, after: str) -> None:
    with jobs.database.write() as session:
        session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


async def test_many_watchers_ask_the_table_no_more_than_one(database: Database) -> None:
    jobs = Jobs(database, KINDS)
    asked = jobs.submit(counting, Nothing())
    queries = 0

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal queries
        queries += "FROM job" in statement

    feed = JobFeed(jobs, every_s=0.1)
    streams = [feed.watch(asked.id) for _ in range(50)]
    for stream in streams:
        assert (await anext(stream)).state == "pending"
    event.listen(jobs.database.engine, "before_cursor_execute", count)
    told = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.55)
    assert 1 <= queries <= 8, queries
    jobs.cancel(asked.id)
    assert {found.state for found in await asyncio.gather(*told)} == {"cancelled"}
    for stream in streams:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_feed_ends_when_its_job_is_gone(jobs: Jobs) -> None:
    assert [found async for found in JobFeed(jobs).watch("nothing")] == []


async def test_a_blocking_job_does_not_hold_up_the_service(jobs: Jobs) -> None:
    begun = time.monotonic()
    async with served(application(jobs)) as address, httpx.AsyncClient(base_url=address) as client:
        assert time.monotonic() - begun < 2.0
        asked = jobs.submit(blocking, Nothing())
        slowest = 0.0
        for _ in range(20):
            sent = time.monotonic()
            await client.get(f"/jobs/{asked.id}")
            slowest = max(slowest, time.monotonic() - sent)
            await asyncio.sleep(0.02)
        assert slowest < 0.9  # of the second that the job blocks its thread
    assert jobs.get(asked.id).state == "completed"  # the service waited for it


async def test_a_service_that_stops_ends_its_streams_and_gives_jobs_back(jobs: Jobs) -> None:
    async with served(application(jobs, threads=0)) as address:
        asked = jobs.submit(counting, Nothing())
        following = asyncio.create_task(follow(address, asked.id))
        await asyncio.sleep(0.3)
    heard = await asyncio.wait_for(following, 5.0)
    assert [said.name for said in heard if said.name] == ["progress"]
    assert jobs.get(asked.id).state == "pending"


def test_a_stopped_service_is_no_longer_rung_for(jobs: Jobs) -> None:
    async def come_and_go() -> None:
        async with run_workers(jobs) as worker:
            assert wait_until(lambda: worker.ring in jobs._doorbells, seconds=1)

    asyncio.run(come_and_go())
    assert jobs._doorbells == []

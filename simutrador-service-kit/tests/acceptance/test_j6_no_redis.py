"""J6: without Redis, and without its packages, one process does all that several do with it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Generator, Iterator
from contextlib import aclosing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from kit_auth import PASSWORD
from kit_events import numbers_of, record_events
from kit_whole import FAULT, PEOPLE, USERS, fresh_process, repeat
from simutrador_core.testing.acceptance import Figure, patience
from simutrador_service.auth import Role
from simutrador_service.database import Database
from simutrador_service.events import Bus, Publisher, StoredEvent, follow
from simutrador_service.jobs import Jobs
from simutrador_service.jobs.commands import job_commands

JOBS = 10
ABSENT = ("redis", "celery", "kombu")


@contextmanager
def wait_to_be_rung() -> Iterator[None]:
    """Let workers run only what a broker rings them for."""
    os.environ[FAULT] = "wait-to-be-rung"
    yield
    del os.environ[FAULT]


@contextmanager
def publish_through_redis_alone() -> Iterator[None]:
    """Begin to relay only where there is a Redis."""
    start = Publisher.start
    setattr(Publisher, "start", lambda _publisher: None)  # noqa: B010
    yield
    setattr(Publisher, "start", start)  # noqa: B010


def without_packages(folder: Path) -> str:
    """Return a folder that hides the packages of Redis and Celery from an interpreter."""
    for name in ABSENT:
        text = f'raise ModuleNotFoundError("No module named {name!r}", name="{name}")\n'
        (folder / f"{name}.py").write_text(text)
    return str(folder)


def ask_for_jobs(client: httpx.Client) -> list[str]:
    """Log in, ask for jobs and return their ids."""
    login = {"username": USERS[Role.TRADER], "password": PASSWORD}
    token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    asked = [{"kind": "repeat", "params": {"text": f"job {number}"}} for number in range(JOBS)]
    return [client.post("/jobs", json=one).raise_for_status().json()["id"] for one in asked]


def ends(client: httpx.Client, ids: list[str]) -> list[object]:
    """Return the state and the result of each job once all have ended, or time is up."""
    until = time.monotonic() + patience(20)
    while True:
        seen = [client.get(f"/jobs/{job_id}").raise_for_status().json() for job_id in ids]
        if all(one["ended_at"] for one in seen) or time.monotonic() > until:
            return [(one["state"], one["result"]) for one in seen]
        time.sleep(0.05)


@pytest.mark.integration
@pytest.mark.acceptance("J6", package="service-kit", breaks=wait_to_be_rung)
def test_one_process_does_it_all(tmp_path: Path, figure: Figure) -> None:
    folder, absent = tmp_path / "service", tmp_path / "absent"
    folder.mkdir()
    absent.mkdir()
    settings = {PEOPLE: "1", "AUTH__ENABLED": "true", "PYTHONPATH": without_packages(absent)}
    with fresh_process(folder, **settings) as address, httpx.Client(base_url=address) as client:
        ids = ask_for_jobs(client)
        assert ends(client, ids) == [("completed", f"job {number}") for number in range(JOBS)]
        with client.stream("GET", f"/jobs/{ids[0]}/events") as events:
            assert any(line == "event: end" for line in events.iter_lines())
        assert client.get("/health/ready").status_code == 200
        wrong = {"username": USERS[Role.TRADER], "password": "wrong"}
        tries = [client.post("/auth/token", json=wrong).status_code for _ in range(6)]
        assert tries[-1] == 429  # limits are counted by the process itself
        listed = commanded(folder, "list", "--json")
    assert {one["id"] for one in listed["jobs"]} == set(ids)
    figure(f"{JOBS} jobs over HTTP and the command line, limits and events, no Redis to be found")


def commanded(folder: Path, *words: str) -> dict[str, list[dict[str, str]]]:
    """Run a command of `jobs` on the database of the service and return what it wrote."""

    @contextmanager
    def opened() -> Generator[Jobs]:
        database = Database(f"sqlite:///{folder / 'service.db'}")
        try:
            yield Jobs(database, [repeat])
        finally:
            database.close()

    answer = CliRunner().invoke(job_commands(opened), words)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


@pytest.mark.acceptance("J6", package="service-kit", breaks=publish_through_redis_alone)
async def test_events_reach_subscribers_of_the_process(sqlite: Database, figure: Figure) -> None:
    bus, heard = Bus(), list[StoredEvent]()
    publisher = Publisher(sqlite, bus=bus, poll=timedelta(milliseconds=50))
    record_events(sqlite, *range(20))
    publisher.start()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience(20)):
                async with aclosing(follow(sqlite, bus, after=0)) as events:
                    async for stored in events:
                        heard.append(stored)
                        if len(heard) == 20:
                            await asyncio.to_thread(record_events, sqlite, *range(20, 40))
                        if len(heard) == 40:
                            break
    finally:
        publisher.stop()
    assert numbers_of(heard) == list(range(40))
    figure("40 events in order, 20 of them from before the start, inside one process")

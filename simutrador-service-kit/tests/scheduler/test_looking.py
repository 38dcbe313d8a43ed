"""Schedules over HTTP and from a terminal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from simutrador_service.auth import Authenticator, Principal, unmatched_routes
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, job
from simutrador_service.jobs.routes import job_routes
from simutrador_service.problems import install_problems
from simutrador_service.scheduler import Schedule, Schedules, cron
from simutrador_service.scheduler.commands import schedule_commands
from simutrador_service.scheduler.routes import schedule_routes


class Nightly(BaseModel):
    pass


@job("nightly", version=1)
async def nightly(params: Nightly, ctx: JobContext) -> None: ...


class Anybody:
    """A credential is the list of its scopes."""

    def recognises(self, credential: str) -> bool:
        return bool(credential)

    def recall(self, credential: str) -> Principal | None:
        return Principal("somebody", frozenset(credential.split("+")))

    def verify(self, credential: str) -> Principal:
        raise NotImplementedError(credential)


@pytest.fixture
def schedules(sqlite: Database) -> Schedules:
    jobs = Jobs(sqlite, [nightly])
    one = Schedule("nightly", cron("0 22 * * *", "America/New_York"), nightly, Nightly())
    return Schedules(jobs, [one], clock=lambda: datetime(2026, 1, 5, 21, 0, tzinfo=UTC))


@pytest.fixture
def application(schedules: Schedules) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.authenticator = Authenticator(Anybody())
    app.include_router(job_routes(schedules.jobs))
    app.include_router(schedule_routes(schedules))
    install_problems(app)
    return app


@pytest.fixture
async def client(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://service",
        headers={"X-API-Key": "jobs:admin+jobs:read"},
    ) as made:
        yield made


def command(schedules: Schedules, *words: str) -> Result:
    @contextmanager
    def opened() -> Generator[Schedules]:
        yield schedules

    return CliRunner().invoke(schedule_commands(opened), words)


async def test_a_schedule_is_seen_paused_resumed_and_run(client: httpx.AsyncClient) -> None:
    (seen,) = (await client.get("/schedules")).json()
    assert (seen["trigger"], seen["next_at"], seen["last"], seen["grace_s"]) == (
        "cron 0 22 * * * America/New_York", "2026-01-06T03:00:00Z", None, 60.0,
    )  # fmt: skip
    paused = (await client.post("/schedules/nightly/pause")).json()
    assert (paused["paused"], paused["next_at"]) == (True, None)
    assert not (await client.post("/schedules/nightly/resume")).json()["paused"]
    asked = await client.post("/schedules/nightly/run")
    assert (asked.status_code, asked.json()["key"]) == (202, "nightly")
    assert (await client.get(asked.headers["Location"])).json()["state"] == "pending"
    again = await client.post("/schedules/nightly/run")
    assert (again.status_code, again.json()["job_id"]) == (409, asked.json()["id"])
    (seen,) = (await client.get("/schedules")).json()
    assert (seen["last"]["outcome"], seen["last"]["job_id"]) == ("asked", asked.json()["id"])


async def test_schedules_are_changed_by_admins_alone(
    application: FastAPI, client: httpx.AsyncClient
) -> None:
    assert unmatched_routes(application) == []
    writer = {"X-API-Key": "jobs:read+jobs:write"}
    assert (await client.get("/schedules", headers=writer)).status_code == 200
    for act in ("run", "pause", "resume"):
        refused = await client.post(f"/schedules/nightly/{act}", headers=writer)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    unknown = await client.post("/schedules/weekly/run")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_schedule")


def test_the_commands_do_the_same(schedules: Schedules) -> None:
    (paused,) = json.loads(command(schedules, "pause", "nightly", "--json").stdout)["schedules"]
    assert paused["paused"]
    assert "paused" in command(schedules, "list").stdout
    assert "2026-01-06 03:00:00" in command(schedules, "resume", "nightly").stdout
    asked = json.loads(command(schedules, "run-now", "nightly", "--json").stdout)
    assert (asked["kind"], asked["state"]) == ("nightly", "pending")
    refused = command(schedules, "run-now", "nightly")
    assert (refused.exit_code, asked["id"] in refused.stderr) == (1, True)
    assert command(schedules, "run-now", "weekly").exit_code == 1

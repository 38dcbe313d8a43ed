"""The routes of jobs: asking, looking, cancelling, retrying, and whose jobs they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from simutrador_service.auth import Authenticator, Principal, unmatched_routes
from simutrador_service.database import Database
from simutrador_service.errors import UnauthenticatedError
from simutrador_service.jobs import JobContext, Jobs, OnConflict, Retry, Worker, job
from simutrador_service.jobs.models import JobSummary
from simutrador_service.jobs.routes import job_routes
from simutrador_service.problems import install_problems


class Symbols(BaseModel):
    symbols: list[str] = ["AAPL"]


@job("update", version=1)
async def update(params: Symbols, ctx: JobContext) -> int:
    return len(params.symbols)


@job("single", version=1, on_conflict=OnConflict.REFUSE, retry=Retry(attempts=1))
async def single(params: Symbols, ctx: JobContext) -> None:
    raise OSError("password=hunter2")


PEOPLE = {
    "ann": Principal("ann", frozenset({"jobs:read", "jobs:write"})),
    "bob": Principal("bob", frozenset({"jobs:read", "jobs:write"})),
    "eve": Principal("eve", frozenset({"jobs:read"})),
    "admin": Principal("admin", frozenset({"*"})),
}


class Names:
    """A credential that is the name itself."""

    def recognises(self, credential: str) -> bool:
        return credential in PEOPLE

    def recall(self, credential: str) -> Principal | None:
        return PEOPLE.get(credential)

    def verify(self, credential: str) -> Principal:
        raise UnauthenticatedError(credential)


def application(jobs: Jobs) -> FastAPI:
    app = FastAPI()
    app.state.authenticator = Authenticator(Names())
    app.include_router(job_routes(jobs))
    install_problems(app)
    return app


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, [update, single])


@pytest.fixture
async def client(jobs: Jobs) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(jobs), root_path="/data")
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers=as_user("ann")
    ) as made:
        yield made


def as_user(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def test_every_route_says_whom_it_serves(jobs: Jobs) -> None:
    docs = ["/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"]
    assert unmatched_routes(application(jobs), besides=docs) == []


async def test_a_job_is_accepted_and_found_at_its_place(
    client: httpx.AsyncClient, jobs: Jobs
) -> None:
    asked = await client.post("/jobs", json={"kind": "update", "params": {"symbols": ["A", "B"]}})
    made = asked.json()
    assert (asked.status_code, made["state"], made["owner"]) == (202, "pending", "ann")
    assert asked.headers["Location"] == f"/data/jobs/{made['id']}"
    await asyncio.to_thread(Worker(jobs).run_until_idle)
    done = (await client.get(f"/jobs/{made['id']}")).json()
    assert (done["state"], done["result"], done["attempt"], done["eta_s"]) == (
        "completed", 2, 1, None,
    )  # fmt: skip
    assert done["params"] == {"symbols": ["A", "B"]}


async def test_a_repeated_request_gives_the_same_job(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "monday"}
    first = await client.post("/jobs", json={"kind": "update"}, headers=key)
    again = await client.post("/jobs", json={"kind": "update"}, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    other = {"kind": "update", "params": {"symbols": []}}
    refused = await client.post("/jobs", json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "job_conflict")
    assert refused.json()["job_id"] == first.json()["id"]


async def test_a_taken_key_is_refused_with_the_job_that_has_it(client: httpx.AsyncClient) -> None:
    first = await client.post("/jobs", json={"kind": "single", "key": "AAPL"})
    refused = await client.post("/jobs", json={"kind": "single", "key": "AAPL"})
    assert refused.status_code == 409
    assert refused.json()["job_id"] == first.json()["id"]


async def test_a_joined_job_of_somebody_else_is_not_handed_over(client: httpx.AsyncClient) -> None:
    await client.post("/jobs", json={"kind": "update", "key": "AAPL"})
    asked = {"kind": "update", "key": "AAPL"}
    refused = await client.post("/jobs", json=asked, headers=as_user("bob"))
    assert (refused.status_code, "somebody else" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"kind": "updaet"}, "no kind 'updaet'"),
        ({"kind": "update", "params": {"symbols": 1}}, "params.symbols"),
        ({"kind": "update", "key": ""}, "key has 1 to 200"),
        ({"kind": "update", "owner": "bob"}, "Extra inputs"),
    ],
)
async def test_wrong_requests_are_explained(
    client: httpx.AsyncClient, asked: dict[str, object], text: str
) -> None:
    refused = await client.post("/jobs", json=asked)
    assert (refused.status_code, text in refused.text) == (422, True), refused.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/events")],
)
async def test_a_job_does_not_exist_for_others(
    client: httpx.AsyncClient, jobs: Jobs, method: str, path: str
) -> None:
    mine = jobs.submit(update, Symbols(), owner="ann")
    foreign = await client.request(method, f"/jobs/{mine.id}{path}", headers=as_user("bob"))
    missing = await client.request(method, f"/jobs/{'0' * 32}{path}", headers=as_user("bob"))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_job")
    assert foreign.json()["detail"].replace(mine.id, "0" * 32) == missing.json()["detail"]
    assert jobs.get(mine.id).state == "pending"


async def test_lists_show_ones_own_jobs_and_an_admin_all(
    client: httpx.AsyncClient, jobs: Jobs
) -> None:
    for owner in ("ann", "bob", None):
        jobs.submit(update, Symbols(), owner=owner)

    async def owners(who: str, **wanted: str) -> set[str | None]:
        found = await client.get("/jobs", params=wanted, headers=as_user(who))
        return {line["owner"] for line in found.json()["jobs"]}

    assert await owners("ann", owner="bob") == {"ann"}
    assert await owners("admin") == {"ann", "bob", None}
    assert await owners("admin", owner="bob") == {"bob"}


async def test_pages_go_through_all_jobs_once(client: httpx.AsyncClient, jobs: Jobs) -> None:
    asked = [jobs.submit(update, Symbols(), owner="ann").id for _ in range(5)]
    seen: list[str] = []
    wanted: dict[str, str] = {"limit": "2"}
    while True:
        page = (await client.get("/jobs", params=wanted)).json()
        seen += [line["id"] for line in page["jobs"]]
        if page["next_cursor"] is None:
            break
        wanted["cursor"] = page["next_cursor"]
    assert (len(seen), set(seen)) == (5, set(asked))


@pytest.mark.parametrize("cursor", ["x", "ü", "bm93IG5vd2hlcmU=", "MjAyNi0wMS0wMSBh"])
async def test_a_foreign_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    refused = await client.get("/jobs", params={"cursor": cursor})
    assert (refused.status_code, "next_cursor" in refused.json()["detail"]) == (422, True)


async def test_dead_letters_are_listed_with_their_reason_and_retried(
    client: httpx.AsyncClient, jobs: Jobs
) -> None:
    asked = jobs.submit(single, Symbols(), owner="ann")
    jobs.submit(update, Symbols(), owner="ann")
    await asyncio.to_thread(Worker(jobs).run_until_idle)
    (dead,) = (await client.get("/jobs", params={"dead": "true", "state": "failed"})).json()["jobs"]
    assert (dead["id"], dead["error_code"]) == (asked.id, "unexpected_error")
    assert "hunter2" not in dead["error"]
    revived = await client.post(f"/jobs/{asked.id}/retry")
    assert (revived.status_code, revived.json()["state"]) == (202, "pending")
    assert revived.headers["Location"] == f"/data/jobs/{asked.id}"
    assert (await client.post(f"/jobs/{asked.id}/retry")).status_code == 409


async def test_a_waiting_job_is_cancelled_at_once(client: httpx.AsyncClient, jobs: Jobs) -> None:
    asked = jobs.submit(update, Symbols(), owner="ann")
    for _ in range(2):
        ended = await client.delete(f"/jobs/{asked.id}")
        assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")


async def test_reading_does_not_allow_writing(client: httpx.AsyncClient) -> None:
    eve = as_user("eve")
    assert (await client.get("/jobs", headers=eve)).status_code == 200
    assert (await client.post("/jobs", json={"kind": "update"}, headers=eve)).status_code == 403
    assert (await client.get("/jobs", headers={"Authorization": ""})).status_code == 401


def test_the_time_left_is_that_of_the_running_run(jobs: Jobs) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    row = jobs.submit(update, Symbols())
    row.state, row.done, row.total = "running", 30, 120
    row.pace_at, row.pace_done = now - timedelta(seconds=10), 20
    assert JobSummary.of(row, now=now).eta_s == 90.0  # 10 units in 10 s, 90 to go
    row.state = "pending"
    assert JobSummary.of(row, now=now).eta_s is None

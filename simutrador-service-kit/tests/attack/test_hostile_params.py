"""Parameters that no job could want: refused with a problem, and what is accepted can be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict

from kit_service import SERVICE
from simutrador_service.config import ServerSection
from simutrador_service.database import Database
from simutrador_service.jobs import JobContext, Jobs, Worker, job
from simutrador_service.jobs.routes import job_routes
from simutrador_service.web import create_app

PROBLEM = "application/problem+json"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = ""
    number: float = 0.0


@job("anything", version=1)
async def anything(params: Any, ctx: JobContext) -> Any:
    return params


@job("strict", version=1)
async def strict(params: Strict, ctx: JobContext) -> int:
    return len(params.text)


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, [anything, strict])


@pytest.fixture
async def client(jobs: Jobs) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(SERVICE, ServerSection(), routers=[job_routes(jobs)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
        yield made


async def ask(client: httpx.AsyncClient, body: bytes | str) -> httpx.Response:
    return await client.post("/jobs", content=body, headers={"Content-Type": "application/json"})


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def lists(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


REFUSED: dict[str, bytes | str] = {
    "not a number": '{"kind":"anything","params":[NaN]}',
    "infinite": '{"kind":"strict","params":{"number":Infinity}}',
    "half a character": '{"kind":"anything","params":"\\ud800"}',
    "half a character in a model": '{"kind":"strict","params":{"text":"\\ud800"}}',
    "half a character as a name": '{"kind":"anything","params":{"\\ud800":1}}',
    "half a character as an unknown name": '{"kind":"strict","params":{"\\ud800":1}}',
    "half a character as a field": '{"kind":"strict","\\ud800":1}',
    "half a character as the kind": '{"kind":"\\ud800"}',
    "300 levels": '{"kind":"anything","params":' + nested(300) + "}",
    "900 levels": '{"kind":"anything","params":' + nested(900) + "}",
    "20,000 levels": '{"kind":"anything","params":' + nested(20_000) + "}",
    "a number of 5,000 digits": '{"kind":"anything","params":' + "9" * 5000 + "}",
    "an unknown kind": '{"kind":"rm -rf"}',
    "a kind that is a number": '{"kind":5}',
    "params of a wrong type": '{"kind":"strict","params":5}',
    "a key with NUL": '{"kind":"anything","key":"a\\u0000"}',
    "a key of 10,000 characters": '{"kind":"anything","key":"' + "k" * 10_000 + '"}',
    "an empty key": '{"kind":"anything","key":""}',
    "a key that is a number": '{"kind":"anything","key":5}',
    "a list": "[]",
    "nothing": b"",
    "half a document": '{"kind":',
    "another encoding": b'{"kind":"anything","params":"\xff"}',
}


async def test_each_is_refused_and_leaves_no_job(client: httpx.AsyncClient, jobs: Jobs) -> None:
    for name, body in REFUSED.items():
        answer = await ask(client, body)
        assert answer.status_code in {400, 422}, (name, answer.text)
        assert answer.headers["Content-Type"] == PROBLEM, name
        assert answer.json()["detail"], name
    assert not jobs.list_jobs()


ACCEPTED = {
    "control characters": "\x00\x01\x1b[2J\r\n\x7f",
    "250 levels": {"a": lists(249)},
    "a name of 10,000 characters": {"k" * 10_000: 1},
    "a name with NUL": {"a\x00b": 1},
    "a number above 64 bits": 2**200,
    "nothing": None,
}


async def test_what_is_accepted_can_be_run_and_read(client: httpx.AsyncClient, jobs: Jobs) -> None:
    for name, params in ACCEPTED.items():
        asked = await client.post("/jobs", json={"kind": "anything", "params": params})
        assert asked.status_code == httpx.codes.ACCEPTED, (name, asked.text)
        await asyncio.to_thread(Worker(jobs).run_until_idle)
        found = (await client.get(asked.headers["Location"])).json()
        said = found["state"], found["params"], found["result"]
        assert said == ("completed", params, params), name


async def test_a_body_of_10_mb_is_kept_whole_or_refused(client: httpx.AsyncClient) -> None:
    envelope = '{"kind":"anything","params":""}'
    fits = "x" * (ServerSection().max_body_bytes - len(envelope))
    whole = await ask(client, envelope[:-2] + fits + '"}')
    assert whole.status_code == httpx.codes.ACCEPTED
    too_large = await ask(client, envelope[:-2] + fits + 'x"}')
    assert too_large.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert (await client.get("/jobs")).json()["jobs"][0]["state"] == "pending"


async def test_a_refusal_is_small_however_much_was_sent(client: httpx.AsyncClient) -> None:
    names = ",".join(f'"n{n}":0' for n in range(20_000))
    bodies = (
        '{"kind":"strict",' + names + "}",
        '{"kind":"strict","params":{' + names + "}}",
        '{"kind":"strict","' + "k" * 1_000_000 + '":1}',
        '{"kind":"strict","params":{"' + "k" * 1_000_000 + '":1}}',
    )
    for body in bodies:
        answer = await ask(client, body)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert len(answer.content) < 10_000


async def test_addresses_and_queries_of_nonsense_are_refused(client: httpx.AsyncClient) -> None:
    ids = ("%00", "%ED%A0%80", "..%2f..%2fetc%2fpasswd", "a" * 20_000, "%0a", "%E2%81%B0")
    for id_ in ids:
        for place in (f"/jobs/{id_}", f"/jobs/{id_}/events"):
            answer = await client.get(place)
            assert answer.status_code in {404, 422}, (place, answer.text)
            assert len(answer.content) < 50_000
    for query in ("cursor=%00", "cursor=%FF", "limit=0", "limit=1e9", "state=x", "kind=%00"):
        answer = await client.get(f"/jobs?{query}")
        assert answer.status_code in {200, 422}, (query, answer.text)
    began = time.monotonic()
    long = await client.get("/jobs", params={"cursor": "A" * 20_000})
    assert long.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert time.monotonic() - began < 5

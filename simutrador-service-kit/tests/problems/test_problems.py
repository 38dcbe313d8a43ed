"""Every error is problem+json with a stable code, and says cause, place and next step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from kit_web import Log, logged
from simutrador_core.errors import (
    ConflictError,
    InputError,
    MissingExtraError,
    SimutradorError,
    StoreError,
    UnknownSymbolError,
)
from simutrador_service.errors import (
    JobConflictError,
    SettingsError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from simutrador_service.problems import (
    BoundError,
    Problem,
    correct_openapi,
    install_problems,
    problem_answers,
)


class Order(BaseModel):
    quantity: Annotated[int, Query(gt=0)]


class Batch(BaseModel):
    orders: list[Order]


class MarginError(SimutradorError):
    code = "margin"


class ShortMarginError(MarginError):
    code = "short_margin"


ERRORS: dict[str, Exception] = {
    "unknown-symbol": UnknownSymbolError("AAPL"),
    "input": InputError("page 0 is below 1; pages begin at 1", field="page"),
    "bound": BoundError("page_size 20000 is above 10000", field="page_size", bound="le 10000"),
    "conflict": ConflictError("another writer was first; read again"),
    "store": StoreError("the store is being restored; try again later"),
    "extra": MissingExtraError("duckdb", extra="duckdb"),
    "settings": SettingsError("AUTH__JWT_SECRET is gone; set it"),
    "job": JobConflictError("job j1 runs already; wait for it", job_id="j1"),
    "limit": TooManyRequestsError(limit=5, retry_after_s=7),
    "token": UnauthenticatedError("log in"),
    "down": UnavailableError("the database does not answer; check DATABASE__URL"),
    "own": MarginError("margin is used up; close something"),
    "own-child": ShortMarginError("margin is used up; close something"),
    "teapot": HTTPException(418),
    "odd-status": HTTPException(599, "odd"),
    "bug": KeyError("password=hunter2"),
}


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/fail/{name}")
    def fail(name: str) -> None:
        raise ERRORS[name]

    @app.get("/page", responses=problem_answers(422))
    def page(page_size: Annotated[int, Query(le=10_000)]) -> int:
        return page_size

    @app.post("/orders")
    def orders(batch: Batch) -> int:
        return len(batch.orders)

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("hunter2")

        return StreamingResponse(parts())

    install_problems(app, {MarginError: 402})
    correct_openapi(app)
    return app


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    with logged() as stream:
        yield stream


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def problem_of(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    assert found.instance == answer.request.url.path
    return found


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("unknown-symbol", 404, "unknown_symbol"),
        ("input", 422, "invalid_input"),
        ("bound", 422, "out_of_bounds"),
        ("conflict", 409, "conflict"),
        ("store", 503, "store"),
        ("extra", 501, "missing_extra"),
        ("settings", 500, "invalid_settings"),
        ("job", 409, "job_conflict"),
        ("limit", 429, "rate_limit_exceeded"),
        ("token", 401, "unauthenticated"),
        ("down", 503, "unavailable"),
        ("own", 402, "margin"),
        ("own-child", 402, "short_margin"),
        ("teapot", 418, "http_error"),
        ("odd-status", 599, "http_error"),
        ("bug", 500, "internal_error"),
    ],
)
async def test_each_error_has_its_status_and_code(
    client: httpx.AsyncClient, name: str, status: int, code: str
) -> None:
    answer = await client.get(f"/fail/{name}")
    assert (answer.status_code, problem_of(answer).code) == (status, code)


async def test_facts_of_an_error_are_fields(client: httpx.AsyncClient) -> None:
    bound = problem_of(await client.get("/fail/bound"))
    assert (bound.field, bound.bound) == ("page_size", "le 10000")
    assert problem_of(await client.get("/fail/job")).job_id == "j1"
    assert problem_of(await client.get("/fail/unknown-symbol")).field == "symbol"


async def test_a_used_up_limit_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/fail/limit")
    problem = problem_of(answer)
    assert (problem.limit, problem.retry_after_s) == (5, 7)
    assert problem.error == "rate_limit_exceeded"
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-ratelimit-remaining"] == "0"


async def test_a_refused_credential_says_how_to_log_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/fail/token")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_nothing_of_an_unforeseen_error_is_told_but_to_the_log(
    client: httpx.AsyncClient, log: Log
) -> None:
    answer = await client.get("/fail/bug")
    (line,) = log.named("request_crashed")
    assert "KeyError" in str(line["exception"])
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert "log" in problem_of(answer).detail


async def test_half_an_answer_is_cut_and_not_completed(client: httpx.AsyncClient) -> None:
    strict = httpx.ASGITransport(make_app(), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=strict, base_url="http://test") as direct:
        with pytest.raises(RuntimeError, match="hunter2"):
            await direct.get("/half")


async def test_an_unknown_path_and_method_say_where_to_look(client: httpx.AsyncClient) -> None:
    assert problem_of(await client.get("/nothing")).detail == (
        "nothing is served at /nothing; see /docs"
    )
    refused = await client.delete("/page")
    assert problem_of(refused).detail == "DELETE is not possible at /page; allowed: GET"
    assert refused.headers["allow"] == "GET"


async def test_a_wrong_parameter_is_named_with_its_bound(client: httpx.AsyncClient) -> None:
    problem = problem_of(await client.get("/page", params={"page_size": 20_000}))
    assert (problem.field, problem.bound) == ("page_size", "le 10000")
    assert problem.detail == "page_size: Input should be less than or equal to 10000"


async def test_a_wrong_field_deep_in_a_body_is_named_by_its_place(
    client: httpx.AsyncClient,
) -> None:
    body = {"orders": [{"quantity": 1}, {"quantity": 0}, {}]}
    problem = problem_of(await client.post("/orders", json=body))
    assert problem.field == "orders.1.quantity"
    assert problem.errors is not None
    assert [one.field for one in problem.errors] == ["orders.1.quantity", "orders.2.quantity"]


async def test_a_body_that_is_not_json_is_said_to_be_so(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/orders", content=b'{"orders": [hunter2', headers=headers)
    problem = problem_of(answer)
    assert problem.field == "body"
    assert problem.detail.endswith("send a JSON document")
    assert "hunter2" not in answer.text


async def test_the_openapi_document_knows_errors_as_problems_only(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    answers = document["paths"]["/page"]["get"]["responses"]
    assert list(answers["422"]["content"]) == ["application/problem+json"]
    assert "Problem" in document["components"]["schemas"]

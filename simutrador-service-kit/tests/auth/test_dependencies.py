"""A route says whom it serves, and the table of routes shows one that does not."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse

from simutrador_core.errors import InputError
from simutrador_service.auth import Authenticator, Principal, public, require, unmatched_routes
from simutrador_service.auth.matrix import route_rules
from simutrador_service.errors import ServiceError, UnauthenticatedError


class Table:
    """A verifier of three keys."""

    known: ClassVar = {
        "viewer.1": Principal("vera", frozenset({"*:read"})),
        "one-scope.1": Principal("owen", frozenset({"jobs:write"})),
        "topic.1": Principal("tom", frozenset({"jobs:*"})),
    }

    def recognises(self, credential: str) -> bool:
        return "." in credential

    def recall(self, credential: str) -> Principal | None:
        return None

    def verify(self, credential: str) -> Principal:
        if credential not in self.known:
            raise UnauthenticatedError("no")
        return self.known[credential]


def make_app(authenticator: Authenticator) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.authenticator = authenticator
    router = APIRouter(prefix="/jobs")

    @router.get("", dependencies=[require("jobs:read")])
    async def jobs() -> str:
        return "jobs"

    @router.post("")
    async def submit(caller: Annotated[Principal, require("jobs:write")]) -> str:
        return caller.id

    @router.get("/open", dependencies=[public()])
    async def anybody() -> str:
        return "anybody"

    @router.websocket("/live")
    async def live(socket: WebSocket, caller: Annotated[Principal, require("jobs:read")]) -> None:
        await socket.accept()
        await socket.send_text(caller.id)
        await socket.close()

    app.include_router(router, prefix="/api")

    async def answer(_request: Request, error: Exception) -> PlainTextResponse:
        assert isinstance(error, ServiceError)
        return PlainTextResponse(error.code, error.status, dict(error.headers))

    app.add_exception_handler(ServiceError, answer)
    return app


async def ask(app: FastAPI, method: str, path: str, **headers: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.request(method, path, headers=headers)
        return answer.status_code, answer.text.strip('"')


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("GET", "/api/jobs", {}, (401, "unauthenticated")),
        ("GET", "/api/jobs", {"x-api-key": "viewer.1"}, (200, "jobs")),
        ("GET", "/api/jobs", {"authorization": "Bearer viewer.1"}, (200, "jobs")),
        ("GET", "/api/jobs", {"authorization": "Basic viewer.1"}, (401, "unauthenticated")),
        ("GET", "/api/jobs", {"x-api-key": "viewer.2"}, (401, "unauthenticated")),
        ("GET", "/api/jobs", {"x-api-key": "nonsense"}, (401, "unauthenticated")),
        ("GET", "/api/jobs?token=viewer.1", {}, (401, "unauthenticated")),
        ("GET", "/api/jobs", {"x-api-key": "one-scope.1"}, (403, "forbidden")),
        ("POST", "/api/jobs", {"x-api-key": "viewer.1"}, (403, "forbidden")),
        ("POST", "/api/jobs", {"x-api-key": "one-scope.1"}, (200, "owen")),
        ("POST", "/api/jobs", {"x-api-key": "topic.1"}, (200, "tom")),
        ("GET", "/api/jobs/open", {}, (200, "anybody")),
        ("GET", "/api/jobs/open", {"x-api-key": "viewer.2"}, (200, "anybody")),
    ],
)
async def test_a_route_serves_whom_it_declares(
    method: str, path: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    app = make_app(Authenticator(Table()))
    assert await ask(app, method, path, **headers) == expected


async def test_an_open_service_serves_whoever_brings_nothing() -> None:
    assert await ask(make_app(Authenticator.open_to_all()), "POST", "/api/jobs") == (200, "local")


async def test_an_open_service_with_keys_still_refuses_a_wrong_one() -> None:
    app = make_app(Authenticator(Table(), is_open=True))
    assert await ask(app, "POST", "/api/jobs", **{"x-api-key": "topic.2"}) == (
        401,
        "unauthenticated",
    )


async def shake_hands(app: FastAPI, query: str, *protocols: str) -> list[dict[str, Any]]:
    """Return what the application sends to a client that only opens a socket."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "path": "/api/jobs/live",
        "raw_path": b"/api/jobs/live",
        "query_string": query.encode(),
        "headers": [],
        "subprotocols": list(protocols),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("query", "protocols"), [("token=viewer.1", ()), ("", ("bearer.viewer.1",))]
)
async def test_a_handshake_is_judged_alike(query: str, protocols: tuple[str, ...]) -> None:
    sent = await shake_hands(make_app(Authenticator(Table())), query, *protocols)
    assert sent[0]["type"] == "websocket.accept"
    assert sent[1]["text"] == "vera"


@pytest.mark.parametrize("token", ["", "viewer.2", "one-scope.1"])
async def test_a_handshake_without_right_is_refused_before_it_is_accepted(token: str) -> None:
    sent = await shake_hands(make_app(Authenticator(Table())), f"token={token}")
    assert [(message["type"], message.get("code")) for message in sent] == [
        ("websocket.close", 1008)
    ]


def test_the_table_of_routes_shows_each_with_its_scope() -> None:
    rules = {
        (rule.path, rule.methods): (rule.scopes, rule.is_public)
        for rule in route_rules(make_app(Authenticator()))
    }
    assert rules == {
        ("/api/jobs", ("GET",)): (("jobs:read",), False),
        ("/api/jobs", ("POST",)): (("jobs:write",), False),
        ("/api/jobs/open", ("GET",)): ((), True),
        ("/api/jobs/live", ("ANY",)): (("jobs:read",), False),
    }


def test_a_route_that_says_nothing_or_both_is_found() -> None:
    app = make_app(Authenticator())
    assert unmatched_routes(app) == []
    app.add_api_route("/forgotten", lambda: 1, methods=["POST"])
    app.add_api_route("/both", lambda: 1, dependencies=[public(), require("jobs:read")])
    app.mount("/static", PlainTextResponse(""))
    assert unmatched_routes(app, besides=["/static"]) == ["POST /forgotten", "GET /both"]


@pytest.mark.parametrize("scope", ["", "jobs", "jobs:", ":read", "a:b:c", "jobs:re ad", "é:read"])
def test_a_scope_that_is_none_is_refused_where_it_is_written(scope: str) -> None:
    with pytest.raises(InputError, match="topic:action"):
        require(scope)


def test_the_schema_tells_how_to_log_in() -> None:
    app = FastAPI()
    app.add_api_route("/jobs", lambda: 1, dependencies=[require("jobs:read")])
    app.add_api_route("/bars", lambda: 1, dependencies=[require("bars:read")])
    schema = app.openapi()
    assert schema["paths"]["/jobs"]["get"]["security"] == [{"bearer": []}]
    assert list(schema["components"]["securitySchemes"]) == ["bearer"]

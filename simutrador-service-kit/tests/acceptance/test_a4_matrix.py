"""A4: every route of a service, asked by everybody: who gets in is written here, by hand.

The routes come from the application; the rows below from the documentation. A route without a row,
or a row without a route, fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal
from unittest.mock import patch

import pytest
from fastapi import APIRouter, FastAPI

import kit_whole
from kit_auth import PASSWORD
from kit_web import logged
from kit_whole import Told, Whole, opened, repeat
from simutrador_core.testing.acceptance import Figure
from simutrador_service.auth import Principal, Role, require, route_rules, unmatched_routes
from simutrador_service.auth.users import principal_of
from simutrador_service.jobs import routes as job_routes
from simutrador_service.jobs.table import ACTIVE

Least = Literal["anybody", "viewer", "trader", "admin"]
Thing = Literal["", "job", "ended job", "key", "user"]
RANKS: Final = ("anybody", "viewer", "trader", "admin")
NEW_PASSWORD: Final = "another long enough password"


@dataclass(frozen=True)
class Row:
    """Who may, what the path names, what is sent, and how success looks."""

    least: Least
    status: int = 200
    thing: Thing = ""
    body: Any = None


@dataclass(frozen=True)
class Caller:
    """Somebody, and a thing that is theirs."""

    rank: str
    token: str
    id: str
    name: str


MATRIX: Final = {
    "POST /auth/token": Row("anybody", body={"username": "NAME", "password": PASSWORD}),
    "POST /auth/refresh": Row("anybody", body={"refresh_token": "REFRESH"}),
    "POST /auth/register": Row("anybody", 201, body={"email": "n@NEW", "password": PASSWORD}),
    "GET /auth/me": Row("viewer"),
    "POST /auth/logout": Row("viewer", 204),
    "PUT /auth/password": Row(
        "viewer", 204, body={"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    ),
    "GET /auth/keys": Row("viewer"),
    "POST /auth/keys": Row("viewer", 201, body={"scopes": ["bars:read"]}),
    "DELETE /auth/keys/{prefix}": Row("viewer", 204, "key"),
    "POST /auth/keys/{prefix}/rotate": Row("viewer", 201, "key", {}),
    "GET /auth/users": Row("admin"),
    "POST /auth/users": Row("admin", 201, body={"name": "b@NEW", "password": PASSWORD}),
    "PATCH /auth/users/{user_id}": Row("admin", 200, "user", {"active": False}),
    "GET /auth/audit": Row("admin"),
    "GET /jobs": Row("viewer"),
    "GET /jobs/{job_id}": Row("viewer", 200, "job"),
    "GET /jobs/{job_id}/events": Row("viewer", 200, "ended job"),
    "POST /jobs": Row("trader", 202, body={"kind": "repeat", "params": {"text": "a"}}),
    "DELETE /jobs/{job_id}": Row("trader", 200, "job"),
    "POST /jobs/{job_id}/retry": Row("trader", 202, "ended job"),
    "GET /schedules": Row("viewer"),
    "POST /schedules/{name}/run": Row("admin", 202),
    "POST /schedules/{name}/pause": Row("admin"),
    "POST /schedules/{name}/resume": Row("admin"),
    "GET /crash": Row("viewer", 500),
    "GET /away": Row("viewer", 503),
    "GET /overview": Row("viewer"),
    "ANY /ws/echo": Row("viewer"),
    "GET /": Row("anybody"),
    "GET /health": Row("anybody"),
    "GET /health/live": Row("anybody"),
    "GET /health/ready": Row("anybody"),
    "GET /health/deep": Row("viewer"),
    "GET /metrics": Row("viewer"),
    "GET /docs": Row("anybody"),
    "GET /openapi.json": Row("anybody"),
    "GET /static/{folder}/{path:path}": Row("anybody"),
    "GET /favicon.ico": Row("anybody"),
}


@contextmanager
def ask_for_a_credential_and_not_for_its_scope() -> Iterator[None]:
    """Let everybody who is known do everything."""
    with patch.object(Principal, "may", lambda _self, _scope: True):
        yield


@contextmanager
def show_the_jobs_of_others() -> Iterator[None]:
    """Forget to ask whose job it is."""
    with patch.object(job_routes, "_may_see", lambda _caller, _job: True):
        yield


@contextmanager
def add_a_route_and_no_row() -> Iterator[None]:
    """Mount one more route, properly declared."""
    real = kit_whole.own_routes

    def more() -> APIRouter:
        router = real()
        router.add_api_route("/more", lambda: 1, dependencies=[require("bars:read")])
        return router

    with patch.object(kit_whole, "own_routes", more):
        yield


@contextmanager
def forget_to_declare() -> Iterator[None]:
    """Mount a route that says nothing."""
    real = kit_whole.own_routes

    def more() -> APIRouter:
        router = real()
        router.add_api_route("/", lambda: 1, methods=["GET"])
        return router

    with patch.object(kit_whole, "own_routes", more):
        yield


def routes_of(app: FastAPI) -> set[str]:
    """Return what the application serves, told by its route table and by its OpenAPI document."""
    table = {f"{method} {rule.path}" for rule in route_rules(app) for method in rule.methods}
    told = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }
    return table | {one.replace("/{path}", "/{path:path}") for one in told}


class Asking:
    """Asks every route as somebody new, from an address of their own."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.asked = 0
        self._numbers = count()

    def caller(self, rank: str) -> Caller:
        """Return somebody new of this rank; nobody where it is `anybody`."""
        users, number = self.whole.accounts.users, next(self._numbers)
        role = Role(rank) if rank != "anybody" else Role.TRADER
        user = users.create(f"u{number}@example.com", PASSWORD, role=role)
        token = self.whole.accounts.tokens.issue(principal_of(user))
        return Caller(rank, "" if rank == "anybody" else token, user.id, user.name)

    def thing(self, kind: Thing, owner: Caller) -> str:
        """Return the name of something new that is theirs."""
        if kind == "key":
            return self.whole.accounts.keys.create(owner.id, scopes=["bars:read"]).kept.prefix
        if kind == "user":
            return owner.id
        job = self.whole.jobs.submit(repeat, Told(text="a"), owner=owner.id)
        if kind == "ended job":
            self.whole.jobs.cancel(job.id)
        return job.id

    async def ask(self, route: str, row: Row, caller: Caller, *, owner: Caller) -> int:
        """Return the status of the answer."""
        self.asked += 1
        for job in self.whole.jobs.list_jobs(states=ACTIVE):
            self.whole.jobs.cancel(job.id)
        method, path = self._filled(route, row, owner)
        if method == "ANY":
            return await handshake(self.whole.app, path, caller.token)
        headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        address = f"10.0.{self.asked // 250}.{self.asked % 250}"
        async with self.whole.client(address) as client:
            body = await self._body(row, caller, client)
            answer = await client.request(method, path, json=body, headers=headers)
        return answer.status_code

    def _filled(self, route: str, row: Row, owner: Caller) -> tuple[str, str]:
        method, _, path = route.partition(" ")
        name = self.thing(row.thing, owner) if row.thing else ""
        for slot in ("{prefix}", "{user_id}", "{job_id}"):
            path = path.replace(slot, name)
        asset = self.whole.app.state.pages.assets.url("kit/css/base.css")
        path = asset if path.startswith("/static/{") else path
        return method, path.replace("{name}", "nightly")

    async def _body(self, row: Row, caller: Caller, client: Any) -> Any:
        text = json.dumps(row.body).replace("NEW", f"{self.asked}.example.com")
        if "REFRESH" in text:
            login = {"username": caller.name, "password": PASSWORD}
            pair = (await client.post("/auth/token", json=login)).json()
            text = text.replace("REFRESH", pair["refresh_token"])
        return json.loads(text.replace("NAME", caller.name))


async def handshake(app: FastAPI, path: str, token: str) -> int:
    """Return 200 when a WebSocket is accepted, 401 when it is closed before."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": f"token={token}".encode(),
        "headers": [(b"host", b"localhost")],
        "subprotocols": [],
        "client": ("10.1.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return 200 if sent[0]["type"] == "websocket.accept" else 401


def expected(row: Row, rank: str, *, foreign: bool) -> int:
    """Return the only right status."""
    if row.least != "anybody" and rank == "anybody":
        return 401
    if RANKS.index(rank) < RANKS.index(row.least):
        return 403
    return 404 if foreign and rank != "admin" and row.thing else row.status


async def differences(ask: Asking, wanted: Callable[[str, Row, bool], bool]) -> list[str]:
    """Return every cell whose answer is not the right one."""
    found: list[str] = []
    for route, row in MATRIX.items():
        for rank in RANKS:
            for foreign in (False, True):
                if not wanted(rank, row, foreign):
                    continue
                caller = ask.caller(rank)
                owner = ask.caller("trader") if foreign else caller
                status = await ask.ask(route, row, caller, owner=owner)
                right = expected(row, rank, foreign=foreign)
                if status != right:
                    found.append(f"{route} by {rank}, foreign={foreign}: {status}, not {right}")
    return found


@pytest.mark.acceptance(
    "A4", package="service-kit", breaks=ask_for_a_credential_and_not_for_its_scope
)
async def test_nobody_gets_in_where_they_should_not(tmp_path: Path, figure: Figure) -> None:
    with logged(), opened(tmp_path) as whole:
        ask = Asking(whole)
        assert await differences(ask, lambda _rank, _row, foreign: not foreign) == []
    figure(f"{len(MATRIX)} routes x 4 callers: {ask.asked} answers as documented")


@pytest.mark.acceptance("A4", package="service-kit", breaks=show_the_jobs_of_others)
async def test_what_belongs_to_somebody_else_is_not_there(tmp_path: Path, figure: Figure) -> None:
    with logged(), opened(tmp_path) as whole:
        ask = Asking(whole)
        assert await differences(ask, lambda _rank, row, foreign: foreign and row.thing != "") == []
    figure(f"{ask.asked} requests for another user's object: 404, or as the scope says")


@pytest.mark.acceptance("A4", package="service-kit", breaks=add_a_route_and_no_row)
def test_every_route_has_a_row(tmp_path: Path, figure: Figure) -> None:
    with opened(tmp_path) as whole:
        assert routes_of(whole.app) == set(MATRIX)
    figure(f"{len(MATRIX)} routes, each with its row")


@pytest.mark.acceptance("A4", package="service-kit", breaks=forget_to_declare)
def test_every_route_says_whom_it_serves(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        assert unmatched_routes(whole.app) == []

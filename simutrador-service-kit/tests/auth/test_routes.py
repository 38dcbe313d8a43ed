"""The routes of accounts: each serves whom it should, and nobody's secret leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr

from kit_auth import PASSWORD, SECRET, Clock, quick_passwords
from simutrador_core.models.enums import UserPlan
from simutrador_service.auth import (
    Accounts,
    Authenticator,
    CallerLimits,
    KeyStore,
    Role,
    Tokens,
    auth_routes,
    open_accounts,
    require,
    token_for_key,
    unmatched_routes,
)
from simutrador_service.auth.addresses import address_of
from simutrador_service.config import AuthSection, ServerSection
from simutrador_service.database import Database
from simutrador_service.errors import UnauthenticatedError
from simutrador_service.limits import RateLimiter, Rule
from simutrador_service.web import ServiceInfo, create_app

INFO = ServiceInfo("simutrador-demo", "1.0.0", "Demo")
FREE = Rule.of("3/min")


@dataclass
class Site:
    """A service with a user of each role, and a client of it."""

    app: FastAPI
    accounts: Accounts
    client: httpx.AsyncClient
    clock: Clock

    async def log_in(self, name: str) -> dict[str, str]:
        answer = await self.client.post(
            "/auth/token", data={"username": name, "password": PASSWORD, "grant_type": "password"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def bearer(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {(await self.log_in(name))['access_token']}"}


def _bars() -> APIRouter:
    router = APIRouter()

    @router.get("/bars", dependencies=[require("bars:read")])
    async def bars() -> int:
        return 1

    return router


@pytest.fixture
def accounts(sqlite: Database, tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    opened = open_accounts(
        sqlite,
        AuthSection(jwt_secret=SecretStr(SECRET)),
        data=tmp_path,
        passwords=quick_passwords(),
        clock=clock,
    )
    for role in Role:
        opened.users.create(f"{role}@example.com", PASSWORD, role=role)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def site(accounts: Accounts, clock: Clock) -> AsyncIterator[Site]:
    app = create_app(
        INFO,
        ServerSection(),
        routers=[_bars(), auth_routes(accounts, registration=Role.VIEWER)],
        authenticator=accounts.authenticator(is_open=False),
        limits=CallerLimits(RateLimiter(), {None: Rule.of("1000/min"), UserPlan.FREE: FREE}),
    )
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Site(app, accounts, client, clock)


async def test_every_route_says_whom_it_serves(site: Site) -> None:
    assert unmatched_routes(site.app) == []


async def test_a_form_or_json_gives_tokens_that_no_cache_keeps(site: Site) -> None:
    form = await site.client.post(
        "/auth/token", data={"username": "trader@example.com", "password": PASSWORD}
    )
    as_json = await site.client.post(
        "/auth/token", json={"username": "trader@example.com", "password": PASSWORD}
    )
    for answer in (form, as_json):
        said = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert (said["token_type"], said["expires_in"]) == ("Bearer", 900)
        me = await site.client.get(
            "/auth/me", headers={"Authorization": f"Bearer {said['access_token']}"}
        )
        assert (me.json()["name"], me.json()["role"]) == ("trader@example.com", "trader")
        assert me.json()["id"] == said["user_id"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 422),
        (b"username=a", "application/x-www-form-urlencoded", 422),
        (b'{"username": 1, "password": "hunter2!"}', "application/json", 422),
        (b'{"username": "a", "password": "hunter2!', "application/json", 422),
        (b"x" * 5000, "application/json", 422),
        (b"username=a&password=%ff", "application/x-www-form-urlencoded", 401),
        (b'{"username": "a", "password": "hunter2!"}', "application/json", 401),
    ],
)
async def test_a_log_in_that_cannot_be_read_is_refused_without_repeating_it(
    site: Site, body: bytes, kind: str, status: int
) -> None:
    answer = await site.client.post("/auth/token", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


async def test_the_sixth_log_in_of_an_address_in_a_minute_waits(site: Site) -> None:
    for left in (4, 3, 2, 1, 0):
        answer = await site.client.post("/auth/token", json={"username": "a", "password": "b"})
        assert answer.status_code == 401
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
    refused = await site.client.post("/auth/token", json={"username": "a", "password": "b"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    assert 55 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == "5"
    elsewhere = httpx.ASGITransport(site.app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://localhost") as other:
        answer = await other.post("/auth/token", json={"username": "b", "password": "b"})
    assert answer.status_code == 401


async def test_a_key_is_limited_by_its_plan_and_every_answer_says_so(site: Site) -> None:
    key = site.accounts.keys.create("ann", scopes=["bars:read"], plan=UserPlan.FREE).key
    answers = [await site.client.get("/bars", headers={"X-API-Key": key}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert told == ["2", "1", "0", "0"]
    assert int(answers[3].headers["Retry-After"]) > 50
    other = site.accounts.keys.create("ann", scopes=["bars:read"], plan=UserPlan.FREE).key
    assert (await site.client.get("/bars", headers={"X-API-Key": other})).status_code == 200


async def test_a_route_with_two_scopes_counts_a_request_once(site: Site) -> None:
    both = APIRouter(dependencies=[require("bars:read")])
    both.add_api_route("/both", lambda: 1, dependencies=[require("jobs:read")])
    site.app.include_router(both)
    key = site.accounts.keys.create("ann", scopes=["*:read"], plan=UserPlan.FREE).key
    answer = await site.client.get("/both", headers={"X-API-Key": key})
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, "2")


async def test_new_tokens_do_not_renew_a_users_share(site: Site) -> None:
    site.accounts.users.create("free@example.com", PASSWORD, role=Role.VIEWER, plan=UserPlan.FREE)
    headers = [await site.bearer("free@example.com") for _ in range(2)]
    answers = [await site.client.get("/bars", headers=headers[turn % 2]) for turn in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_refreshing_twice_with_one_token_ends_the_log_in(site: Site) -> None:
    first = await site.log_in("trader@example.com")
    asked = {"refresh_token": first["refresh_token"]}
    second = await site.client.post("/auth/refresh", json=asked)
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    again = await site.client.post("/auth/refresh", json=asked)
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")
    bearer = {"Authorization": f"Bearer {second.json()['access_token']}"}
    assert (await site.client.get("/auth/me", headers=bearer)).status_code == 401


async def test_logging_out_ends_the_token(site: Site) -> None:
    bearer = await site.bearer("viewer@example.com")
    assert (await site.client.post("/auth/logout", headers=bearer)).status_code == 204
    assert (await site.client.get("/auth/me", headers=bearer)).status_code == 401


async def test_a_password_is_changed_by_who_knows_the_old_one(site: Site) -> None:
    bearer = await site.bearer("viewer@example.com")
    change = {"current_password": "wrong", "new_password": "another good long one"}
    wrong = await site.client.put("/auth/password", json=change, headers=bearer)
    assert wrong.status_code == 401
    change["current_password"] = PASSWORD
    assert (await site.client.put("/auth/password", json=change, headers=bearer)).status_code == 204
    assert (await site.client.get("/auth/me", headers=bearer)).status_code == 401


async def test_somebody_registers_as_viewer_whatever_they_ask_for(site: Site) -> None:
    person = {"email": "new@example.com", "password": PASSWORD, "full_name": "New"}
    answer = await site.client.post("/auth/register", json=person)
    assert (answer.status_code, answer.json()["role"]) == (201, "viewer")
    assert PASSWORD not in answer.text
    again = await site.client.post("/auth/register", json=person)
    assert (again.status_code, again.json()["code"]) == (422, "invalid_input")
    bold = await site.client.post("/auth/register", json={**person, "role": "admin"})
    assert bold.status_code == 422
    assert PASSWORD not in bold.text


@pytest.mark.parametrize(
    ("who", "scopes", "status"),
    [
        ("viewer", ["bars:read"], 201),
        ("viewer", ["bars:write"], 403),
        ("viewer", ["*"], 403),
        ("trader", ["*:write", "bars:read"], 201),
        ("trader", ["keys:admin"], 403),
        ("trader", ["bars:*"], 403),
        ("trader", ["nonsense"], 422),
        ("admin", ["*"], 201),
    ],
)
async def test_a_key_made_for_oneself_may_no_more_than_oneself(
    site: Site, who: str, scopes: list[str], status: int
) -> None:
    bearer = await site.bearer(f"{who}@example.com")
    answer = await site.client.post(
        "/auth/keys", json={"scopes": scopes, "label": "mine"}, headers=bearer
    )
    assert answer.status_code == status
    if status == 201:
        made = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        me = await site.client.get("/auth/me", headers={"X-API-Key": made["api_key"]})
        assert me.json()["scopes"] == sorted(scopes)
        listed = await site.client.get("/auth/keys", headers=bearer)
        assert [key["prefix"] for key in listed.json()] == [made["prefix"]]
        assert made["api_key"].partition(".")[2] not in listed.text


async def test_keys_of_others_are_not_there_except_for_admins(site: Site) -> None:
    theirs = site.accounts.keys.create("somebody", scopes=["bars:read"]).kept.prefix
    trader, admin = await site.bearer("trader@example.com"), await site.bearer("admin@example.com")
    for answer in (
        await site.client.delete("/auth/keys/sk_000000000000", headers=trader),
        await site.client.delete(f"/auth/keys/{theirs}", headers=trader),
        await site.client.post(f"/auth/keys/{theirs}/rotate", json={}, headers=trader),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_key")
    peek = await site.client.get("/auth/keys?owner=somebody", headers=trader)
    assert peek.status_code == 403
    seen = await site.client.get("/auth/keys?owner=*", headers=admin)
    assert [key["owner"] for key in seen.json()] == ["somebody"]
    assert (await site.client.delete(f"/auth/keys/{theirs}", headers=admin)).status_code == 204


async def test_a_key_with_fewer_scopes_cannot_renew_a_stronger_one_of_its_owner(
    site: Site,
) -> None:
    strong = site.accounts.keys.create("ann", scopes=["*"])
    weak = site.accounts.keys.create("ann", scopes=["keys:write"])
    answer = await site.client.post(
        f"/auth/keys/{strong.kept.prefix}/rotate", json={}, headers={"X-API-Key": weak.key}
    )
    assert answer.status_code == 403


async def test_rotating_shows_the_new_key_once_and_keeps_the_old_for_a_while(site: Site) -> None:
    old = site.accounts.keys.create("ann", scopes=["bars:read", "keys:write"])
    headers = {"X-API-Key": old.key}
    answer = await site.client.post(
        f"/auth/keys/{old.kept.prefix}/rotate", json={"overlap_s": 60}, headers=headers
    )
    assert answer.status_code == 201
    fresh = {"X-API-Key": answer.json()["api_key"]}
    assert (await site.client.get("/bars", headers=headers)).status_code == 200
    site.clock.advance(seconds=61)
    site.accounts.keys.recent.forget()
    assert (await site.client.get("/bars", headers=headers)).status_code == 401
    assert (await site.client.get("/bars", headers=fresh)).status_code == 200


async def test_users_and_audit_are_for_admins(site: Site) -> None:
    trader, admin = await site.bearer("trader@example.com"), await site.bearer("admin@example.com")
    new = {"name": "bob", "password": PASSWORD, "role": "trader"}
    for method, path, body in (
        ("GET", "/auth/users", None),
        ("POST", "/auth/users", new),
        ("PATCH", "/auth/users/viewer@example.com", {"role": "admin"}),
        ("GET", "/auth/audit", None),
    ):
        refused = await site.client.request(method, path, json=body, headers=trader)
        assert refused.status_code == 403, path
    made = await site.client.post("/auth/users", json=new, headers=admin)
    assert (made.status_code, made.json()["role"]) == (201, "trader")
    listed = await site.client.get("/auth/users", headers=admin)
    assert "bob" in {user["name"] for user in listed.json()}
    assert "argon2" not in listed.text
    changed = await site.client.patch(
        "/auth/users/bob",
        json={"active": False, "password": "another good long one"},
        headers=admin,
    )
    assert changed.json()["active"] is False
    missing = await site.client.patch("/auth/users/nobody", json={}, headers=admin)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_user")
    log = (await site.client.get("/auth/audit", headers=admin)).json()
    actor = site.accounts.users.get("admin@example.com").id
    assert [(entry["action"], entry["actor"], entry["address"]) for entry in log[:3]] == [
        ("user.change", actor, "192.0.2.1"),
        ("user.password", actor, "192.0.2.1"),
        ("user.create", actor, "192.0.2.1"),
    ]
    assert log[0]["subject"] == made.json()["id"]


async def test_an_admin_of_one_tenant_sees_nothing_of_another(site: Site) -> None:
    keys = site.accounts.keys
    admin = {"X-API-Key": keys.create("boss", scopes=["*"], tenant="acme").key}
    theirs = keys.create("ann", scopes=["*"], tenant="umbrella").kept.prefix
    whole = keys.create("root", scopes=["*"]).kept.prefix
    own = keys.create("ben", scopes=["*"], tenant="acme").kept.prefix
    seen = (await site.client.get("/auth/keys?owner=*", headers=admin)).json()
    assert {key["tenant"] for key in seen} == {"acme"}
    for prefix, status in ((theirs, 404), (whole, 404), (own, 204)):
        answer = await site.client.delete(f"/auth/keys/{prefix}", headers=admin)
        assert answer.status_code == status
    new = {"name": "eve", "password": PASSWORD, "role": "admin"}
    for method, path, body in (
        ("GET", "/auth/users", None),
        ("POST", "/auth/users", new),
        ("PATCH", "/auth/users/viewer@example.com", {"role": "admin"}),
        ("GET", "/auth/audit", None),
    ):
        refused = await site.client.request(method, path, json=body, headers=admin)
        assert refused.status_code == 403, path
    made = await site.client.post("/auth/keys", json={"scopes": ["*"]}, headers=admin)
    assert made.json()["tenant"] == "acme"


async def test_while_the_database_is_gone_nobody_new_is_believed(clock: Clock) -> None:
    gone = Database("postgresql://me:hunter2@127.0.0.1:1/x")
    app = create_app(
        INFO, ServerSection(), routers=[_bars()], authenticator=Authenticator(KeyStore(gone))
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost"
    ) as client:
        key = "sk_000000000000." + "A" * 43
        answer = await client.get("/bars", headers={"X-API-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "DATABASE__URL" in answer.json()["detail"]
    assert "hunter2" not in answer.text
    gone.close()


def test_a_token_for_a_key_ends_with_the_key(accounts: Accounts, clock: Clock) -> None:
    venue = Tokens(
        SecretStr(SECRET),
        issuer="simutrador-server",
        audience="simutrador-client",
        revocations=accounts.revocations,
        clock=clock,
    )
    made = accounts.keys.create("ann", scopes=["simulate:write"], plan=UserPlan.PROFESSIONAL)
    given = token_for_key(made.key, keys=accounts.keys, tokens=venue, lifetime_s=3600)
    assert given.expires_in_s == 3600
    said = venue.verify(given.token)
    assert (said.id, said.plan) == ("ann", UserPlan.PROFESSIONAL)
    assert given.token not in repr(given)
    accounts.keys.revoke(made.kept.prefix)
    with pytest.raises(UnauthenticatedError):
        venue.verify(given.token)
    with pytest.raises(UnauthenticatedError):
        token_for_key(made.key, keys=accounts.keys, tokens=venue, lifetime_s=3600)
    short = accounts.keys.create("ann", scopes=["*"], lifetime=timedelta(minutes=5))
    given = token_for_key(short.key, keys=accounts.keys, tokens=venue, lifetime_s=3600)
    assert given.expires_in_s == 300
    for wrong in ("", "sk_nonsense", made.key[:-1]):
        with pytest.raises(UnauthenticatedError):
            token_for_key(wrong, keys=accounts.keys, tokens=venue, lifetime_s=3600)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2:ffff::1", "2001:0db8:0001:0002::/64"),
        ("testclient", "testclient"),
        ("", "unknown"),
    ],
)
def test_of_an_address_the_part_is_taken_that_one_holder_has(host: str, address: str) -> None:
    from starlette.requests import HTTPConnection

    scope = {"type": "http", "client": (host, 1), "headers": []}
    assert address_of(HTTPConnection(scope)) == address

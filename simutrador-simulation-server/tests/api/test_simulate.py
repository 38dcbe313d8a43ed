"""The venue over real sockets: who gets in, what a client of each kind sees."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import websockets
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simutrador_core.models.enums import UserPlan
from simutrador_server.api.state import utc_now
from simutrador_server.auth.door import AUDIENCE, ISSUER
from simutrador_service.auth.tokens import Tokens
from venue_fixtures import (
    PRINCIPAL,
    SECRET,
    START,
    Served,
    batch,
    hear,
    hear_until,
    order,
    say,
    served,
    types,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as one:
        yield one


async def closed(socket: ClientConnection) -> int | None:
    """Return the code a socket is closed with."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as e:
        return e.rcvd.code if e.rcvd else None


async def test_published_client_creates_starts_and_ends(venue: Served) -> None:
    """Path A of the published client 0.2.11: it never acknowledges and needs session ids."""
    async with venue.connect(await venue.token()) as socket:
        start = {key: START[key] for key in START if key != "slippage_bps"}
        await say(socket, "start_simulation", {**start, "adjusted": True}, "req-7")
        history: dict[str, Any] | None = None
        ticks: list[int] = []
        session_id = ""
        async for text in socket:
            message = json.loads(text)
            data = message["data"]
            if message["type"] == "session_created":
                assert message["request_id"] == "req-7"
                session_id = data["session_id"]
                assert (data["status"], data["symbols"]) == ("created", ["AAPL"])
            elif message["type"] == "history_snapshot":
                history = data["candles"]
            elif message["type"] == "tick":
                assert data["session_id"] == session_id
                ticks.append(data["sequence_id"])
            elif message["type"] == "simulation_end":
                assert data["session_id"] == session_id
                assert Decimal(data["final_equity"]) == 100_000
                break
        assert history == {"AAPL": []}
        assert ticks == [1, 2, 3, 4, 5]


async def test_lock_step_with_an_order_ends_with_code_1000(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        assert (await hear(socket)).type == "connection_ready"
        await say(socket, "create_session", START)
        assert (await hear(socket)).type == "session_created"
        await say(socket, "start_simulation", {"flow_control": True})
        said: list[Any] = []
        for number in range(1, 6):
            said += await hear_until(socket, "tick")
            if number == 1:
                await say(socket, "order_batch", batch(order()))
                said += await hear_until(socket, "batch_ack")
            await say(socket, "tick_ack", {"sequence_id": number, "processing_status": "ready"})
        said += await hear_until(socket, "connection_closing")
        assert types(said[-2:]) == ["simulation_end", "connection_closing"]
        assert said[-2].data.final_equity == Decimal("99977.45")  # 98994.95 + 10 x 98.25
        numbers = [one.data.seq for one in said[:-1]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert await closed(socket) == 1000


async def test_ticks_flow_without_a_frame_at_the_wanted_distance(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        await say(socket, "start_simulation", {**START, "tick_interval_ms": 1})
        said = await hear_until(socket, "simulation_end")
        assert types(said).count("tick") == 5


async def test_client_that_needs_time_is_not_waited_for_for_ever(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        await say(socket, "start_simulation", {**START, "flow_control": True})
        await hear_until(socket, "tick")
        slow = {"sequence_id": 1, "processing_status": "need_time", "max_wait_ms": 20}
        await say(socket, "tick_ack", slow)
        assert (await hear(socket)).data.sequence_id == 2


async def test_window_of_ticks_is_filled_again_by_acknowledgements(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        await say(
            socket, "start_simulation", {**START, "flow_control": True, "max_pending_ticks": 2}
        )
        await hear_until(socket, "tick")
        assert (await hear(socket)).data.sequence_id == 2
        await say(socket, "tick_ack", {"sequence_id": 2, "processing_status": "ready"})
        assert [(await hear(socket)).data.sequence_id for _ in range(2)] == [3, 4]


async def test_unknown_symbol_keeps_the_connection(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        await hear(socket)
        await say(socket, "start_simulation", {**START, "symbols": ["NOPE"]}, "u1")
        error = await hear(socket)
        assert (error.type, error.request_id, error.data.error_code) == (
            "session_error",
            "u1",
            "INVALID_SYMBOL",
        )
        assert error.data.details["invalid_symbols"] == ["NOPE"]
        await say(socket, "ping", {}, "p1")
        assert (await hear(socket)).type == "pong"


@pytest.mark.parametrize("frame", ["{not json", b"\x00\xff", '{"type": "frobnicate"}'])
async def test_wrong_frames_are_answered_and_the_connection_is_kept(
    venue: Served, frame: str | bytes
) -> None:
    async with venue.connect(await venue.token()) as socket:
        await hear(socket)
        await socket.send(frame)
        assert (await hear(socket)).type == "error"
        await say(socket, "ping", {}, "p1")
        assert (await hear(socket)).request_id == "p1"


async def test_frame_of_a_megabyte_is_closed_with_1009(venue: Served) -> None:
    async with venue.connect(await venue.token()) as socket:
        await hear(socket)
        await socket.send("x" * 1_000_000)
        assert await closed(socket) == 1009
    async with venue.connect(await venue.token()) as socket:  # others are served as before
        assert (await hear(socket)).type == "connection_ready"


# Tokens


async def test_wrong_key_gets_no_token(venue: Served) -> None:
    async with httpx.AsyncClient() as client:
        for headers in ({"X-API-Key": "sk_0.wrong"}, {"X-API-Key": ""}, {}):
            answer = await client.post(f"{venue.auth_url}/auth/token", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "unauthenticated"
            assert "key" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["", "?token=", "?token=%20", "?other=1"])
async def test_missing_token_is_closed_with_4001(venue: Served, query: str) -> None:
    async with websockets.connect(f"{venue.ws_url}/ws/simulate{query}") as socket:
        assert await closed(socket) == 4001


async def test_invalid_token_is_closed_with_4002(venue: Served) -> None:
    other = SecretStr("another-secret-that-is-long-enough-0123456789")
    forged = Tokens(other, issuer=ISSUER, audience=AUDIENCE).issue(PRINCIPAL)
    for token in ("nonsense", "a.b.c", forged, "x" * 5000):
        async with venue.connect(token) as socket:
            assert await closed(socket) == 4002


async def test_expired_token_is_closed_with_4003(venue: Served) -> None:
    old = Tokens(
        SecretStr(SECRET),
        issuer=ISSUER,
        audience=AUDIENCE,
        clock=lambda: utc_now() - timedelta(hours=2),
    ).issue(PRINCIPAL)
    async with venue.connect(old) as socket:
        assert await closed(socket) == 4003


async def test_key_made_for_something_else_gets_no_simulation(venue: Served) -> None:
    reader = venue.venue.door.keys.create("bob", scopes=["bars:read"]).key
    async with venue.connect(await venue.token(reader)) as socket:
        assert await closed(socket) == 4002


async def test_revoked_key_ends_its_tokens(venue: Served) -> None:
    token = await venue.token()
    venue.venue.door.keys.revoke(venue.key)
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{venue.auth_url}/auth/token", headers={"X-API-Key": venue.key}, json={}
        )
    assert answer.status_code == 401
    async with venue.connect(token) as socket:
        assert await closed(socket) == 4002


async def test_unsigned_token_is_refused(venue: Served) -> None:
    claims = jwt.decode(
        await venue.token(), SECRET, algorithms=["HS256"], audience="simutrador-client"
    )
    unsigned = jwt.encode(claims, "", algorithm="none")
    async with venue.connect(unsigned) as socket:
        assert await closed(socket) == 4002


async def test_token_may_stand_in_a_header(venue: Served) -> None:
    headers = {"Authorization": f"Bearer {await venue.token()}"}
    async with websockets.connect(
        f"{venue.ws_url}/ws/simulate", additional_headers=headers
    ) as socket:
        assert (await hear(socket)).data.user_id == "alice"


async def test_token_may_stand_in_a_subprotocol_as_browsers_need_it(venue: Served) -> None:
    token = await venue.token()
    for offered, chosen in (
        (["simutrador.v2", f"bearer.{token}"], "simutrador.v2"),
        ([f"bearer.{token}"], f"bearer.{token}"),
    ):
        async with websockets.connect(
            f"{venue.ws_url}/ws/simulate",
            subprotocols=[websockets.Subprotocol(one) for one in offered],
        ) as socket:
            assert socket.subprotocol == chosen
            assert (await hear(socket)).type == "connection_ready"


async def test_no_log_line_carries_a_token_or_key(
    venue: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = await venue.token()
    async with venue.connect(token) as socket:
        await hear(socket)
    assert token not in caplog.text
    assert venue.key not in caplog.text
    assert "token=" not in caplog.text.replace(f"{venue.ws_url}", "")


# Limits


async def test_plan_limits_connections_and_frees_them_again(tmp_path: Path) -> None:
    async with served(tmp_path, plan=UserPlan.FREE) as venue:
        token = await venue.token()
        async with venue.connect(token) as first, venue.connect(token) as second:
            await hear(first)
            await hear(second)
            with pytest.raises(InvalidStatus) as denied:
                async with venue.connect(token):
                    pass
            response = denied.value.response
            assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
            assert json.loads(response.body or b"")["error"] == "RATE_LIMITED"
        async with asyncio.timeout(5):
            while venue.venue.connections.count("alice"):
                async with venue.connect("") as quick:  # a round trip lets the server notice
                    await closed(quick)
        async with venue.connect(token) as third:
            assert (await hear(third)).data.concurrent_connections_limit == 2


async def test_client_that_drops_off_loses_its_simulation(venue: Served) -> None:
    token = await venue.token()
    async with venue.connect(token) as socket:
        await say(socket, "start_simulation", {**START, "flow_control": True})
        (*_, tick) = await hear_until(socket, "tick")
        socket.transport.abort()
    async with venue.connect(token) as socket, asyncio.timeout(5):
        state = ""
        while state != "error":
            await say(socket, "get_session", {"session_id": tick.data.session_id})
            state = (await hear_until(socket, "session_data"))[-1].data.state


# Health


async def test_health_needs_no_token(venue: Served) -> None:
    async with websockets.connect(f"{venue.ws_url}/ws/health") as socket:
        health = await hear(socket)
        assert (health.type, health.data.status) == ("health", "healthy")
        assert await closed(socket) == 1000
    async with httpx.AsyncClient() as client:
        for url in (venue.auth_url, venue.ws_url.replace("ws:", "http:")):
            answer = await client.get(f"{url}/health")
            assert (answer.status_code, answer.json()["status"]) == (200, "healthy")


async def test_unknown_paths_are_problems(venue: Served) -> None:
    async with httpx.AsyncClient() as client:
        missing = await client.get(f"{venue.auth_url}/nowhere")
        wrong = await client.get(f"{venue.auth_url}/auth/token")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


async def test_token_is_validated_and_its_limits_are_told(venue: Served) -> None:
    headers = {"Authorization": f"Bearer {await venue.token()}"}
    async with httpx.AsyncClient(base_url=venue.auth_url) as client:
        valid = await client.post("/auth/validate", headers=headers)
        invalid = await client.post("/auth/validate", headers={"Authorization": "Bearer no"})
        limits = await client.get("/auth/limits", headers=headers)
        refused = await client.get("/auth/limits")
    assert (valid.json()["user_id"], valid.json()["plan"]) == ("alice", "professional")
    assert (invalid.status_code, refused.status_code) == (401, 401)
    assert limits.json()["limits"]["websocket_connections"] == 10
    assert limits.json()["usage"]["websocket_connections"] == 0


async def test_token_answer_has_the_documented_fields(venue: Served) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{venue.auth_url}/auth/token", headers={"X-API-Key": venue.key}, json={}
        )
    body = answer.json()
    assert set(body) == {"access_token", "expires_in", "token_type", "user_id", "plan"}
    assert (body["expires_in"], body["token_type"], body["plan"]) == (
        3600,
        "Bearer",
        "professional",
    )
    claims = jwt.decode(
        body["access_token"], SECRET, algorithms=["HS256"], audience="simutrador-client"
    )
    assert {"sub", "user_id", "plan", "iat", "exp", "iss", "aud"} <= set(claims)
    assert claims["iss"] == "simutrador-server"

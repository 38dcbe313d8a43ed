"""Signing in: texts of errors, how long a token is good, and whose client is whose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from simutrador_client.auth import (
    AuthClient,
    AuthenticationError,
    get_auth_client,
    set_auth_client,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.payload.signature"
ANSWER = {
    "access_token": TOKEN,
    "token_type": "Bearer",
    "expires_in": 3600,
    "user_id": "user_1",
    "plan": "professional",
}


@asynccontextmanager
async def answering(
    status: int, body: object, requests: list[str] | None = None
) -> AsyncIterator[str]:
    """Yield the URL of an auth service that gives one and the same answer."""
    text = body if isinstance(body, str) else json.dumps(body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(head.decode())
        answer = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode() + text.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def signed_in(**left: float) -> AuthClient:
    client = AuthClient("http://auth.test/")
    client.keep(TOKEN, datetime.now(UTC) + timedelta(**left))
    return client


async def test_login_sends_the_key_in_its_header_and_keeps_the_token() -> None:
    requests: list[str] = []
    async with answering(200, ANSWER, requests) as url:
        client = AuthClient(url)
        answer = await client.login("  sk.secret ")
        assert (answer.user_id, answer.plan, answer.expires_in) == ("user_1", "professional", 3600)
        assert client.get_cached_token() == TOKEN
    assert requests[0].startswith("POST /auth/token HTTP/1.1")
    assert "x-api-key: sk.secret" in requests[0].lower()


@pytest.mark.parametrize("key", ["", "   "])
async def test_an_empty_key_is_refused_before_anything_is_asked(key: str) -> None:
    with pytest.raises(AuthenticationError, match="API key cannot be empty"):
        await AuthClient("http://127.0.0.1:1").login(key)


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (401, {}, "Invalid API key"),
        (429, {}, "Rate limit exceeded"),
        (500, {}, "Authentication failed: 500"),
        (200, "not json", "Invalid response"),
        (200, {"access_token": TOKEN}, "Invalid response"),
        (200, [TOKEN], "Invalid response"),
    ],
)
async def test_each_refusal_has_its_text_and_none_shows_a_secret(
    status: int, body: object, text: str
) -> None:
    async with answering(status, body) as url:
        with pytest.raises(AuthenticationError, match=text) as e:
            await AuthClient(url).login("sk.secret")
    shown = f"{e.value}{e.value.__cause__}"
    assert "secret" not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[broken", "htp://x"])
async def test_a_service_out_of_reach_is_a_network_error(url: str) -> None:
    with pytest.raises(AuthenticationError, match="Network error: "):
        await AuthClient(url, timeout=2).login("sk.secret")


def test_a_token_counts_as_expired_five_minutes_early_and_is_forgotten() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(hours=1)
        clock.shift(timedelta(minutes=54, seconds=59))
        assert client.is_authenticated()
        clock.shift(timedelta(seconds=1))
        assert not client.is_authenticated()
        assert client.get_token_info() is None
        clock.shift(timedelta(hours=-1))
        assert client.get_cached_token() is None


def test_token_info_shows_twenty_characters_only() -> None:
    with time_machine.travel(NOW, tick=False):
        assert signed_in(hours=1).get_token_info() == {
            "token": "eyJ0eXAiOiJKV1QiLCJh...",
            "expires_at": "2026-03-02T13:00:00+00:00",
            "is_valid": True,
        }


def test_logout_forgets_the_token() -> None:
    client = signed_in(hours=1)
    client.logout()
    assert client.get_cached_token() is None


async def test_refresh_replaces_the_token() -> None:
    async with answering(200, ANSWER) as url:
        client = AuthClient(url)
        client.keep("old", datetime.now(UTC) + timedelta(hours=1))
        await client.refresh_token("sk.secret")
        assert client.get_cached_token() == TOKEN


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("ws://h/ws", f"ws://h/ws?token={TOKEN}"),
        ("ws://h/ws?a=1", f"ws://h/ws?a=1&token={TOKEN}"),
    ],
)
def test_the_token_is_the_last_query_parameter(base: str, url: str) -> None:
    assert signed_in(hours=1).get_websocket_url(base) == url


def test_a_url_without_a_token_is_refused() -> None:
    with pytest.raises(AuthenticationError, match="Not authenticated"):
        AuthClient("http://auth.test").get_websocket_url("ws://h/ws")


@pytest.fixture
def _no_custom_client() -> Iterator[None]:
    yield
    set_auth_client(None)


@pytest.mark.usefixtures("_no_custom_client")
def test_clients_are_one_a_url_and_a_custom_one_is_kept_unless_a_url_is_given() -> None:
    assert get_auth_client("http://a.test") is get_auth_client("http://a.test/")
    assert get_auth_client("http://a.test") is not get_auth_client("http://b.test")
    assert get_auth_client().server_url == "http://127.0.0.1:8001"
    mine = AuthClient("http://mine.test")
    set_auth_client(mine)
    assert get_auth_client() is mine
    assert get_auth_client("http://a.test") is not mine
    assert get_auth_client() is mine

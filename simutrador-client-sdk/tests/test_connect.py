"""Connecting: the URL, the token, the strategy's hook, and servers that refuse."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import websockets
from websockets.http11 import Request, Response

from peer import SID, START, Peer, Recording, serving, session, signed_in
from simutrador_client.auth import AuthClient, AuthenticationError
from simutrador_client.dialing import simulate_url
from simutrador_client.websocket import SessionConnectionError, SimutradorClientSession


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("ws://h:8003", "ws://h:8003/ws/simulate"),
        ("ws://h:8003/", "ws://h:8003/ws/simulate"),
        ("ws://h:8003/ws/simulate", "ws://h:8003/ws/simulate"),
        ("wss://h/venue?x=1", "wss://h/venue/ws/simulate?x=1"),
        ("http://h:8003", "ws://h:8003/ws/simulate"),
        ("https://h", "wss://h/ws/simulate"),
    ],
)
def test_the_endpoint_is_added_once_and_http_becomes_ws(base: str, url: str) -> None:
    assert simulate_url(base) == url


async def test_the_url_carries_endpoint_and_token_and_no_log_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    paths: list[str] = []

    async def script(peer: Peer) -> None:
        paths.append(peer.path)
        await peer.begin()
        await peer.end()

    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.INFO)
    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.run(**START)
    assert paths == ["/ws/simulate?token=token-of-the-test"]
    assert "/ws/simulate?token=***" in caplog.text
    assert "token-of-the-test" not in caplog.text


class Hooked(Recording):
    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[object] = []

    async def set_session(self, venue: object) -> None:
        self.sessions.append(venue)


async def test_set_session_is_called_once_over_several_connections() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    strategy = Hooked()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.connect()
        await venue.run(**START)
        await venue.run(**START)  # the server closed after the first
        assert strategy.sessions == [venue]


async def test_an_error_in_set_session_is_logged_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.end()

    class Broken(Recording):
        def set_session(self, venue: object) -> None:
            raise LookupError("no")

    async with serving(script) as url, session(Broken(), url) as venue:
        assert await venue.run(**START) == SID
    assert any(record.exc_info for record in caplog.records)


async def test_without_a_token_nothing_is_tried() -> None:
    venue = SimutradorClientSession(strategy=Recording(), auth=AuthClient("http://127.0.0.1:1"))
    with pytest.raises(AuthenticationError, match="Not authenticated"):
        await venue.connect()


async def test_a_server_that_is_not_there_is_named_without_the_token() -> None:
    venue = session(Recording(), "ws://127.0.0.1:1")
    with pytest.raises(SessionConnectionError, match="is the server running") as e:
        await venue.connect()
    assert "ws://127.0.0.1:1/ws/simulate" in str(e.value)
    assert "token" not in str(e.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "ws://", "127.0.0.1", "ws://[broken"])
async def test_a_url_that_is_none_is_refused_without_the_token(url: str) -> None:
    with pytest.raises(SessionConnectionError, match="not a WebSocket URL") as e:
        await session(Recording(), url).connect()
    assert "token" not in str(e.value)


@pytest.mark.parametrize(
    ("code", "text"), [(4001, "wants a token"), (4002, "refused the token"), (4003, "expired")]
)
async def test_a_refused_token_is_explained(code: int, text: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.close(code)

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionConnectionError, match=text) as e:
            await venue.run(**START)
    assert e.value.close_code == code


async def test_too_many_connections_are_tried_again_after_the_wait_asked_for() -> None:
    tries: list[str] = []

    def refuse_once(_: Any, request: Request) -> Response | None:
        tries.append(request.path)
        headers = websockets.Headers({"Retry-After": "0"})
        return Response(429, "Too Many Requests", headers) if len(tries) == 1 else None

    async def wait(socket: Any) -> None:
        await socket.wait_closed()

    async with websockets.serve(wait, "127.0.0.1", 0, process_request=refuse_once) as server:
        port = server.sockets[0].getsockname()[1]
        async with session(Recording(), f"ws://127.0.0.1:{port}"):
            pass
    assert len(tries) == 2


async def test_a_refused_handshake_names_its_status() -> None:
    def refuse(_: Any, request: Request) -> Response:
        return Response(403, "Forbidden", websockets.Headers())

    async def never(socket: Any) -> None:
        raise AssertionError

    async with websockets.serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(SessionConnectionError, match="HTTP 403"):
            await session(Recording(), url).connect()


def test_a_session_uses_the_configured_server_by_default() -> None:
    venue = SimutradorClientSession(strategy=Recording(), auth=signed_in())
    assert venue._base_url == "ws://127.0.0.1:8003"


async def test_an_unknown_simulation_has_no_store() -> None:
    venue = SimutradorClientSession(strategy=Recording(), auth=signed_in())
    assert not venue.is_store_ready("nobody")
    with pytest.raises(KeyError, match="nobody"):
        venue.get_store("nobody")
    with pytest.raises(KeyError, match="nobody"):
        venue.get_info("nobody")

"""What only a real server shows: slow, endless and broken requests, and how serving ends."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

import httpx
import pytest
from fastapi import FastAPI

from kit_service import connect, demo_app, read_all, served
from simutrador_service.config import ServerSection
from simutrador_service.web import PortTakenError, bind, serving

pytestmark = pytest.mark.integration

GET = b"GET /short HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /raw HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def said(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Return status and body of the last answer on a connection that the server closes."""
    head, _, body = read_all(connection).rpartition(b"\r\n\r\n")
    status = re.findall(rb"HTTP/1\.1 (\d+)", head)[-1]
    return int(status), json.loads(body)


def test_a_request_is_answered_over_a_socket() -> None:
    with served(demo_app) as address, closing(connect(address)) as connection:
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert said(connection) == (200, {"a": 1})


@pytest.mark.parametrize("part", [b"G", b"GET /short HTTP/1.1\r\nHost:", b"\r\n"])
def test_headers_that_do_not_arrive_in_time_end_the_connection(part: bytes) -> None:
    with served(demo_app, header_timeout_s=0.3) as address, closing(connect(address)) as slow:
        slow.sendall(part)
        status, problem = said(slow)
        assert (status, problem["code"]) == (408, "request_incomplete")


def test_a_connection_without_any_request_is_closed_without_a_word() -> None:
    with served(demo_app, header_timeout_s=0.3) as address, closing(connect(address)) as idle:
        assert read_all(idle) == b""


def test_dripping_headers_do_not_move_the_deadline() -> None:
    with served(demo_app, header_timeout_s=0.5) as address, closing(connect(address)) as slow:
        begun = time.monotonic()
        slow.settimeout(0.1)
        found = b""
        slow.sendall(b"GET /short HTTP/1.1\r\nX: ")
        while not found and time.monotonic() - begun < 10:
            try:
                slow.sendall(b"a")
                found = slow.recv(1000)
            except TimeoutError:
                continue
        assert b" 408 " in found
        assert time.monotonic() - begun < 5


def test_the_next_request_of_a_connection_has_a_deadline_too() -> None:
    with served(demo_app, header_timeout_s=0.3) as address, closing(connect(address)) as slow:
        slow.sendall(GET + b"GET /short HT")
        status, problem = said(slow)
        assert (status, problem["code"]) == (408, "request_incomplete")


@pytest.mark.parametrize("path", [b"/raw", b"/unread", b"/nothing"])
def test_a_body_that_does_not_arrive_in_time_ends_the_connection(path: bytes) -> None:
    with served(demo_app, body_timeout_s=0.3) as address, closing(connect(address)) as slow:
        slow.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
        answer = read_all(slow)
        assert answer.startswith(b"HTTP/1.1 408" if path == b"/raw" else b"HTTP/1.1")


def test_a_body_that_comes_steadily_may_take_longer() -> None:
    with served(demo_app, body_timeout_s=0.2) as address, closing(connect(address)) as steady:
        steady.sendall(POST + b"Connection: close\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(5):
            steady.sendall(b"x" * 1000)
            time.sleep(0.15)  # the pace is the point: 5 parts take longer than the limit
        head, _, body = read_all(steady).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert body == b"5000"


def test_endless_headers_are_refused_before_their_end() -> None:
    with served(demo_app, max_header_bytes=4096) as address, closing(connect(address)) as client:
        client.sendall(b"GET /short HTTP/1.1\r\nX-Endless: " + b"a" * 5000)
        status, problem = said(client)
        assert (status, problem["code"]) == (431, "headers_too_large")


def test_a_chunked_body_above_the_limit_is_refused() -> None:
    with served(demo_app, max_body_bytes=1000) as address, closing(connect(address)) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"5dc\r\n" + b"x" * 1500)
        status, problem = said(client)
        assert (status, problem["code"]) == (413, "body_too_large")


def test_what_is_not_http_is_refused_as_a_problem() -> None:
    with served(demo_app) as address, closing(connect(address)) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        status, problem = said(client)
        assert (status, problem["code"]) == (400, "bad_request")


def test_a_full_server_makes_room_by_cutting_the_slowest() -> None:
    with served(demo_app, max_connections=5) as address:
        slow = [connect(address) for _ in range(5)]
        for connection in slow:
            connection.sendall(b"GET /sho")
            time.sleep(0.02)  # so that one of them is the slowest
        assert httpx.get(f"{address}/short").status_code == 200
        slow[0].settimeout(5)
        assert b" 408 " in slow[0].recv(1000)
        for connection in slow:
            connection.close()


def test_a_server_full_of_work_says_so() -> None:
    with served(demo_app, max_connections=2) as address:
        busy = [connect(address) for _ in range(2)]
        for connection in busy:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until_working(address, busy)
        with closing(connect(address)) as late:
            status, problem = said(late)
        for connection in busy:
            connection.close()
        assert (status, problem["code"]) == (503, "too_many_connections")
        assert "MAX_CONNECTIONS" in str(problem["detail"])


def wait_until_working(address: str, busy: list[socket.socket]) -> None:
    """Give the server a turn: what was sent before on other connections has been read by then."""
    time.sleep(0.2)
    assert all(connection.fileno() >= 0 for connection in busy), address


def test_a_handshake_from_another_site_is_refused() -> None:
    handshake = (
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Origin: {origin}\r\n\r\n"
    )
    with served(demo_app) as address:
        host = address.removeprefix("http://")
        for origin, status in ((address, b"101"), ("http://evil.example", b"403")):
            with closing(connect(address)) as client:
                client.sendall(handshake.format(host=host, origin=origin).encode())
                assert client.recv(1000).split(b" ")[1] == status


def test_events_come_one_by_one() -> None:
    with (
        served(demo_app) as address,
        httpx.Client() as client,
        client.stream("GET", f"{address}/events") as answer,
    ):
        assert "content-encoding" not in answer.headers
        parts = answer.iter_text()
        assert [next(parts), next(parts)] == ["data: tick\n\n"] * 2


def test_a_port_in_use_is_named_with_the_next_step() -> None:
    with closing(bind("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"cannot listen on 127\.0\.0\.1:{port}.*choose"):
            bind("127.0.0.1", port)


async def test_an_error_of_the_start_reaches_whoever_started() -> None:
    @asynccontextmanager
    async def fails(_: FastAPI) -> AsyncGenerator[None]:
        raise PortTakenError("the store is locked")
        yield

    with pytest.raises(PortTakenError, match="the store is locked"):
        async with serving(demo_app(lifespan=fails), ServerSection(port=0)):
            pytest.fail("it must not listen")


async def test_the_lifespan_surrounds_the_serving() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        seen.append(f"open {app.title}")
        yield
        seen.append("closed")

    server = ServerSection(port=0)
    app = demo_app(lifespan=lifespan)
    async with serving(app, server) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"{address}/short")).status_code == 200
    assert seen == ["open SimuTrador Demo", "closed"]
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(f"{address}/short")


SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from kit_service import demo_app
from simutrador_service.config import ServerSection
from simutrador_service.web import serve
server = ServerSection(port=0, shutdown_timeout_s=60)
serve(demo_app(), server, announce=lambda address: print(address, flush=True))
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_serving_and_the_events_under_way(number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVE, __file__.rpartition("/web/")[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with httpx.Client() as client, client.stream("GET", f"{address}/jobs-like") as answer:
            next(answer.iter_text())
            process.send_signal(number)
            assert process.wait(30) == 0
        assert process.stdout.read().endswith("ended\n")


def test_a_client_that_leaves_in_the_middle_of_its_body_does_no_harm() -> None:
    with served(demo_app) as address:
        with closing(connect(address)) as client:
            client.sendall(POST + b"Content-Length: 100\r\n\r\nx")
        assert httpx.get(f"{address}/short").json() == {"a": 1}


async def test_several_may_be_served_in_one_loop() -> None:
    server = ServerSection(port=0)
    async with serving(demo_app(), server) as one, serving(demo_app(), server) as other:
        assert one != other
        async with httpx.AsyncClient() as client:
            answers = await asyncio.gather(client.get(f"{one}/short"), client.get(f"{other}/short"))
    assert [answer.status_code for answer in answers] == [200, 200]

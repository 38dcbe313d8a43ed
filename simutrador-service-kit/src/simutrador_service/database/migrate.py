"""Bring a database to a schema and back; every migration runs wholly or not at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text

from simutrador_service.database.engine import Database
from simutrador_service.errors import MigrationError

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it is used: a worker process never needs it, and starts a third sooner.

_LOCK: Final = 0x53494D55  # any number that nobody else locks: "SIMU"


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one package.

    Attributes:
        package: Python package that holds `env.py` and `versions/`.
        table: Where the database remembers which of them it has; one table per package, so that
            several packages share a database.
    """

    package: str
    table: str

    def upgrade(self, database: Database, revision: str = "head") -> None:
        """Bring the schema up to `revision`; several processes may do this at once.

        Raises:
            MigrationError: a migration failed, or the database is of a newer release; it is as it
                was.
        """
        from alembic import command

        with _explained(database), database.change() as connection:
            _take_turn(connection)
            self._refuse_newer(database, self._current(connection))
            command.upgrade(self._config(connection), revision)

    def downgrade(self, database: Database, revision: str = "base") -> None:
        """Bring the schema back down to `revision`; the rows of dropped tables are gone.

        Raises:
            MigrationError: a migration failed, and the database is as it was.
        """
        from alembic import command

        with _explained(database), database.change() as connection:
            _take_turn(connection)
            self._refuse_newer(database, self._current(connection))
            command.downgrade(self._config(connection), revision)

    def current(self, database: Database) -> str | None:
        """Return the revision of the database, None before the first."""
        with database.engine.connect() as connection:
            return self._current(connection)

    def revisions(self) -> list[str]:
        """Return every revision, oldest first."""
        from alembic.script import ScriptDirectory

        script = ScriptDirectory.from_config(self._config(None))
        return [found.revision for found in script.walk_revisions()][::-1]

    def check(self, database: Database) -> None:
        """Refuse a database of another release.

        Raises:
            MigrationError: it is not at the newest revision; the text says what to do.
        """
        newest, found = self.revisions()[-1], self.current(database)
        self._refuse_newer(database, found)
        if found != newest:
            raise MigrationError(
                f"the database {database.url} is at {found or 'no revision'}, this release needs "
                f"{newest}; start the service, which migrates first"
            )

    def _current(self, connection: Connection) -> str | None:
        from alembic.migration import MigrationContext

        context = MigrationContext.configure(connection, opts={"version_table": self.table})
        return context.get_current_revision()

    def _refuse_newer(self, database: Database, found: str | None) -> None:
        known = self.revisions()
        if found is not None and found not in known:
            raise MigrationError(
                f"the database {database.url} is at {found}, of a newer release: this one knows "
                f"revisions up to {known[-1]}; install that release again, or restore the backup "
                "made before it"
            )

    def _config(self, connection: Connection | None) -> Config:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(files(self.package)))
        config.attributes["connection"] = connection
        config.attributes["version_table"] = self.table
        return config


@contextmanager
def _explained(database: Database) -> Generator[None]:
    """Turn what a migration fails with into one error that names the database."""
    try:
        yield
    except MigrationError:
        raise
    except Exception as e:
        cause = "".join(str(e).splitlines()[:1]) or type(e).__name__
        raise MigrationError(
            f"the migration of {database.url} failed and was undone: {cause}; mend that and start "
            "again, or go on with the release before: its data is intact"
        ) from e


def _take_turn(connection: Connection) -> None:
    """Wait for other processes that migrate; SQLite's write lock does the same by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


KIT: Final = Migrations("simutrador_service.database.migrations", "alembic_version_service")
"""The migrations of the kit's own tables."""

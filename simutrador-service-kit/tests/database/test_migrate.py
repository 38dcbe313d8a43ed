"""Migrations go up and down, match the models, and a broken one changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import simutrador_service.auth.tables
import simutrador_service.events.table
import simutrador_service.jobs.table
import simutrador_service.limits.tables
import simutrador_service.scheduler.table
from simutrador_service.database import KIT, Base, Database, Migrations
from simutrador_service.errors import MigrationError

TABLES = simutrador_service.jobs.table.Job.metadata.tables


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def test_schema_after_all_migrations_is_that_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        options = {"version_table": KIT.table, "compare_type": False}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        assert set(TABLES) <= set(inspect(connection).get_table_names())


def test_each_migration_goes_up_down_and_up_again(empty: Database) -> None:
    for revision in KIT.revisions():
        KIT.upgrade(empty, revision)
        KIT.downgrade(empty, "-1")
        KIT.upgrade(empty, revision)
        assert KIT.current(empty) == revision
    KIT.downgrade(empty)
    assert KIT.current(empty) is None
    with empty.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {KIT.table}


def test_processes_that_migrate_at_once_take_turns(empty: Database) -> None:
    failures: list[Exception] = []

    def migrate() -> None:
        try:
            KIT.upgrade(empty)
        except Exception as e:  # noqa: BLE001
            failures.append(e)

    threads = [Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    KIT.check(empty)


def test_database_of_another_release_is_refused_with_the_command_to_run(empty: Database) -> None:
    with pytest.raises(MigrationError, match=r"no revision.*start the service"):
        KIT.check(empty)


def test_broken_migration_leaves_the_database_as_it_was(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KIT.upgrade(empty)
    package = tmp_path / "broken_migrations"
    (package / "versions").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    source = Path(simutrador_service.__file__ or "").parent / "database/migrations/env.py"
    (package / "env.py").write_text(source.read_text())
    (package / "versions" / "one.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '1', None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    op.execute('SELECT nonsense FROM nowhere')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MigrationError, match=r"failed and was undone: .*nowhere"):
        Migrations("broken_migrations", "other_version").upgrade(empty)
    with empty.engine.connect() as connection:
        assert "half" not in inspect(connection).get_table_names()
    KIT.check(empty)

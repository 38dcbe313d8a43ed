"""Migrations that fail, die, meet a newer database or each other: old data stays as it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import inspect, text

import simutrador_service.database.migrations
from simutrador_service.database import KIT, Database, Migrations
from simutrador_service.errors import MigrationError

ONE = """
    op.create_table("trade", sa.Column("id", sa.Integer), sa.Column("price", sa.String(20)))
    op.execute("INSERT INTO trade VALUES (1, '100.5'), (2, '99')")
"""
HALF = """
    op.execute("DELETE FROM trade WHERE id = 1")
    op.add_column("trade", sa.Column("side", sa.String(4)))
    op.execute("UPDATE trade SET price = 'spoilt'")
    op.create_table("half", sa.Column("id", sa.Integer))
"""
OLD_DATA = [(1, "100.5"), (2, "99")]

Write = Callable[..., Migrations]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a package of these migrations."""
    monkeypatch.syspath_prepend(tmp_path)

    def package(name: str, *upgrades: str) -> Migrations:
        name = f"{name}_{uuid4().hex}"  # a name is imported once
        folder = tmp_path / name
        (folder / "versions").mkdir(parents=True)
        (folder / "__init__.py").touch()
        env = Path(simutrador_service.database.migrations.__path__[0]) / "env.py"
        (folder / "env.py").write_text(env.read_text())
        for number, upgrade in enumerate(upgrades, start=1):
            before = repr(str(number - 1)) if number > 1 else None
            (folder / "versions" / f"v{number}.py").write_text(
                "import os\nimport sqlalchemy as sa\nfrom alembic import op\n"
                f"revision = '{number}'\ndown_revision = {before}\ndef upgrade():\n{upgrade}\n"
            )
        return Migrations(name, "version_of_ours")

    return package


def trades(database: Database) -> list[tuple[object, ...]]:
    with database.read() as session:
        return [tuple(row) for row in session.execute(text("SELECT * FROM trade ORDER BY id"))]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("    op.execute('SELECT nonsense FROM nowhere')", "nowhere"),
        ("    raise KeyError('PRICE_UNIT')", "'PRICE_UNIT'"),
        ("    raise ValueError", "ValueError"),
    ],
    ids=["sql", "python", "mute"],
)
def test_one_that_fails_half_way_says_what_to_do_and_leaves_the_data(
    fault: str, says: str, database: Database, write: Write
) -> None:
    write("good_one", ONE).upgrade(database)
    with pytest.raises(MigrationError, match=rf"undone: .*{says}.*; mend that .* data is intact"):
        write("bad_two", ONE, HALF + fault).upgrade(database)
    assert trades(database) == OLD_DATA
    assert "half" not in inspect(database.engine).get_table_names()
    mended = write("good_two", ONE, "    op.add_column('trade', sa.Column('fee', sa.Integer))")
    mended.upgrade(database)
    assert mended.current(database) == "2"
    assert trades(database) == [(*row, None) for row in OLD_DATA]


MIGRATE = """
import sys
sys.path.insert(0, sys.argv[2])
from simutrador_service.database import Database, Migrations
Migrations(sys.argv[3], "version_of_ours").upgrade(Database(sys.argv[1]))
"""


def in_processes(database: Database, folder: Path, migrations: Migrations, count: int) -> list[int]:
    """Migrate in so many processes at once; return how they ended."""
    command = [sys.executable, "-c", MIGRATE, database.url, folder, migrations.package]
    started = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(count)]
    return [process.wait(timeout=60) for process in started]


def test_one_whose_process_is_killed_leaves_the_data(
    sqlite: Database, write: Write, tmp_path: Path
) -> None:
    write("good_one", ONE).upgrade(sqlite)
    killed = write("killed_two", ONE, HALF + "    os.kill(os.getpid(), 9)")
    assert in_processes(sqlite, tmp_path, killed, 1) == [-signal.SIGKILL]
    assert trades(sqlite) == OLD_DATA
    write("good_two", ONE, HALF).upgrade(sqlite)
    assert trades(sqlite) == [(2, "spoilt", None)]


def test_two_processes_migrate_once(sqlite: Database, write: Write, tmp_path: Path) -> None:
    good = write("good_two", ONE, "    op.execute(\"UPDATE trade SET price = price || '0'\")")
    assert in_processes(sqlite, tmp_path, good, 2) == [0, 0]
    assert trades(sqlite) == [(1, "100.50"), (2, "990")]


def test_a_database_of_a_newer_release_is_refused_and_left_alone(
    database: Database, write: Write
) -> None:
    write("newer", ONE, "    pass").upgrade(database)
    older = write("older", ONE)
    for refuse in (older.upgrade, older.downgrade, older.check):
        with pytest.raises(MigrationError, match=r"is at 2, of a newer release.*install that"):
            refuse(database)
    assert trades(database) == OLD_DATA
    assert older.current(database) == "2"


def test_the_kit_refuses_a_database_of_a_kit_to_come(sqlite: Database) -> None:
    with sqlite.write() as session:
        session.execute(text(f"UPDATE {KIT.table} SET version_num = '9999'"))
    newest = KIT.revisions()[-1]
    with pytest.raises(MigrationError, match=f"is at 9999, of a newer release.*up to {newest}"):
        KIT.upgrade(sqlite)

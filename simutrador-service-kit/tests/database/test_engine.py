"""A database opens from a URL, commits wholly or not at all, and says what is wrong with it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from simutrador_service.database import Database
from simutrador_service.errors import SettingsError, UnavailableError
from simutrador_service.jobs.table import Job

AT = datetime(2026, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5)))


def a_job(at: datetime) -> Job:
    return Job(
        id="j1", kind="k", version=1, queue="default", params={"a": [1]}, due_at=at, created_at=at
    )


def test_an_instant_comes_back_in_utc(database: Database) -> None:
    with database.write() as session:
        session.add(a_job(AT))
    with database.read() as session:
        found = session.scalars(select(Job)).one()
    assert found.due_at.isoformat() == "2026-01-02T14:30:00+00:00"
    assert found.params == {"a": [1]}


def test_an_instant_without_zone_is_refused(sqlite: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"), sqlite.write() as session:
        session.add(a_job(datetime(2026, 1, 2)))


def test_an_error_inside_a_write_undoes_all_of_it(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.write() as session:
            session.add(a_job(AT))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    with database.read() as session:
        assert session.scalars(select(Job)).all() == []


def test_sqlite_keeps_a_write_ahead_log_and_full_sync(sqlite: Database) -> None:
    with sqlite.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not a database URL"),
        ("nonsense", "not a database URL"),
        ("mysql://h/d", "names mysql"),
        ("sqlite://", "needs a file"),
    ],
)
def test_a_wrong_url_is_explained(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Database(url)


def test_a_silent_server_is_named_without_its_password() -> None:
    gone = Database("postgresql://me:hunter2@127.0.0.1:1/x")
    with pytest.raises(UnavailableError, match="check DATABASE__URL") as caught:
        gone.ping()
    assert "hunter2" not in str(caught.value)


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a' / 'b.db'}")
    database.ping()
    database.close()
    assert (tmp_path / "a" / "b.db").exists()

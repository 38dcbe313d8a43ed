"""A commit is read once, however many series it names, and never taken for another."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.services.storage.commits import Commits
from simutrador_data.services.storage.parquet_store import ParquetStore


def test_a_commit_of_many_series_is_read_once(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        names = [f"S{number:03}" for number in range(200)]
        made = store.commit(make_change(*(make_bars(name, n=1) for name in names)))
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection:
        commits = Commits()
        (first,) = commits.history(connection, "S007", Timeframe.MINUTE_1, newest=1)
        assert (first.id, [key.symbol for key in first.series]) == (made.id, names)
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        connection.set_progress_handler(count, 10)
        (again,) = commits.history(connection, "S150", Timeframe.MINUTE_1, newest=1)
        connection.set_progress_handler(None, 0)
    assert again is first
    assert steps < 20  # to read its 200 series takes 300


def test_the_same_number_in_another_history_is_another_commit(tmp_path: Path) -> None:
    commits = Commits()
    found: list[str] = []
    for day, source in ((1, "before"), (2, "after the restore")):
        folder = tmp_path / source
        with ParquetStore(
            folder, clock=lambda day=day: datetime(2024, 1, day, tzinfo=UTC)
        ) as store:
            store.commit(make_change(make_bars("AAPL"), source=source))
        with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection:
            history = commits.history(connection, "AAPL", Timeframe.MINUTE_1, newest=None)
        found += [commit.source for commit in history]
    assert found == ["before", "after the restore"]

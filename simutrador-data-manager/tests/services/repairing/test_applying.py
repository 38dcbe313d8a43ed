"""Patches in a real store: new versions with provenance, undone one by one, never overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.errors import ConflictError, InputError, StoreError
from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.services.repairing.applying import apply_patches, undo_patch
from simutrador_data.services.repairing.log import LOG_NAME, Action, RepairLog
from simutrador_data.services.repairing.patches import Patch
from simutrador_data.services.repairing.proposing import propose, propose_for
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
SOUND = make_bars(timeframe=Timeframe.DAILY, n=40)
QUERY = BarQuery("AAPL", Timeframe.DAILY, datetime(2024, 1, 1, tzinfo=UTC), NOW)


def faulty(*at: int) -> Bars:
    columns = {name: getattr(SOUND, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[list(at)] *= 100
    return replace(SOUND, **columns)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ParquetStore]:
    with ParquetStore(tmp_path) as opened:
        opened.commit(make_change(faulty(12, 13)))
        yield opened


@pytest.fixture
def log(tmp_path: Path) -> RepairLog:
    return RepairLog(tmp_path)


def apply_all(store: ParquetStore, log: RepairLog) -> list[Patch]:
    base = store.latest_commit()
    patches = propose_for(store, None, SOUND.series)
    apply_patches(store, log, patches, base=base, now=NOW)
    return patches


def undo(store: ParquetStore, log: RepairLog, patch_id: str) -> int:
    return undo_patch(store, log, patch_id, latest=store.latest_commit(), now=NOW).commit.id


def test_applied_patches_make_a_new_version_that_names_the_rule(
    store: ParquetStore, log: RepairLog
) -> None:
    first = store.latest_commit()
    assert len(apply_all(store, log)) == 2
    np.testing.assert_allclose(store.read(QUERY).close, SOUND.close, rtol=1e-12)
    assert store.read(replace(QUERY, as_of=first)).equals(faulty(12, 13))
    segments = [(one.rows, one.source) for one in store.segments(QUERY)]
    assert segments == [(12, "test"), (2, "repair:hundredfold"), (26, "test")]
    newest = store.history("AAPL", Timeframe.DAILY)[-1]
    assert (newest.added, newest.replaced, newest.removed) == (0, 2, 0)


def test_nothing_is_proposed_of_what_was_repaired(store: ParquetStore, log: RepairLog) -> None:
    apply_all(store, log)
    assert propose_for(store, None, SOUND.series) == []


def test_each_patch_is_undone_by_itself(store: ParquetStore, log: RepairLog) -> None:
    one, other = apply_all(store, log)
    undo(store, log, one.id)
    close = store.read(QUERY).close
    assert close[12] == faulty(12, 13).close[12]
    assert close[13] == pytest.approx(SOUND.close[13], rel=1e-12)
    undo(store, log, other.id)
    assert store.read(QUERY).equals(faulty(12, 13))
    assert [patch.id for patch in propose_for(store, None, SOUND.series)] == [one.id, other.id]


def test_a_patch_is_applied_again_after_it_was_undone(store: ParquetStore, log: RepairLog) -> None:
    one, _ = apply_all(store, log)
    undo(store, log, one.id)
    assert [patch.id for patch in apply_all(store, log)] == [one.id]
    undo(store, log, one.id)
    assert store.read(QUERY).close[12] == faulty(12, 13).close[12]


def test_undoing_twice_is_refused(store: ParquetStore, log: RepairLog) -> None:
    one, _ = apply_all(store, log)
    latest = undo(store, log, one.id)
    with pytest.raises(InputError, match="is undone already"):
        undo(store, log, one.id)
    assert store.latest_commit() == latest


def test_undoing_what_was_never_applied_is_refused(store: ParquetStore, log: RepairLog) -> None:
    with pytest.raises(InputError, match="no patch 0123456789ab was applied"):
        undo(store, log, "0123456789ab")


@pytest.mark.parametrize("column", ["close", "volume"])
def test_undoing_is_refused_once_the_bar_has_changed(
    store: ParquetStore, log: RepairLog, column: str
) -> None:
    one, _ = apply_all(store, log)
    now = store.read(QUERY).take(slice(12, 13))
    restated = replace(now, **{column: getattr(now, column) + 1})
    store.commit(make_change(restated, on_conflict=OnConflict.REPLACE))
    with pytest.raises(ConflictError, match=r"has changed since.*store history AAPL"):
        undo(store, log, one.id)
    assert store.read(QUERY).take(slice(12, 13)).equals(restated)


def test_applying_is_refused_once_the_series_has_changed(
    store: ParquetStore, log: RepairLog
) -> None:
    base = store.latest_commit()
    patches = propose_for(store, None, SOUND.series)
    later = make_bars(timeframe=Timeframe.DAILY, start=NOW, n=1)
    store.commit(make_change(later))
    with pytest.raises(ConflictError):
        apply_patches(store, log, patches, base=base, now=NOW)
    assert store.read(QUERY).equals(faulty(12, 13))


def test_the_log_tells_what_was_done_and_in_which_commit(
    store: ParquetStore, log: RepairLog
) -> None:
    assert log.entries() == []
    patches = apply_all(store, log)
    applied = store.latest_commit()
    undone = undo(store, log, patches[0].id)
    told = [(entry.action, entry.patch, entry.at, entry.commit) for entry in log.entries("AAPL")]
    assert told == [
        (Action.APPLY, patches[0], NOW, applied),
        (Action.APPLY, patches[1], NOW, applied),
        (Action.UNDO, patches[0], NOW, undone),
    ]
    assert log.entries("MSFT") == []


def test_what_was_applied_before_a_crash_can_be_undone(
    store: ParquetStore, log: RepairLog, tmp_path: Path
) -> None:
    one, _ = apply_all(store, log)
    # The process died between the commit and the note of it.
    with closing(sqlite3.connect(tmp_path / LOG_NAME)) as connection, connection:
        connection.execute("UPDATE repairs SET commit_id = NULL")
    assert [entry.commit for entry in log.entries()] == [None, None]
    undo(store, log, one.id)
    assert store.read(QUERY).close[12] == faulty(12, 13).close[12]


def test_what_a_crash_kept_from_being_applied_needs_no_undoing(
    store: ParquetStore, log: RepairLog
) -> None:
    patches = propose(store.read(QUERY))
    log.begin(Action.APPLY, patches, at=NOW - timedelta(hours=1))
    with pytest.raises(InputError, match="is undone already"):
        undo(store, log, patches[0].id)


def test_a_damaged_log_is_named(store: ParquetStore, log: RepairLog, tmp_path: Path) -> None:
    (tmp_path / LOG_NAME).write_text("no database " * 100)
    with pytest.raises(StoreError, match=r"the log of repairs .*repairs\.sqlite cannot be used"):
        apply_all(store, log)
    assert store.read(QUERY).equals(faulty(12, 13))

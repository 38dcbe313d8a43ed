"""S2: a fault at every file operation in turn leaves the old state or the new one, never a mix."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from simutrador_core.interfaces.storage import Change, Commit
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import blocks, compaction
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore

KINDS: Final = ["eio", "enospc", "short write", "crash", "power loss"]
NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

APPEND: Final = make_change(
    make_bars("AAPL", start=START + 60 * MINUTE, n=30, price=70),
    make_bars("IBM", n=12),
    make_bars("AAPL", Timeframe.DAILY, start=START + timedelta(days=9), n=2),
    covered=[make_covered("AAPL", start=START + 60 * MINUTE, end=START + 120 * MINUTE)],
)
REPLACE: Final = make_change(
    make_bars("AAPL", start=START + 5 * MINUTE, n=20, price=50),
    make_bars("AAPL", Timeframe.DAILY, n=3, price=50),
    covered=[
        make_covered("AAPL", start=START, end=START + 45 * MINUTE),
        make_covered("AAPL", Timeframe.DAILY, start=START, end=START + timedelta(days=3)),
    ],
    on_conflict=OnConflict.REPLACE,
)


@dataclass(frozen=True)
class Action:
    """Something a store is asked to do, and what it is asked with."""

    name: str
    act: Callable[[ParquetStore], object]


def commit(name: str, change: Change) -> Action:
    """Return the action of committing a change."""
    return Action(name, lambda store: store.commit(change))


def tidy(store: ParquetStore) -> None:
    """Compact, then delete what compaction left."""
    store.maintain(Maintenance.COMPACT)
    store.maintain(Maintenance.VACUUM)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put more than eight rows into a file, so that each action writes files and blocks."""
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)


class Trial:
    """One action, tried with a fault at each of its file operations."""

    def __init__(self, disk: Any, folder: Path, action: Action) -> None:
        self._disk = disk
        self._folder = folder
        self._action = action
        self._template = folder / "template"
        with self.open(self._template) as store:
            write_history(store)
            self.old = facts_of(store)
        with self.open(self.copy("fault-free")) as store:
            action.act(store)
            self.new = facts_of(store)
        self.rounds = 0

    def open(self, root: Path, ops: FileOps | None = None) -> ParquetStore:
        return ParquetStore(root, ops=ops or self._disk.ops(), clock=lambda: NOW)

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self._template, self._folder / name))

    def run(self, kind: str) -> int:
        """Try every operation in turn; return how many there are."""
        for at in range(1, 1_000):
            if not self._round(kind, at):
                return at - 1
            self.rounds += 1
        pytest.fail(f"{self._action.name} never ends")

    def _round(self, kind: str, at: int) -> bool:
        root = self.copy(f"{kind}-{at}".replace(" ", "-"))
        ops = self._disk.ops()
        store = self.open(root, ops)
        ops.arm(kind, at)
        try:
            self._action.act(store)
        except self._disk.Crash:
            store.close()  # what the end of the process would do
            store = self.open(root)
        except DiskError:
            assert kind not in self._disk.stops
        ops.disarm()
        if kind == "power loss" and not ops.fired:
            store = self._after_the_last_operation(store, ops)
        with store:
            self._check(store, f"{kind} at operation {at} of {self._action.name}")
        shutil.rmtree(root)
        return ops.fired

    def _after_the_last_operation(self, store: ParquetStore, ops: Any) -> ParquetStore:
        ops.cut_power()
        store.close()
        reopened = self.open(store.root)
        try:
            assert facts_of(reopened) == self.new, "acknowledged, then lost with the power"
        except BaseException:
            reopened.close()
            raise
        return reopened

    def _check(self, store: ParquetStore, place: str) -> None:
        assert facts_of(store) in (self.old, self.new), f"{place}: neither old nor new"
        assert store.maintain(Maintenance.VERIFY).problems == (), place
        self._action.act(store)
        assert facts_of(store) == self.new, f"{place}: doing it again did not bring the new state"
        store.maintain(Maintenance.VACUUM)
        assert facts_of(store) == self.new, f"{place}: vacuum changed what is read"
        assert list((store.root / "tmp").glob("*")) == [], f"{place}: scratch files stay for good"


def write_history(store: ParquetStore) -> None:
    """Write files, blocks, restated and removed rows: something of everything."""
    store.commit(make_change(make_bars("AAPL", n=40), source="acme"))
    store.commit(make_change(make_bars("AAPL", Timeframe.DAILY, n=6), source="acme"))
    restated = make_bars("AAPL", start=START + 10 * MINUTE, n=5, price=90)
    store.commit(make_change(restated, source="other", on_conflict=OnConflict.REPLACE))
    gone = make_covered("AAPL", start=START + 30 * MINUTE, end=START + 33 * MINUTE)
    store.commit(make_change(covered=[gone], source="other", on_conflict=OnConflict.REPLACE))


def prove(disk: Any, folder: Path, action: Action, figure: Callable[[str], None]) -> None:
    """Try an action with every kind of fault at every operation."""
    trial = Trial(disk, folder, action)
    operations = {trial.run(kind) for kind in KINDS}
    assert min(operations) >= 3
    figure(f"{action.name}: {trial.rounds} faults at {max(operations)} operations, 0 mixed states")


@contextmanager
def files_without_fsync() -> Iterator[None]:
    """Fault: a file is named by the catalogue before its bytes are on the disk."""

    def create(self: FileOps, path: Path, parts: Any) -> None:
        self.before("create", path)
        with path.open("xb") as file:
            self._write(file.fileno(), parts)

    with patch.object(FileOps, "create", create):
        yield


@contextmanager
def delete_before_insert() -> Iterator[None]:
    """Fault: a replacement is two commits, first the old rows go, then the new ones come."""
    whole = ParquetStore.commit

    def halves(self: ParquetStore, change: Change, *, base: int | None = None) -> Commit:
        if change.pages and change.on_conflict is OnConflict.REPLACE:
            whole(self, replace(change, pages=()), base=base)
        return whole(self, change, base=base)

    with patch.object(ParquetStore, "commit", halves):
        yield


@contextmanager
def delete_files_before_the_list_changes() -> Iterator[None]:
    """Fault: compaction deletes what it read before the catalogue names what it wrote."""
    whole = compaction._point_at

    def hasty(catalogue: Any, contents: Any, new: Any, spans: Any, *, place: str) -> int:
        if place == compaction.HISTORY:  # the live rows have moved already
            contents.remove_unnamed([span.object for span in spans if span.object.path])
        return whole(catalogue, contents, new, spans, place=place)

    with patch.object(compaction, "_point_at", hasty):
        yield


@contextmanager
def folders_without_fsync() -> Iterator[None]:
    """Fault: the name of a renamed file may be lost after the catalogue names it."""
    with patch.object(FileOps, "_sync", lambda self, folder: None):
        yield


@pytest.mark.acceptance("S2", package="data-manager", breaks=files_without_fsync)
def test_a_fault_during_an_append_leaves_old_or_new(
    disk: Any, fast_path: Path, figure: Callable[[str], None]
) -> None:
    prove(disk, fast_path, commit("append", APPEND), figure)


@pytest.mark.acceptance("S2", package="data-manager", breaks=delete_before_insert)
def test_a_fault_during_a_replacement_leaves_old_or_new(
    disk: Any, fast_path: Path, figure: Callable[[str], None]
) -> None:
    prove(disk, fast_path, commit("replace", REPLACE), figure)


@pytest.mark.acceptance("S2", package="data-manager", breaks=delete_files_before_the_list_changes)
def test_a_fault_during_compaction_leaves_every_version_readable(
    disk: Any, fast_path: Path, figure: Callable[[str], None]
) -> None:
    prove(disk, fast_path, Action("compact", tidy), figure)


@pytest.mark.acceptance("S2", package="data-manager", breaks=folders_without_fsync)
def test_a_fault_while_a_store_is_made_loses_nothing_that_was_acknowledged(
    disk: Any, fast_path: Path, figure: Callable[[str], None]
) -> None:
    first = make_change(make_bars("AAPL", n=30))
    rounds = 0
    for kind in KINDS:
        for at in range(1, 1_000):
            root = fast_path / f"{kind}-{at}"
            ops = disk.ops()
            ops.arm(kind, at)
            acknowledged = False
            try:
                with ParquetStore(root, ops=ops) as store:
                    store.commit(first)
                    acknowledged = True
                    store.commit(make_change(make_bars("IBM", n=30)))
            except (disk.Crash, DiskError):
                rounds += 1
            with ParquetStore(root) as store:
                held = [info.symbol for info in store.symbols()]
                assert "AAPL" in held or not acknowledged, f"{kind} at operation {at}: lost"
                assert store.maintain(Maintenance.VERIFY).problems == (), f"{kind} at {at}"
                store.commit(first)
            if not ops.fired:
                break
    figure(f"create: {rounds} faults, 0 acknowledged commits lost")

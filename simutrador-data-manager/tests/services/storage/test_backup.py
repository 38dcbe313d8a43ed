"""A backup is one committed state, whole while others write, and restores to the same answers."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from simutrador_core.errors import CorruptDataError, InputError, StoreError, StoreFormatError
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.backup import BackupReport, verify_backup
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.restoring import restore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put more than eight rows into a file, so that stores here have files and blocks."""
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)


def fill(root: Path) -> ParquetStore:
    """Return a store with files, blocks, old versions and two series."""
    store = ParquetStore(root)
    store.commit(make_change(make_bars("AAPL", n=40)))
    store.commit(make_change(make_bars("IBM", Timeframe.DAILY, n=5)))
    again = make_bars("AAPL", start=START + 5 * MINUTE, n=12, price=50)
    store.commit(make_change(again, on_conflict=OnConflict.REPLACE))
    store.maintain(Maintenance.COMPACT)
    store.maintain(Maintenance.VACUUM)
    store.commit(make_change(make_bars("AAPL", start=START + 40 * MINUTE, n=5)))
    return store


def back_up(store: LocalBars, target: Path) -> BackupReport:
    return store.back_up(target, made_at=NOW)


def test_a_restored_store_gives_the_same_answers(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        facts = facts_of(store)
        made = back_up(store, tmp_path / "backup")
    shutil.rmtree(tmp_path / "store")
    assert verify_backup(tmp_path / "backup", FileOps()) == []
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    with ParquetStore(tmp_path / "again") as store:
        assert facts_of(store) == facts
        assert store.maintain(Maintenance.VERIFY).problems == ()
        assert back_up(store, tmp_path / "second").manifest.state == made.manifest.state
        store.commit(make_change(make_bars("MSFT")))
        assert back_up(store, tmp_path / "third").manifest.state != made.manifest.state


def test_a_second_backup_copies_only_what_is_new(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        first = back_up(store, tmp_path / "backup")
        assert first.copied_files == len(first.manifest.files) > 1
        store.commit(make_change(make_bars("MSFT", n=20)))
        second = back_up(store, tmp_path / "backup")
        assert second.copied_files == 1
        assert len(second.manifest.files) == len(first.manifest.files) + 1
        store.maintain(Maintenance.COMPACT)
        store.maintain(Maintenance.VACUUM)
        last = back_up(store, tmp_path / "backup")
        facts = facts_of(store)
    assert verify_backup(tmp_path / "backup", FileOps()) == []
    held = {p.relative_to(tmp_path / "backup").as_posix() for p in files_of(tmp_path / "backup")}
    named = {entry.path for entry in last.manifest.files}
    assert held == named | {"manifest.json", "backup.lock", last.manifest.catalogue.path}
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    with LocalBars(tmp_path / "again") as source:
        assert facts_of(source) == facts  # pyright: ignore[reportArgumentType]


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_backup_made_while_others_write_is_one_committed_version(fast_path: Path) -> None:
    def write(version: int) -> None:
        bars = make_bars(n=10 + version % 7, price=10 + version)
        store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))

    def keep_writing() -> None:
        version = 2
        while not done.is_set():
            write(version)
            if version % 3 == 0:
                store.maintain(Maintenance.COMPACT)
                store.maintain(Maintenance.VACUUM)
            version += 1

    done = threading.Event()
    with ParquetStore(fast_path / "store") as store:
        write(1)
        writer = threading.Thread(target=keep_writing)
        writer.start()
        try:
            made = [back_up(store, fast_path / f"backup-{i % 2}") for i in range(8)]
        finally:
            done.set()
            writer.join()
        for name, report in (("backup-0", made[-2]), ("backup-1", made[-1])):
            assert verify_backup(fast_path / name, FileOps()) == []
            restore(fast_path / name, fast_path / f"again-{name}", FileOps())
            version = report.manifest.latest_commit
            with LocalBars(fast_path / f"again-{name}") as source:
                query = query_all(as_of=version)
                assert source.dataset_id([query]) == store.dataset_id([query])


def test_what_users_keep_beside_the_store_comes_back_too(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        (tmp_path / "store" / "assets.toml").write_text("# mine\n")
        back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    assert (tmp_path / "again" / "assets.toml").read_text() == "# mine\n"


def harmed(folder: Path, how: str) -> Path:
    """Harm the first data file of a backup; return its path."""
    path = min((folder / "bars").rglob("*.parquet"))
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    return path


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_damaged_backup_is_named_and_restores_nothing(tmp_path: Path, how: str) -> None:
    with fill(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    path = harmed(tmp_path / "backup", how)
    (problem,) = verify_backup(tmp_path / "backup", FileOps())
    assert str(path) in problem
    with pytest.raises(CorruptDataError, match=path.name):
        restore(tmp_path / "backup", tmp_path / "again", FileOps())
    assert files_of(tmp_path / "again") == []


def test_a_damaged_store_is_not_backed_up_over_a_good_backup(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
        store.commit(make_change(make_bars("MSFT", n=20)))
        (path,) = (tmp_path / "store").rglob("MSFT/*.parquet")
        path.write_bytes(b"?" * path.stat().st_size)
        with pytest.raises(CorruptDataError, match=path.name):
            back_up(store, tmp_path / "backup")
        assert verify_backup(tmp_path / "backup", FileOps()) == []
        store.maintain(Maintenance.VERIFY)
        back_up(store, tmp_path / "backup")
        assert verify_backup(tmp_path / "backup", FileOps()) == []


def test_folders_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("mine")
        for target, text in (
            (tmp_path / "store", "lies in the store"),
            (tmp_path / "store" / "backup", "lies in the store"),
            (tmp_path / "mine", "notes.txt"),
        ):
            with pytest.raises(InputError, match=text):
                back_up(store, target)
        back_up(store, tmp_path / "backup")
    with pytest.raises(InputError, match=r"catalogue\.sqlite already"):
        restore(tmp_path / "backup", tmp_path / "store", FileOps())
    with pytest.raises(StoreError, match="holds no backup"):
        restore(tmp_path / "mine", tmp_path / "again", FileOps())


def test_a_store_begun_anew_does_not_replace_the_backup_of_the_lost_one(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    shutil.rmtree(tmp_path / "store")
    with ParquetStore(tmp_path / "store") as store:
        with pytest.raises(InputError, match="backup of another store"):
            back_up(store, tmp_path / "backup")
        for number in range(6):  # as many commits, but others
            store.commit(make_change(make_bars("MSFT", n=number + 1)))
        with pytest.raises(InputError, match="backup of another store"):
            back_up(store, tmp_path / "backup")
    assert verify_backup(tmp_path / "backup", FileOps()) == []


def test_a_restored_store_goes_on_with_its_backup(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    with ParquetStore(tmp_path / "again") as store:
        store.commit(make_change(make_bars("MSFT")))
        back_up(store, tmp_path / "backup")
    assert verify_backup(tmp_path / "backup", FileOps()) == []


def test_two_backups_do_not_go_into_one_folder_at_once(tmp_path: Path) -> None:
    def meanwhile(done: int, total: int) -> None:
        if done == 0:
            with pytest.raises(StoreError, match="another backup is being written"):
                back_up(store, tmp_path / "backup")

    with fill(tmp_path / "store") as store:
        store.back_up(tmp_path / "backup", made_at=NOW, watch=meanwhile)
        back_up(store, tmp_path / "backup")
    assert verify_backup(tmp_path / "backup", FileOps()) == []


def test_restoring_writes_over_no_file_of_the_users(tmp_path: Path) -> None:
    with fill(tmp_path / "store") as store:
        (tmp_path / "store" / "assets.toml").write_text("# backed up\n")
        back_up(store, tmp_path / "backup")
    mine = tmp_path / "again" / "assets.toml"
    mine.parent.mkdir()
    mine.write_text("# mine\n")
    with pytest.raises(InputError, match=r"assets\.toml already"):
        restore(tmp_path / "backup", tmp_path / "again", FileOps())
    assert mine.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"store_format": 99}, StoreFormatError),
        ({"files": [{"path": "../x", "sha256": "", "bytes": 1}]}, CorruptDataError),
        ({"files": 3}, CorruptDataError),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_refused(
    tmp_path: Path, change: dict[str, Any], error: type[Exception]
) -> None:
    with fill(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(error, match=r"manifest\.json"):
        restore(tmp_path / "backup", tmp_path / "again", FileOps())


@pytest.mark.parametrize("kind", ["enospc", "short write", "crash"])
@pytest.mark.parametrize("act", ["back up", "restore"])
def test_a_fault_at_any_step_leaves_a_whole_backup_and_no_half_store(
    disk: Any, fast_path: Path, kind: str, act: str
) -> None:
    store = fill(fast_path / "store")
    with store:
        back_up(store, fast_path / "first")
        store.commit(make_change(make_bars("MSFT", n=20)))
        for at in range(1, 200):
            work = Path(shutil.copytree(fast_path / "first", fast_path / f"work-{at}"))
            ops = disk.ops()
            ops.arm(kind, at)
            target = fast_path / f"again-{at}"
            try:
                if act == "restore":
                    restore(work, target, ops)
                else:
                    with LocalBars(store.root, ops=ops) as source:
                        back_up(source, work)
            except (DiskError, disk.Crash):
                assert ops.fired
            assert verify_backup(work, FileOps()) == []
            if (target / "catalogue.sqlite").exists():
                with ParquetStore(target) as again:
                    assert again.maintain(Maintenance.VERIFY).problems == ()
            if not ops.fired:
                assert at > 5
                return
    pytest.fail(f"{act} never ends")


def test_a_read_only_source_can_be_backed_up(tmp_path: Path) -> None:
    fill(tmp_path / "store").close()
    with LocalBars(tmp_path / "store") as source:
        query: BarQuery = replace(query_all("AAPL"), as_of=1)
        identity = source.dataset_id([query])
        back_up(source, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again", FileOps())
    with LocalBars(tmp_path / "again") as source:
        assert source.dataset_id([query]) == identity

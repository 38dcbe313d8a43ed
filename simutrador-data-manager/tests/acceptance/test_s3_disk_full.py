"""S3: the disk runs full at any point; the error says so, nothing is lost, and it goes on later."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pytest
from typer.testing import CliRunner

from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.cli.commands import app
from simutrador_data.services.storage import backup, blocks, compaction, file_ops
from simutrador_data.services.storage.backup import verify_backup
from simutrador_data.services.storage.file_ops import DiskError, FileOps
from simutrador_data.services.storage.manifest import read_manifest
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.restoring import restore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
DISK_BYTES: Final = 4 * 1024**2
PAGE_BYTES: Final = 4096
CAUSES: Final = (os.strerror(errno.ENOSPC), "database or disk is full")
"""What the operating system and SQLite say."""
STEP_BYTES: Final = at_scale(6, 1) * PAGE_BYTES
"""By how much the free space grows from one try to the next."""
GIVEN: Final = make_change(
    make_bars("AAPL", n=3_000, price=70),
    make_bars("MSFT", n=300),
    make_bars("AAPL", Timeframe.DAILY, n=40, price=70),
    on_conflict=OnConflict.REPLACE,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of four megabytes, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    how = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},uid={getattr(os, 'getuid', int)()}"]
    allowed: list[str] = []
    for allowed in ([], ["sudo", "-n"]):
        if shutil.which([*allowed, *how][0]) is None:
            continue
        command = [*allowed, *how, "simutrador-small-disk", str(folder)]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            break
    else:
        pytest.skip("a small disk needs the right to mount a tmpfs: run as root, or with sudo")
    try:
        yield folder
    finally:
        subprocess.run([*allowed, "umount", "--lazy", str(folder)], check=True)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put more than a hundred rows into a file, so that a commit writes files and blocks."""
    monkeypatch.setattr(blocks, "MAX_ROWS", 100)


def leave(disk: Path, free: int) -> Path:
    """Fill a disk with one file until so many bytes are free; return the file."""
    ballast = disk / "ballast"
    left = shutil.disk_usage(disk).free - free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(PAGE_BYTES, left // PAGE_BYTES * PAGE_BYTES))
    return ballast


def write_history(store: ParquetStore) -> None:
    """Write several files and blocks, and versions that differ."""
    for price in (50, 51, 52):
        volume = np.random.default_rng(price).integers(1, 10**6, 8_000)  # takes room when packed
        bars = make_bars("AAPL", n=8_000, price=price, volume=volume.astype(np.float64))
        store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
        store.commit(make_change(make_bars("IBM", n=30, price=price), source=str(price)))


def assert_says_why(error: DiskError, disk: Path) -> None:
    """Assert that an error names the cause, the place and the next step."""
    assert error.errno == errno.ENOSPC, error
    assert any(cause in str(error) for cause in CAUSES)
    assert str(disk) in str(error)
    assert "free some space, then try again" in str(error)


def fill_step_by_step(
    disk: Path, act: Callable[[ParquetStore], object], *, least: int
) -> tuple[int, int]:
    """Try an action with ever more space, each time on the same history.

    Returns:
        How often it found the disk full, and the bytes it needs.
    """
    template = disk.parent / "template"
    with ParquetStore(template, clock=lambda: NOW, mirror_limit_bytes=0) as store:
        write_history(store)
        old = facts_of(store)
    expected = Path(shutil.copytree(template, disk.parent / "expected"))
    with ParquetStore(expected, clock=lambda: NOW, mirror_limit_bytes=0) as store:
        act(store)
        new = facts_of(store)
    full = 0
    for free in range(0, DISK_BYTES, STEP_BYTES):
        root = Path(shutil.copytree(template, disk / "store"))
        with ParquetStore(root, clock=lambda: NOW, mirror_limit_bytes=0) as store:
            store.symbols()  # opening needs a page of SQLite's index, see docs/store.md
            ballast = leave(disk, free)
            was_full = False
            try:
                act(store)
            except DiskError as error:
                was_full = True
                full += 1
                assert_says_why(error, disk)
                assert facts_of(store) == old, f"{free} bytes free: not the old state"
            else:
                assert facts_of(store) == new, f"{free} bytes free: acknowledged, but not stored"
            ballast.unlink()
            act(store)
            assert facts_of(store) == new, f"{free} bytes free: it does not resume by itself"
            store.maintain(Maintenance.VACUUM)
            assert store.maintain(Maintenance.VERIFY).problems == ()
            assert facts_of(store) == new
            assert list((root / "tmp").glob("*")) == [], "what a full disk cut short stays for good"
        shutil.rmtree(root)
        if not was_full:
            assert full >= least, f"the disk was full only {full} times"
            return full, free
    pytest.fail("it never has enough space")


@contextmanager
def ignores_what_the_disk_refused() -> Iterator[None]:
    """Fault: a transaction for which there is no space is acknowledged."""
    whole = FileOps.commit

    def lenient(self: FileOps, connection: sqlite3.Connection, path: Path) -> None:
        try:
            whole(self, connection, path)
        except sqlite3.OperationalError:
            if connection.in_transaction:  # mostly SQLite has rolled it back by itself
                connection.execute("ROLLBACK")

    with patch.object(FileOps, "commit", lenient):
        yield


@pytest.mark.acceptance("S3", package="data-manager", breaks=ignores_what_the_disk_refused)
def test_a_commit_on_a_full_disk_changes_nothing_and_works_once_there_is_space(
    small_disk: Path, figure: Callable[[str], None]
) -> None:
    full, needed = fill_step_by_step(small_disk, lambda store: store.commit(GIVEN), least=3)
    figure(f"commit: full at {full} points up to {needed} bytes, 0 lost, resumed each time")


@contextmanager
def cleans_up_too_much() -> Iterator[None]:
    """Fault: what takes away a file that did not fit takes the series' other files with it."""
    whole = compaction._write

    def thorough(contents: Any, table: Any, series: Any, *, place: str, label: str) -> Any:
        try:
            return whole(contents, table, series, place=place, label=label)
        except OSError:
            for path in contents._root.rglob("*.parquet"):
                path.unlink()
            raise

    with patch.object(compaction, "_write", thorough):
        yield


def compact(store: ParquetStore) -> None:
    store.maintain(Maintenance.COMPACT)
    assert store.maintain(Maintenance.COMPACT).changed == 0, "it left something undone"


@pytest.mark.acceptance("S3", package="data-manager", breaks=cleans_up_too_much)
def test_compaction_on_a_full_disk_loses_no_version(
    small_disk: Path, figure: Callable[[str], None]
) -> None:
    full, needed = fill_step_by_step(small_disk, compact, least=3)
    figure(f"compact: full at {full} points up to {needed} bytes, 0 lost, resumed each time")


@contextmanager
def makes_room_first() -> Iterator[None]:
    """Fault: a backup deletes the one before it, then copies."""
    whole = backup._Copier.run

    def bold(self: Any, *given: Any, **named: Any) -> Any:
        for path in self._target.rglob("*.parquet"):
            path.unlink()
        return whole(self, *given, **named)

    with patch.object(backup._Copier, "run", bold):
        yield


@pytest.mark.acceptance("S3", package="data-manager", breaks=makes_room_first)
def test_a_backup_that_does_not_fit_leaves_the_one_before(
    small_disk: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    ops, earlier = FileOps(), tmp_path / "earlier"
    target = small_disk / "backup"
    full = 0
    with ParquetStore(tmp_path / "store") as store:
        write_history(store)
        before = store.back_up(earlier, made_at=NOW).manifest
        store.commit(GIVEN)
        for free in range(0, DISK_BYTES, STEP_BYTES):
            shutil.copytree(earlier, target)
            ballast = leave(small_disk, free)
            was_full = False
            try:
                store.back_up(target, made_at=NOW)
            except DiskError as error:
                was_full = True
                full += 1
                assert_says_why(error, small_disk)
                assert verify_backup(target, ops) == []
                assert read_manifest(target) == before
            ballast.unlink()
            made = store.back_up(target, made_at=NOW).manifest
            assert made.latest_commit == before.latest_commit + 1
            assert verify_backup(target, ops) == []
            assert restore(target, tmp_path / f"again-{free}", ops).state == made.state
            shutil.rmtree(target)
            if not was_full:
                break
        else:
            pytest.fail("it never has enough space")
    assert full >= 3
    figure(f"backup: full at {full} points up to {free} bytes, the one before stays whole")


def says_nothing_useful() -> Any:
    """Fault: a full disk is told as any other error."""
    return patch.dict(file_ops._NEXT_STEP, clear=True)


@pytest.mark.acceptance("S3", package="data-manager", breaks=says_nothing_useful)
def test_commands_on_a_full_disk_say_why_and_work_once_there_is_space(
    small_disk: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    data, csv = small_disk / "store", tmp_path / "BTC-USD.csv"
    csv.write_text(
        "time,open,high,low,close,volume\n"
        + "".join(
            f"{1_577_836_800 + 60 * n},100.5,101.25,99.75,100.{n % 97:02},{n}\n"
            for n in range(2_000)
        )
    )
    first = tmp_path / "first.csv"
    first.write_text("\n".join(csv.read_text().splitlines()[:1_000]) + "\n")
    runner, where = CliRunner(), ["--data", str(data)]
    named = ["--symbol", "BTC-USD", *where]
    assert runner.invoke(app, ["import", str(first), *named]).exit_code == 0
    commands = [
        ["import", str(csv), *named],
        ["resample", "BTC-USD", *where],
        ["store", "compact", *where],
        ["store", "backup", str(small_disk / "copy"), *where],
    ]
    for command in commands:
        ballast = leave(small_disk, 9 * PAGE_BYTES)  # SQLite needs 32 kB to open
        ended = runner.invoke(app, command)
        assert ended.exit_code != 0, f"{command}: {ended.output}"
        told = " ".join((ended.stdout + ended.stderr).split())
        assert any(cause in told for cause in CAUSES), f"{command}: {told}"
        assert "free some space" in told, command
        assert "Traceback" not in told
        ballast.unlink()
        ended = runner.invoke(app, command)
        assert ended.exit_code == 0, f"{command}: {ended.output}"
    ended = runner.invoke(app, ["store", "verify", *where])
    assert ended.exit_code == 0, ended.output
    with ParquetStore(data) as store:
        assert len(store.read(query_all("BTC-USD"))) == 2_000
    figure(f"{len(commands)} commands: cause and next step named, each works afterwards")

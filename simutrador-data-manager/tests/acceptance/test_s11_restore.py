"""S11: a backup taken while others write is the store again, hash for hash, after all is wiped."""

from __future__ import annotations

import runpy
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Final
from unittest.mock import patch

import pytest

from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage.backup import verify_backup
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.manifest import state_of
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.restoring import restore

SCRIPT: Final = Path(__file__).with_name("store_processes.py")
STEPS: Final = SimpleNamespace(**runpy.run_path(str(SCRIPT.with_name("store_steps.py"))))
NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
OPS: Final = FileOps()


@contextmanager
def busy_writer(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Let a process restate one series, compact and vacuum until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "restate", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        except BaseException:
            process.kill()
            raise


def versions(store: ParquetStore, *, until: int) -> dict[int, str]:
    """Return the hash of what is read of some thirty versions, the newest among them."""
    numbers = [*range(1, until, max(1, until // 30)), until]
    return {number: store.dataset_id([query_all("AAPL", as_of=number)]) for number in numbers}


@contextmanager
def leaves_the_log_out() -> Iterator[None]:
    """Fault: a backup copies the catalogue's file, without what stands in its write-ahead log."""

    def copy(_: FileOps, source: sqlite3.Connection, path: Path) -> None:
        shutil.copy(source.execute("PRAGMA database_list").fetchone()[2], path)

    with patch.object(FileOps, "snapshot_of", copy):
        yield


@pytest.mark.acceptance("S11", package="data-manager", breaks=leaves_the_log_out)
def test_restored_backups_of_a_busy_store_have_its_hashes(
    fast_path: Path, figure: Callable[[str], None]
) -> None:
    rounds = at_scale(6, 100)
    root, backup = fast_path / "store", fast_path / "backup"
    copied = 0
    with ParquetStore(root) as store:
        store.commit(STEPS.change_to_version(1))
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        with busy_writer(root) as writer:
            for number in range(rounds):
                known = store.status().latest_commit
                made = store.back_up(backup, made_at=NOW)
                latest = made.manifest.latest_commit
                copied += made.copied_files
                assert latest >= known, "a commit acknowledged before the backup is not in it"
                assert verify_backup(backup, OPS) == []
                again = fast_path / f"again-{number}"
                assert restore(backup, again, OPS).state == made.manifest.state
                with ParquetStore(again, mirror_limit_bytes=0) as restored:
                    assert restored.status().latest_commit == latest
                    assert versions(restored, until=latest) == versions(store, until=latest)
                    assert restored.maintain(Maintenance.VERIFY).problems == ()
                shutil.rmtree(again)
            told = writer.communicate()[0].splitlines()
        last = int(told[-1])
        assert last > rounds, "the writer was not busy"
        facts = facts_of(store)
        state = store.back_up(backup, made_at=NOW).manifest.state
    with sqlite3.connect(root / CATALOGUE_NAME) as connection:
        assert state_of(connection) == state
    connection.close()
    shutil.rmtree(root)
    assert restore(backup, root, OPS).state == state
    with ParquetStore(root) as store:
        assert facts_of(store) == facts
        assert store.back_up(fast_path / "next", made_at=NOW).manifest.state == state
        assert store.commit(STEPS.change_to_version(last + 1)).id == last + 1
    figure(f"{rounds} backups of a store with {last} versions, {copied} files, every hash equal")

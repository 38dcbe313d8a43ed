"""The commands that look after a store: what they say, their documents and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
RESTATED = """\
Date,Open,High,Low,Close,Volume
2024-01-04,101.00,102.50,100.50,102.25,1100
2024-01-08,103.00,104.50,102.50,104.00,1300
"""


@pytest.fixture
def restated(run: Run, imported: Path, tmp_path: Path) -> Path:
    """Return the store of `imported` after a second import: one bar changed, one is new."""
    (tmp_path / "again" / "ACME.csv").parent.mkdir()
    (tmp_path / "again" / "ACME.csv").write_text(RESTATED)
    file = tmp_path / "again" / "ACME.csv"
    assert run("import", file, "--data", imported, "--on-conflict", "replace").code == 0
    return imported


def test_status_counts_what_there_is(run: Run, imported: Path) -> None:
    document = run("store", "status", "--data", imported, "--json").document
    assert (document["series"], document["rows"], document["latest_commit"]) == (1, 3, 1)
    assert document["blocks"]["rows"] == 3
    assert "1 series, 3 bars" in run("store", "status", "--data", imported).out


def test_history_says_where_each_commit_came_from(run: Run, imported: Path) -> None:
    document = run("store", "history", "ACME", "--data", imported, "--json").document
    (commit,) = document["commits"]
    assert commit["added"] == 3
    assert commit["source"] == "file:ACME.csv"
    assert commit["series"] == [{"symbol": "ACME", "timeframe": "daily", "adjustment": "raw"}]
    assert commit["request"]
    assert commit["code_version"]
    assert commit["fetched_at"].endswith("Z")
    assert "file:ACME.csv" in run("store", "history", "ACME", "--data", imported).out


def test_history_of_an_unknown_symbol_fails(run: Run, imported: Path) -> None:
    done = run("store", "history", "NOPE", "--data", imported)
    assert done.code == 1
    assert "NOPE" in done.err


def test_diff_shows_what_a_restatement_changed(run: Run, restated: Path) -> None:
    given = ("store", "diff", "ACME", "--from", "1", "-t", "daily", "--data", restated)
    document = run(*given, "--json").document
    assert document["counts"] == {"added": 1, "removed": 0, "changed": 1}
    assert document["changed"]["before"]["close"] == [102.0]
    assert document["changed"]["after"]["close"] == [102.25]
    assert document["added"]["close"] == [104.0]
    shown = run(*given)
    assert shown.code == 0
    assert "1 bars added, 0 removed, 1 changed" in shown.out
    assert "102.0 -> 102.25" in shown.out


def test_diff_from_a_version_to_come_is_refused(run: Run, imported: Path) -> None:
    done = run("store", "diff", "ACME", "--from", "9", "-t", "daily", "--data", imported)
    assert done.code == 2
    assert "9" in done.err


def test_verify_lists_what_to_fetch_again(run: Run, imported: Path) -> None:
    assert run("store", "verify", "--data", imported).code == 0
    run("store", "compact", "--data", imported)
    (file,) = imported.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    document = run("store", "verify", "--data", imported, "--json").document
    assert file.name in document["problems"][0]
    (again,) = document["refetch"]
    assert (again["symbol"], again["timeframe"]) == ("ACME", "daily")
    assert again["start"].startswith("2024-01-02")
    assert run("store", "verify", "--data", imported).code == 0
    assert run("bars", "ACME", "-t", "daily", "--data", imported, "--json").code == 0


def test_verify_ends_with_1_and_a_line_for_each_range(run: Run, imported: Path) -> None:
    run("store", "compact", "--data", imported)
    (file,) = imported.rglob("*.parquet")
    file.unlink()
    done = run("store", "verify", "--data", imported)
    assert done.code == 1
    assert "fetch again ACME daily raw from 2024-01-02" in done.out


def test_vacuum_drops_versions_when_told_since_when(run: Run, restated: Path) -> None:
    assert run("store", "vacuum", "--data", restated).code == 0
    given = ("store", "diff", "ACME", "--from", "1", "-t", "daily", "--data", restated)
    assert run(*given).code == 0
    done = run("store", "vacuum", "--keep-versions-since", "2", "--data", restated, "--json")
    assert done.code == 0
    gone = run(*given, "--json")
    assert gone.code == 2
    assert gone.document["error"]["code"] == "version_gone"


def test_a_setting_says_how_long_versions_are_kept(
    run: Run, restated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("store", "diff", "ACME", "--from", "1", "-t", "daily", "--data", restated)
    monkeypatch.setenv("DATA_STORAGE__KEEP_VERSIONS", "P90D")
    run("store", "vacuum", "--data", restated)
    assert run(*given).code == 0
    monkeypatch.setenv("DATA_STORAGE__KEEP_VERSIONS", "PT0S")
    run("store", "vacuum", "--data", restated)
    assert run(*given).code == 2


def test_vacuum_refuses_what_names_no_version(run: Run, imported: Path) -> None:
    for text in ("99", "yesterday"):
        done = run("store", "vacuum", "--keep-versions-since", text, "--data", imported)
        assert done.code == 2


def test_backup_and_restore_bring_the_same_store_back(run: Run, restated: Path) -> None:
    folder, again = restated.parent / "backup", restated.parent / "again-store"
    made = run("store", "backup", folder, "--data", restated, "--json").document
    assert made["latest_commit"] == 2
    assert run("store", "verify", "--backup", folder).code == 0
    back = run("store", "restore", folder, "--data", again, "--json").document
    assert back["state"] == made["state"]
    for store in (restated, again):
        document = run("bars", "ACME", "-t", "daily", "--data", store, "--json").document
        assert document["series"][0]["close"] == [101.0, 102.25, 103.0, 104.0]
    assert run("store", "restore", folder, "--data", again).code == 2
    assert run("store", "restore", restated.parent, "--data", again).code == 1


def test_a_damaged_backup_is_told(run: Run, imported: Path) -> None:
    folder = imported.parent / "backup"
    run("store", "backup", folder, "--data", imported)
    (catalogue,) = folder.glob("catalogue-*")
    catalogue.write_bytes(b"?")
    done = run("store", "verify", "--backup", folder)
    assert done.code == 1
    assert catalogue.name in done.out

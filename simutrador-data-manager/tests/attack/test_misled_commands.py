"""Commands that are pointed at the wrong place say so, and leave that place as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from simutrador_data.cli.commands import app

CSV = "Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,5\n2024-01-03,2,3,2,3,5\n"


def run(*arguments: object) -> tuple[int, Any]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return done.exit_code, orjson.loads(done.stdout)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "ACME.csv").write_text(CSV)
    assert run("import", tmp_path / "ACME.csv", "--data", tmp_path / "store")[0] == 0
    return tmp_path / "store"


@pytest.mark.parametrize(
    "command", [["symbols"], ["validate"], ["gaps"], ["bars", "ACME"], ["resample"]]
)
def test_a_folder_without_a_store_is_no_store_and_gets_none(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    code, document = run(*command, "--data", tmp_path / "mine")
    assert (code, document["error"]["code"]) == (1, "no_store")
    assert "--data" in document["error"]["message"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_doctor_does_not_make_a_store_of_any_folder(tmp_path: Path) -> None:
    code, document = run("doctor", "--data", tmp_path)
    (found,) = [check for check in document["checks"] if check["check"] == "store"]
    assert (code, found["verdict"]) == (0, "warning")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["validate", "gaps"])
def test_a_gate_that_judged_nothing_does_not_pass(store: Path, command: str) -> None:
    code, document = run(command, "--timeframe", "1min", "--data", store)
    assert code == 1
    assert "no 1min raw bars" in document["error"]["message"]
    assert "import" in document["error"]["message"]


@pytest.mark.parametrize("name", ["acme.xyz", "acme", "."])
def test_an_export_whose_name_says_no_format_is_refused(
    store: Path, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.iterdir())
    code, document = run("bars", "ACME", "--data", store, "--out", tmp_path / name)
    assert (code, document["error"]["field"]) == (2, "out")
    assert ".parquet" in document["error"]["message"]
    assert sorted(tmp_path.iterdir()) == before


def test_a_format_said_aloud_takes_any_file_name(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "acme.txt"
    code, _ = run("bars", "ACME", "--data", store, "--out", out, "--format", "csv")
    assert (code, len(out.read_text().splitlines())) == (0, 3)


def test_a_folder_is_no_file_to_export_to(store: Path, tmp_path: Path) -> None:
    code, document = run("bars", "ACME", "--data", store, "--out", tmp_path, "--format", "csv")
    assert (code, document["error"]["code"]) == (1, "os_error")
    assert str(tmp_path) in document["error"]["message"]


def test_a_calendar_that_does_not_exist_is_a_usage_error(store: Path, tmp_path: Path) -> None:
    code, document = run(
        "import", tmp_path / "ACME.csv", "--calendar", "XXXX", "--data", tmp_path / "other"
    )
    assert (code, document["error"]["field"]) == (2, "calendar")
    assert not (tmp_path / "other").exists()


def test_a_usage_error_makes_no_store(tmp_path: Path) -> None:
    (tmp_path / "ACME.csv").write_text(CSV)
    code, _ = run("import", tmp_path / "ACME.csv", "--symbol", "../x", "--data", tmp_path / "other")
    assert code == 2
    assert not (tmp_path / "other").exists()

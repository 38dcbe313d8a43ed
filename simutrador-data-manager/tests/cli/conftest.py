"""Runs commands as a user does, on a small store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from simutrador_data.cli.commands import app

CSV = """\
Date,Open,High,Low,Close,Volume
2024-01-02,100.00,101.50,99.50,101.00,1000
2024-01-04,101.00,102.50,100.50,102.00,1100
2024-01-05,102.00,103.50,101.50,103.00,1200
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return orjson.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs one command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("ENV", "DATA_STORAGE__BASE_PATH", "API_HOST", "API_PORT"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()

    def run(*arguments: object) -> Ran:
        done = runner.invoke(app, [str(argument) for argument in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def imported(run: Run, tmp_path: Path) -> Path:
    """Return the folder of a store with three daily bars of ACME; 3 January is absent."""
    file = tmp_path / "ACME.csv"
    file.write_text(CSV)
    assert run("import", file, "--data", tmp_path / "store").code == 0
    return tmp_path / "store"

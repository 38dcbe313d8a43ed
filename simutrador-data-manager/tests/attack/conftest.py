"""Runs the command as a user does, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

MAIN: Final = "from simutrador_data.cli.commands import main; main()"
OURS: Final = ("ENV", "API_", "API__", "DATA_STORAGE__", "LOGGING__", "COLUMNS")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that standard output is."""
        return json.loads(self.out)


@dataclass
class Commands:
    """Starts commands in a folder, and ends those still running with the test."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: object, env: dict[str, str] | None = None, **how: Any) -> Any:
        """Start a command; its output is caught."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        self.started.append(
            subprocess.Popen(
                [sys.executable, "-c", MAIN, *map(str, arguments)],
                cwd=how.pop("cwd", self.folder),
                env=clean | (env or {}),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                **how,
            )
        )
        return self.started[-1]

    def run(self, *arguments: object, **how: Any) -> Ended:
        """Run a command to its end."""
        return self.end(self.start(*arguments, **how))

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a command."""
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    """Return a runner of commands in an empty folder."""
    made = Commands(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of minutes that takes several pages, hence several commits."""
    path = tmp_path_factory.mktemp("long") / "BTC-USD.csv"
    rows = (
        f"{1_577_836_800 + 60 * n},100.5,101.25,99.75,100.{n * n % 97:02},{n * n % 9973},{NOTE}"
        for n in range(LONG)
    )
    path.write_text("time,open,high,low,close,volume,note\n" + "\n".join(rows) + "\n")
    return path


LONG: Final = 160_000
"""Rows of the long file."""

NOTE: Final = "-" * 160
"""A column nobody needs: a page is so many bytes, and the test wants pages, not bars."""

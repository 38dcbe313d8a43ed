"""The examples of docs/downloads.md, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "downloads.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def run(folder: Path, *command: str) -> str:
    here = Path(sys.executable).parent
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_run(tmp_path: Path) -> None:
    (shell,) = blocks("bash")
    printed = run(tmp_path, "bash", "-euc", shell)
    written = [
        int(count) for count in re.findall(r"completed: (\d[\d,]*) bars", printed.replace(",", ""))
    ]
    # Minutes of quiet sessions are absent, so there may be a few less than 390 a session.
    assert 5 * 375 <= written[0] <= 5 * 390
    assert 2 * 375 <= written[1] <= 2 * 390
    assert len(written) == 2
    assert "0 differ, 0 only stored, 0 only synthetic" in printed


def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = blocks("python")
    status, written = run(tmp_path, sys.executable, "-c", example).split()
    assert status == "completed"
    assert 2 * 375 <= int(written) <= 2 * 390

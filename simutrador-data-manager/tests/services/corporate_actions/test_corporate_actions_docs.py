"""The examples of docs/corporate-actions.md, run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "corporate-actions.md"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    return found


def ran(command: list[str], folder: Path) -> str:
    here = Path(sys.executable).parent
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_give_what_the_page_says(tmp_path: Path) -> None:
    shell = ran(["bash", "-euc", block("bash")], tmp_path)
    # The 3rd of January: 100 halved, and its 100 shares doubled.
    assert re.search(r"2024-01-03.*,49\.5,50\.5,49\.0,50\.0,200", shell), shell
    assert re.search(r"2024-01-03 +49\.50 +50\.50 +49\.00 +50\.00 +200", shell), shell
    assert "file:actions.csv" in shell
    python = ran([sys.executable, "-c", block("python")], tmp_path)
    assert json.loads(python) == pytest.approx([48.02, 49, 49.98, 49, 49.5], rel=1e-12)

"""The examples of docs/delta.md, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[4] / "docs" / "delta.md"


def test_the_examples_run(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (shell,) = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    python = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    here = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    printed = run("bash", "-euc", shell)
    assert printed.count("verified: both hold dataset") == 2
    table, store = (run(sys.executable, "-c", block) for block in python)
    assert [line.split(",")[0] for line in table.splitlines()] == [
        "{'symbol': 'AAPL'",
        "{'symbol': 'MSFT'",
    ]
    assert store.split()[0] == "AAPL"

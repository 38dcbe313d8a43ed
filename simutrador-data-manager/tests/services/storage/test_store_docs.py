"""The commands of docs/store.md, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "store.md"


def test_the_commands_run(tmp_path: Path) -> None:
    (shell,) = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    here = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euc", shell],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = re.findall(r"^state ([0-9a-f]{64})$", done.stdout, flags=re.MULTILINE)
    assert len(states) == 2
    assert len(set(states)) == 1
    assert done.stdout.count("all is well") == 2

"""The example of docs/repair.md, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "repair.md"


def test_the_example_gives_what_the_page_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    here = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euc", example],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 patches proposed" in done.stdout
    assert re.search(r"2024-01-04.*,10\.2,10\.3,10\.1,10\.25,110", done.stdout), done.stdout

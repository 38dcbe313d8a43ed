"""The examples of docs/sql.md, run as they stand, print what stands below them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "sql.md"


def test_the_examples_print_what_they_promise(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```(bash|python|text)\n(.*?)```", text, flags=re.DOTALL)
    here = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    for name in ("ENV", "DATA_STORAGE__BASE_PATH"):
        environment.pop(name, None)
    printed, compared = "", 0
    for language, block in blocks:
        if language == "text":
            assert printed.splitlines() == block.splitlines()
            compared += 1
        elif "pip install" not in block:
            shell = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
            done = subprocess.run(
                [*shell, block],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            printed = done.stdout
    assert compared == 4

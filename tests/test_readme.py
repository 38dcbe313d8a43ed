"""The README's five minutes, run as they stand: each command, and the lines it promises."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@dataclass(frozen=True)
class Step:
    """One block of commands and the lines its output must hold."""

    commands: str
    promised: list[str]


def steps(text: str) -> list[Step]:
    """Return the blocks of the tour, each with the lines promised right after it."""
    tour = text.split("## Five minutes")[1].split("\n## ", maxsplit=1)[0]
    found = re.findall(r"```bash\n(.*?)```\s*(?:```text\n(.*?)```)?", tour, flags=re.DOTALL)
    return [Step(commands, promised.strip().splitlines()) for commands, promised in found]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def folded(text: str) -> str:
    """Return text with every run of white space as one blank."""
    return " ".join(text.split())


@pytest.mark.integration
def test_the_tour_prints_what_the_readme_promises(tmp_path: Path) -> None:
    # The environment under test is this one: `uv run` would only look it up again.
    port = str(free_port())
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "API__PORT": port,
        "COLUMNS": "160",
    }
    found = steps(README.read_text(encoding="utf-8"))
    assert len(found) > 4, "the tour lost its steps"
    for step in found:
        script = step.commands.replace("uv run ", "").replace("8002", port)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{step.commands}\n{done.stdout}\n{done.stderr}"
        output = folded(done.stdout + done.stderr)
        for line in step.promised:
            assert folded(line) in output, f"{line!r} is not in the output of\n{step.commands}"

"""The command `simutrador-server` in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from simutrador_server.cli.commands import main; main()"]


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[Any]:
    """Run a serving command in a process of its own and yield what it said first."""
    command = [*COMMAND, *arguments, "--auth-port", "0", "--ws-port", "0", "--json"]
    with running(command, cwd=cwd) as said:
        yield said


@contextmanager
def running(command: Sequence[str], *, cwd: Path) -> Iterator[Any]:
    """Run a command that serves until interrupted and yield the document it said first."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        text = ""
        while not text.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            text += line
        yield json.loads(text)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "token=" not in errors

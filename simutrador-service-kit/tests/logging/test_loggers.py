"""What a process writes before logging is set up goes to standard error."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO

import pytest

SAY = """
from simutrador_service.logging import get_logger
get_logger("here").warning("said", of="x")
"""


def test_standard_output_stays_free_for_results() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAY], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    assert "said" in done.stderr


def test_it_writes_to_what_standard_error_is_when_it_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from simutrador_service.logging.loggers import _to_standard_error

    with StringIO() as gone, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", gone)
        _to_standard_error().msg("first")
        assert gone.getvalue() == "first\n"
    now = StringIO()
    monkeypatch.setattr(sys, "stderr", now)
    _to_standard_error().msg("second")
    assert now.getvalue() == "second\n"

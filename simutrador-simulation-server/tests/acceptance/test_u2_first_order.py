"""U2: the first order is filled by running what the demo prints, as it is printed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from simutrador_core.testing.acceptance import Figure
from simutrador_server.cli import demo
from venue_process import started


@contextmanager
def tutorial_is_out_of_date() -> Iterator[None]:
    """Let the tutorial speak of a field that the venue no longer reads."""
    stale = demo.tutorial_text().replace('"orders": [', '"order_list": [')
    with patch.object(demo, "tutorial_text", return_value=stale):
        yield


@pytest.mark.acceptance("U2", package="simulation-server", breaks=tutorial_is_out_of_date)
@pytest.mark.integration
def test_printed_client_gets_its_orders_filled(tmp_path: Path, figure: Figure) -> None:
    client = tmp_path / "tutorial_client.py"
    client.write_text(demo.tutorial_text(), encoding="utf-8")
    begun = time.monotonic()
    with started("demo", cwd=tmp_path) as printed:
        done = subprocess.run(
            [sys.executable, str(client)],
            env={**os.environ, **printed["environment"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("execution_report {")
    assert "'side': 'buy'" in first
    assert last.startswith("simulation_end {'reason': 'completed'")
    assert seconds < 300
    figure(f"first order filled and run ended {seconds:.1f} s after the command")


@pytest.mark.integration
def test_demo_prints_the_file_that_the_tests_run(tmp_path: Path) -> None:
    with started("demo", cwd=tmp_path) as printed:
        assert printed["tutorial_client"] == demo.tutorial_text()
        assert printed["api_key"].startswith("sk_")

"""P3: four processes share a budget of 5 requests a second; the vendor never sees more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_core.testing.builders import make_bars
from simutrador_data.testing import FaultServer, most_in_window

SCRIPT: Final = Path(__file__).with_name("budget_processes.py")
PROCESSES: Final = 4
A_SECOND: Final = 5
SECONDS: Final = at_scale(4, 60)
SPARE: Final = at_scale(PROCESSES, 1)
"""One request may be late and meet the next ones; on a busy machine one of each process."""
PLACE: Final = ["shared"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


@contextmanager
def every_process_counts_alone() -> Iterator[None]:
    """Fault: the budget is not shared."""
    PLACE.insert(0, "alone")
    yield
    PLACE.pop(0)


@pytest.mark.acceptance("P3", package="data-manager", breaks=every_process_counts_alone)
def test_four_processes_stay_within_one_budget(tmp_path: Path, figure: Figure) -> None:
    file = str(tmp_path / "budgets.sqlite")
    each = SECONDS * A_SECOND // PROCESSES
    with FaultServer([make_bars("BTC-USDT")]) as server:
        place = file if PLACE[0] == "shared" else PLACE[0]
        command = [sys.executable, str(SCRIPT), server.url("binance"), place, str(PROCESSES)]
        ended = subprocess.run([*command, str(each)], timeout=SECONDS * 3 + 60, check=False)
        calls = server.calls
    assert ended.returncode == 0, f"{ended.returncode} processes failed, see above"
    assert len(calls) == each * PROCESSES
    most = most_in_window(calls, 1.0)
    assert most <= A_SECOND + SPARE, f"{most} requests within one second"
    took = calls[-1].at - calls[0].at
    figure(f"{len(calls)} requests of {PROCESSES} processes in {took:.1f} s, at most {most} in 1 s")

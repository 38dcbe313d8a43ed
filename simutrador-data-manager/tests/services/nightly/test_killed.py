"""A process that does a run is killed, and another one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from nightly_service import TUESDAY, WEDNESDAY, Nightly, opened_nightly, session_bars
from simutrador_data.models.nightly_update_api import RunStatus, SymbolStatus
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.testing import FaultServer
from simutrador_service.jobs import Worker

SYMBOLS: Final = ("AAPL", "MSFT", "IBM")
PAGES_A_SYMBOL: Final = 8  # 780 bars, 100 a page
PATIENCE_S: Final = 60.0
LEASE: Final = timedelta(seconds=0.4)


@contextmanager
def a_worker(folder: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker in a process of its own; it is dead in the end."""
    here = Path(__file__)
    command = [sys.executable, str(here.with_name("a_worker.py")), str(folder), address]
    helpers = {**os.environ, "PYTHONPATH": str(here.parents[2])}
    with subprocess.Popen(command, env=helpers, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def ended(nightly: Nightly, job_id: str) -> None:
    """Work until the run has ended."""
    until = time.monotonic() + PATIENCE_S
    worker = Worker(nightly.jobs, lease=LEASE)
    while nightly.jobs.get(job_id).ended_at is None:
        assert time.monotonic() < until, "the run was not taken over"
        if not worker.run_until_idle():
            time.sleep(0.05)  # until the dead worker's lease has run out


def test_a_run_whose_process_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    bars = [session_bars(symbol, TUESDAY, WEDNESDAY) for symbol in SYMBOLS]
    with (
        FaultServer(bars, page_rows=100) as server,
        opened_nightly(tmp_path / "store", server.url("polygon")) as nightly,
    ):
        with a_worker(tmp_path / "store", server.url("polygon")):
            run = NightlyRun(
                symbols=SYMBOLS, max_concurrent=1, start_date=TUESDAY, end_date=WEDNESDAY
            )
            job = nightly.runs.start(run)
            assert server.wait_for_calls(PAGES_A_SYMBOL + 3, PATIENCE_S)
        before = {row.symbol: row.status for row in nightly.runs.get(job.id)[1]}
        done = [symbol for symbol, status in before.items() if status == SymbolStatus.COMPLETED]
        assert 1 <= len(done) < len(SYMBOLS)
        server.forget()
        ended(nightly, job.id)
        details = nightly.details(job.id)
        asked = Counter(call.symbol for call in server.calls)
    assert details.status is RunStatus.COMPLETED
    assert [asked[symbol] for symbol in done] == [0] * len(done)
    assert all(asked[symbol] <= PAGES_A_SYMBOL + 1 for symbol in SYMBOLS)
    for one in details.symbol_results.values():
        assert (one.success, one.validation_summary.valid_days) == (True, 2)
        assert one.resampling_results or one.symbol in done
        assert (one.start_date, one.end_date) == (TUESDAY, WEDNESDAY)

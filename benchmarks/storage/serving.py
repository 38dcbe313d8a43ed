"""How many answers of 10,000 bars a running service gives: `python benchmarks/storage/serving.py`.

The service runs in a process of its own, started by its command, and is asked over four
connections that stay open. What is asked of it is a share of what it reaches with an answer of a
few bytes, measured in the same run, because machines differ.
"""
# ruff: noqa: S603, T201 - a script: it starts the service and prints its table

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

from load import Load, ask
from market import SESSION, minutes, session_start
from table import OURS, Row, markdown

EMPTY: Final = "a few bytes"
BARS: Final = 10_000
CONNECTIONS: Final = 4
ROUNDS: Final = 9
_STARTED_S: Final = 60.0
_LEAST: Final = {"json": 0.06, "arrow": 0.18}
"""Requests a second as a share of those with a few bytes: 300 and 900 where those are 5,000."""


def measure(folder: Path, symbol: str, *, sessions: int, requests: int = 200) -> Iterator[Row]:
    """Yield a row for each format, for ranges never asked before and for one asked again.

    Args:
        folder: A store with minutes of the symbol, closed.
        symbol: Whose minutes.
        sessions: How many sessions it has, from `session_start(0)` on.
        requests: How many a round.
    """
    last = sessions - BARS // SESSION - 3
    ranges = iter(_ranges(last))
    with _serving(folder) as port:
        for name, least in _LEAST.items():
            base = f"/trading-data/bars?symbols={symbol}&format={name}"
            again = f"{base}&{next(ranges)}"
            ask(port, [again, "/health/live"], requests=40, connections=CONNECTIONS)
            fresh: list[Load] = []
            same: list[Load] = []
            empty: list[Load] = []
            for _ in range(ROUNDS):
                paths = [f"{base}&{next(ranges)}" for _ in range(requests)]
                fresh.append(ask(port, paths, requests=requests, connections=CONNECTIONS))
                same.append(ask(port, [again], requests=requests, connections=CONNECTIONS))
                empty.append(
                    ask(port, ["/health/live"], requests=5 * requests, connections=CONNECTIONS)
                )
            few = median(load.each_ms for load in empty)
            for work, loads in (("never asked before", fresh), ("asked again", same)):
                each = median(load.each_ms for load in loads)
                yield Row(
                    f"serve {BARS:,} bars as {name}, {work}, a request", "ms",
                    {OURS: each, EMPTY: few}, at_most=round(1 / least, 1),
                    note=f" ({1_000 / each:,.0f} a second, {loads[-1].body_bytes:,} bytes)",
                )  # fmt: skip


def _ranges(last: int) -> Iterator[str]:
    """Yield ranges of about as many bars, each of them once: 26 sessions from any minute on."""
    span = timedelta(days=-(-BARS // SESSION) * 7 // 5)
    for minute in range(0, SESSION, 7):
        for number in range(last - 30):
            start = session_start(number) + timedelta(minutes=minute)
            yield f"start={start:%Y-%m-%dT%H:%M:%S}Z&end={start + span:%Y-%m-%dT%H:%M:%S}Z"


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-c", "from simutrador_data.cli.commands import main; main()"]
    command += ["serve", "--port", str(port), "--data", str(folder)]
    log = folder.with_name(f"{folder.name}.log")
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as server,
    ):
        try:
            _wait(port, server, log)
            yield port
        finally:
            server.terminate()


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTED_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the service did not start:\n{log.read_text(encoding='utf-8')[-2_000:]}")


def main() -> None:
    """Measure a store of its own and print the table."""
    from ours import Ours

    sessions = 504
    with tempfile.TemporaryDirectory(prefix="simutrador-bench-") as scratch:
        folder = Path(scratch) / "store"
        store = Ours(folder)
        store.write("SPY", store.prepare("SPY", minutes(sessions, seed=1)))
        store.tidy()
        store.close()
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        print(markdown(list(measure(folder, "SPY", sessions=sessions))))


if __name__ == "__main__":
    main()

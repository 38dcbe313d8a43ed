"""Any range is streamed in little memory: from the store, and by the service and its reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_change
from simutrador_data.services.storage.parquet_store import ParquetStore

SCRIPT = Path(__file__).with_name("read_stream.py")
MINUTE_US = 60_000_000
COMMITS = at_scale(4, 40)
EACH = 500_000
MOST = 300 * 1024**2
"""Bytes the whole process may hold, its libraries included."""
GROWTH = 80 * 1024**2
"""Bytes it may grow behind its first part; the rows of four commits take 96 million."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of millions of minutes of BTC-USD."""
    made = tmp_path_factory.mktemp("stream") / "store"
    start = to_us(datetime(1990, 1, 1, tzinfo=UTC))
    rng = np.random.default_rng(5)
    with ParquetStore(made) as store:
        for number in range(COMMITS):
            times = start + (number * EACH + np.arange(EACH)) * MINUTE_US
            close = (20_000 + rng.integers(-500, 500, EACH)) / 100
            store.commit(
                make_change(
                    Bars(
                        "BTC-USD",
                        Timeframe.MINUTE_1,
                        Adjustment.RAW,
                        times,
                        *[close] * 4,
                        volume=rng.integers(0, 10**6, EACH).astype(np.float64),
                    )
                )
            )
    return made


def read(source: str) -> tuple[int, int, int]:
    """Return the rows a reader in a process of its own got, and its peaks of memory."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows, begun, peak = map(int, done.stdout.split())
    return rows, begun, peak


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Run the command that serves a store; give its address and process id."""
    command = [sys.executable, "-c", "from simutrador_data.cli.commands import main; main()"]
    command += ["serve", "--port", "0", "--json", "--data", str(folder)]
    environment = {**os.environ, "LOGGING__LEVEL": "ERROR"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = ""
        while not said.rstrip().endswith("}"):
            said += server.stdout.readline()
        try:
            # The reader asks again until the server listens.
            yield json.loads(said)["url"], server.pid
        finally:
            server.terminate()


def peak_of(process: int) -> int:
    """Return the most memory a process held at once so far, bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process has ended")


def test_a_store_streams_any_range_in_little_memory(folder: Path) -> None:
    rows, begun, peak = read(f"local:{folder}")
    assert rows == COMMITS * EACH
    assert peak - begun < GROWTH
    assert peak < MOST


def test_the_service_and_its_reader_stream_any_range_in_little_memory(folder: Path) -> None:
    with served(folder) as (url, process):
        rows, begun, peak = read(f"remote:{url}")
        assert rows == COMMITS * EACH
        assert peak - begun < GROWTH
        assert peak < MOST
        assert peak_of(process) < MOST

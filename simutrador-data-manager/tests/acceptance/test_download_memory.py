"""A year of minutes is downloaded by a process that never holds 150 MB, its libraries included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from data_vendors import KEYS, made_up_minutes, stored
from simutrador_core.models.bars import Bars
from simutrador_core.testing.acceptance import Figure
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import FaultServer

SCRIPT: Final = Path(__file__).with_name("download_peak.py")
MOST: Final = 150 * 1024**2
PAGE_ROWS: Final = 50_000
YEAR: Final = ("--start", "2024-01-02", "--end", "2024-12-31")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


@pytest.fixture(scope="module")
def truth() -> Bars:
    return made_up_minutes("AAPL", date(2024, 1, 2), date(2024, 12, 30))


@pytest.fixture(scope="module")
def vendor(truth: Bars) -> Iterator[FaultServer]:
    with FaultServer([truth], page_rows=PAGE_ROWS, keys={"polygon": KEYS["polygon"]}) as server:
        yield server


def download(vendor: FaultServer, folder: Path, *, mistake: str = "none") -> tuple[int, int]:
    """Download the year with the command line; return the bars written and the peak of memory."""
    environment = {name: value for name, value in os.environ.items() if "__" not in name} | {
        "POLYGON__BASE_URL": vendor.url("polygon"),
        "POLYGON__API_KEY": KEYS["polygon"],
        "POLYGON__RATE_LIMIT": "100/s",
    }
    peak = folder / "peak"
    command = [sys.executable, str(SCRIPT), str(peak), mistake, "update", "AAPL", *YEAR]
    command += ["--provider", "polygon", "--data", str(folder / "store"), "--json"]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["written"], int(peak.read_text())


def test_a_year_of_minutes_is_downloaded_below_150_mb(
    vendor: FaultServer, truth: Bars, tmp_path: Path, figure: Figure
) -> None:
    began = time.monotonic()
    written, peak = download(vendor, tmp_path)
    figure(f"{written:,} bars in {time.monotonic() - began:.1f} s, at most {peak / 2**20:.0f} MB")
    with ParquetStore(tmp_path / "store") as store:
        assert stored(store, truth).equals(truth)
    assert written == len(truth) > 90_000
    assert peak < MOST


def test_a_download_that_imports_pandas_does_not_stay_below(
    vendor: FaultServer, tmp_path: Path
) -> None:
    """Plant the fault the figure exists to catch."""
    written, peak = download(vendor, tmp_path, mistake="pandas")
    assert written > 90_000
    assert peak > MOST

"""A year of minutes of 500 symbols, 49 million bars, is validated in 60 s and 500 MB."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import at_scale
from simutrador_data.services.storage.parquet_store import ParquetStore

SCRIPT: Final = Path(__file__).with_name("validate_minutes.py")
SYMBOLS: Final = at_scale(12, 500)
YEAR_MINUTES: Final = 97_740
"""XNYS 2024: 252 sessions, three of them half."""
ABSENT_EACH: Final = 1_000
LEAST_RATE: Final = 49e6 / 60
"""Bars a second; one core does several times as many."""
MOST: Final = 500 * 1024**2
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
END: Final = datetime(2025, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of a year of minutes of many symbols; each lacks a thousand of them."""
    made = tmp_path_factory.mktemp("year") / "store"
    schedule = get_calendar("XNYS").between(date(2024, 1, 1), date(2025, 1, 1))
    opens = np.concatenate(
        [
            np.arange(*hours, 60_000_000, dtype=np.int64)
            for hours in zip(schedule.opens, schedule.closes, strict=True)
        ]
    )
    assert len(opens) == YEAR_MINUTES
    rng = np.random.default_rng(7)
    with ParquetStore(made) as store:
        for number in range(SYMBOLS):
            kept = np.sort(rng.permutation(len(opens))[ABSENT_EACH:])
            close = np.round(100 + np.cumsum(rng.normal(0, 0.01, len(kept))), 2)
            bars = Bars(
                f"S{number:03d}",
                Timeframe.MINUTE_1,
                Adjustment.RAW,
                opens[kept],
                *(close, close, close, close),
                volume=rng.integers(0, 10**6, len(kept)).astype(np.float64),
            )
            asked = Covered(bars.series, START, END)
            store.commit(Change([bars], [asked], "test", "a year", END))
    return made


def test_a_year_of_minutes_is_validated_quickly_in_little_memory(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    bars, absent, spent, peak = map(float, done.stdout.split())
    assert bars == SYMBOLS * (YEAR_MINUTES - ABSENT_EACH)
    assert absent == SYMBOLS * ABSENT_EACH
    rate = bars * (SYMBOLS - 1) / SYMBOLS / spent
    assert rate > LEAST_RATE, f"{rate:,.0f} bars a second"
    assert peak < MOST, f"{peak / 1024**2:.0f} MB"
    assert not (folder / "mirrors").exists(), "nothing is kept ready for a next read"

"""A year of minutes is downloaded in the memory of a few pages."""

from __future__ import annotations

import asyncio
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.testing.calendars import make_calendar
from simutrador_data.services.downloading import DownloadRequest, DownloadStatus, download
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore

from .faulty_vendor import FaultyVendor, truth

MOST_BYTES: Final = 30 * 1024**2
PAGE_ROWS: Final = 50_000
YEAR: Final = make_calendar(date(2024, 1, 1), date(2025, 1, 1))


def test_a_year_of_minutes_needs_the_memory_of_a_few_pages(tmp_path: Path) -> None:
    bars = truth(first=date(2024, 1, 2), last=date(2024, 12, 30), calendar=YEAR)
    assert len(bars) > 100_000
    with ParquetStore(tmp_path) as store:
        tracemalloc.start()
        try:
            report = asyncio.run(
                download(
                    DownloadRequest(("AAPL",), range=Range(date(2024, 1, 2), date(2024, 12, 31))),
                    providers=[FaultyVendor([bars], rows=PAGE_ROWS)],
                    store=store,
                    registry=AssetRegistry.default(),
                    calendars=lambda _name: YEAR,
                    now=lambda: datetime(2025, 1, 10, tzinfo=UTC),
                )
            )
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert report.status is DownloadStatus.COMPLETED
    assert report.total("written") == len(bars)
    assert most < MOST_BYTES

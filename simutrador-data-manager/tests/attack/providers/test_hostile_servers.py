"""Vendors that refuse, lie about where they are, flood us, or are not there at all."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from data_vendors import KEYS, Bounds, fetch, fetched, made_up_minutes, stored, wrong_bars
from simutrador_core.errors import StoreError
from simutrador_core.models.enums import Adjustment
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.data_providers.http import Retries
from simutrador_data.services.downloading import DownloadStatus, Patience
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import Fault, FaultServer, Pace, Reply

TRUTH: Final = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 1))
OTHERS: Final = [
    made_up_minutes(name, date(2024, 5, 1), date(2024, 5, 1)) for name in ("MSFT", "F")
]
IMPATIENT: Final = Bounds(retries=Retries(1), patience=Patience(2, 1, 1, first_wait_s=0.01))
MEGABYTE: Final = 1 << 20


@pytest.mark.parametrize(
    ("fault", "requests"),
    # A 401 refuses the key, a 403 perhaps one symbol only: each is tried once.
    [(Fault.UNAUTHORIZED, 1), (Fault.FORBIDDEN, 3), (Fault.KEY_IN_ERROR, 3)],
)
def test_a_refused_key_is_told_and_not_tried_again(fault: Fault, requests: int) -> None:
    store = MemoryStore()
    with FaultServer([TRUTH, *OTHERS], keys=KEYS) as server:
        server.always(fault)
        report = fetched(server, store, [TRUTH, *OTHERS], at_once=1)
        assert len(server.calls) == requests
    assert report.status is DownloadStatus.FAILED
    reasons = {failure.reason for one in report.symbols for failure in one.failures}
    assert reasons
    assert not any(KEYS["polygon"] in reason for reason in reasons)


def test_a_key_that_is_wrong_is_told(tmp_path: Path) -> None:
    with FaultServer([TRUTH], keys={"polygon": "another-key"}) as server:
        report = fetched(server, MemoryStore(), [TRUTH])
    assert report.status is DownloadStatus.FAILED
    assert "401" in report.symbols[0].failures[0].reason


@pytest.mark.parametrize("fault", [Fault.HOST_SWITCH, Fault.REDIRECT_AWAY])
def test_no_key_follows_to_another_host(fault: Fault) -> None:
    store = MemoryStore()
    with FaultServer([TRUTH], keys=KEYS, page_rows=100) as server:
        server.always(fault)
        report = fetched(server, store, [TRUTH], bounds=IMPATIENT)
        hosts = {call.host.partition(":")[0] for call in server.calls}
    assert hosts == {"127.0.0.1"}
    assert wrong_bars(store, TRUTH) == 0
    whole = stored(store, TRUTH).equals(TRUTH)
    assert whole == (report.status is DownloadStatus.COMPLETED)


def test_no_network_ends_quickly_and_clean() -> None:
    with FaultServer([TRUTH]) as server:
        gone = server.url("polygon")
    begun = time.monotonic()
    with FaultServer([TRUTH]) as server:
        report = fetched(server, MemoryStore(), [TRUTH, *OTHERS], url=gone, bounds=IMPATIENT)
    assert report.status is DownloadStatus.FAILED
    assert all(one.failures for one in report.symbols)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("flood", ["gzip bomb", "page of 100 MB"])
def test_a_flood_is_stopped_before_it_fills_the_memory(flood: str) -> None:
    page = b'{"status":"OK","results":[' + b" " * (100 * MEGABYTE) + b"]}"
    pace = Pace(bomb_bytes=512 * MEGABYTE)
    with FaultServer([TRUTH], pace=pace) as server:
        server.always(Fault.GZIP_BOMB if flood == "gzip bomb" else Reply(page))
        tracemalloc.start()
        try:
            report = fetched(server, MemoryStore(), [TRUTH], bounds=IMPATIENT)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert report.status is DownloadStatus.FAILED
    # 64 MiB are read at most; the page of 100 MB itself was made before.
    assert peak < 300 * MEGABYTE


def test_two_downloads_of_one_symbol_at_once_store_it_once(fast_path: Path) -> None:
    async def both(server: FaultServer) -> list[DownloadStatus]:
        with ParquetStore(fast_path) as one, ParquetStore(fast_path) as two:
            reports = await asyncio.gather(fetch(server, one, [TRUTH]), fetch(server, two, [TRUTH]))
        return [report.status for report in reports]

    with FaultServer([TRUTH], page_rows=40) as server:
        assert asyncio.run(both(server)) == [DownloadStatus.COMPLETED] * 2
    with ParquetStore(fast_path) as store:
        assert stored(store, TRUTH).equals(TRUTH)


@pytest.mark.parametrize(
    ("first", "last", "bars"),
    [
        (date(2024, 3, 8), date(2024, 3, 11), 780),
        (date(2024, 11, 1), date(2024, 11, 4), 780),
        (date(2024, 11, 27), date(2024, 11, 29), 600),
    ],
    ids=["summer time begins", "summer time ends", "half day"],
)
@pytest.mark.parametrize("vendor", ["polygon", "fmp", "tiingo", "alpaca"])
def test_new_york_hours_are_right_on_both_sides_of_a_change(
    vendor: str, first: date, last: date, bars: int
) -> None:
    truth = made_up_minutes("AAPL", first, last)
    if vendor == "fmp":
        truth = replace(truth, adjustment=Adjustment.SPLIT)
    assert 0.97 * bars < len(truth) < bars
    store = MemoryStore()
    with FaultServer([truth], page_rows=300) as server:
        report = fetched(server, store, [truth], vendor=vendor)
    assert stored(store, truth).equals(truth)
    assert report.status is DownloadStatus.COMPLETED, report.symbols[0].failures


def test_a_full_disk_is_told_and_the_download_goes_on_afterwards(tmp_path: Path, disk: Any) -> None:
    told = 0
    for number in (1, 3, 5, 8, 12, 16):
        ops, folder = disk.ops(), tmp_path / str(number)
        with FaultServer([TRUTH], page_rows=100) as server:
            with ParquetStore(folder, ops=ops) as store:
                ops.arm("enospc", number)
                try:
                    fetched(server, store, [TRUTH])
                except StoreError as e:
                    told += "space" in str(e)
            with ParquetStore(folder) as store:
                assert wrong_bars(store, TRUTH) == 0
                assert fetched(server, store, [TRUTH]).status is DownloadStatus.COMPLETED
                assert stored(store, TRUTH).equals(TRUTH)
    assert told > 0

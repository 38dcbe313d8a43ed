"""P1: a vendor fails in 23 ways; once costs requests, for ever ends in a clean error.

Nothing that the vendor never had is stored, and nothing absent is called settled. All ways are
tried at once, each with a vendor and a store of its own: most of the time is spent waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from data_vendors import Bounds, false_claims, fetch, made_up_minutes, stored, wrong_bars
from simutrador_core.testing.acceptance import Figure
from simutrador_data.services.data_providers.http import Retries, Timeouts
from simutrador_data.services.downloading import DownloadStatus, Patience
from simutrador_data.services.downloading.pursuit import Pursuit
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import P1_FAULTS, Fault, FaultServer, Pace

TRUTH: Final = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 2))
OTHER: Final = made_up_minutes("MSFT", date(2024, 5, 1), date(2024, 5, 2))
PAGE_ROWS: Final = 200
RETRY_AFTER_S: Final = 1
PACE: Final = Pace(drip_s=0.05, hang_s=5.0, gone_s=0.05, retry_after=str(RETRY_AFTER_S))
PATIENT: Final = [Bounds(timeouts=Timeouts(0.5, 1.0, 1.5))]
SHORT: Final = Bounds(
    timeouts=Timeouts(0.3, 0.5, 0.8),
    retries=Retries(2, 0.01, 0.05, 5.0),
    patience=Patience(faults=2, outages=1, first_wait_s=0.01, longest_wait_s=1.5),
)
SLACK_S: Final = 20.0
"""For what is no waiting: 23 downloads share a processor or two."""

OVERCOME: Final = frozenset({Fault.NEVER_ADVANCES, Fault.FUTURE_BARS})
"""Even on every page these hide nothing: the truth is there beside the nonsense."""

CONSISTENT: Final = frozenset({Fault.MISSING_PAGE})
"""A vendor that leaves out the same bars whenever it is asked looks like one that has none."""


def tried(folder: Path, attempt: Callable[[Fault, ParquetStore], Awaitable[str]]) -> dict[str, str]:
    """Try every fault at once; return what is wrong about each, an empty text where nothing is."""

    async def one(fault: Fault) -> str:
        with ParquetStore(folder / fault.name) as store:
            return await attempt(fault, store)

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*map(one, P1_FAULTS))

    return dict(zip(P1_FAULTS, asyncio.run(all_of_them()), strict=True))


@contextmanager
def nobody_asks_twice() -> Iterator[None]:
    """Fault: what failed once is given up."""
    once = Patience(silences=1, faults=1, outages=1)
    PATIENT.insert(0, replace(PATIENT[0], retries=Retries(attempts=1), patience=once))
    yield
    PATIENT.pop(0)


@pytest.mark.acceptance("P1", package="data-manager", breaks=nobody_asks_twice)
def test_a_vendor_that_fails_once_gives_all_in_the_end(fast_path: Path, figure: Figure) -> None:
    requests: list[int] = []

    async def fail_once(fault: Fault, store: ParquetStore) -> str:
        with FaultServer([TRUTH, OTHER], page_rows=PAGE_ROWS, pace=PACE) as server:
            server.inject(None, fault)
            report = await fetch(server, store, [TRUTH], bounds=PATIENT[0])
            calls = [call for call in server.calls if call.symbol]
        requests.append(len(calls))
        if report.status is not DownloadStatus.COMPLETED:
            return f"{report.status}: {[one.reason for one in report.symbols[0].failures]}"
        if not stored(store, TRUTH).equals(TRUTH):
            return "another store than the truth"
        if fault is Fault.RATE_LIMIT_WITH_WAIT:
            waits = [b.at - a.at for a, b in pairwise(calls) if a.fault is fault]
            return "" if min(waits) >= RETRY_AFTER_S else f"asked again after {min(waits):.2f} s"
        return "" if fault in {call.fault for call in calls} else "the fault was not met"

    assert tried(fast_path, fail_once) == dict.fromkeys(P1_FAULTS, "")
    pages = -(-len(TRUTH) // PAGE_ROWS)
    figure(f"23 kinds met once: truth stored, at most {max(requests)} requests for {pages} pages")


@contextmanager
def failures_are_forgotten() -> Iterator[None]:
    """Fault: what a vendor did not give is not counted as failed."""
    whole: Any = Pursuit._give_up

    def forgetful(self: Pursuit, *args: Any, **more: Any) -> None:
        whole(self, *args, **more)
        self.failures.clear()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pursuit, "_give_up", forgetful)
        yield


@pytest.mark.acceptance("P1", package="data-manager", breaks=failures_are_forgotten)
def test_a_vendor_that_always_fails_ends_in_a_clean_error(fast_path: Path, figure: Figure) -> None:
    slowest: list[float] = []

    async def fail_always(fault: Fault, store: ParquetStore) -> str:
        with FaultServer([TRUTH, OTHER], page_rows=PAGE_ROWS, pace=PACE) as server:
            server.always(fault)
            url = server.url("polygon", secure=fault is Fault.TLS_ERROR)
            begun = time.monotonic()
            report = await fetch(server, store, [TRUTH], bounds=SHORT, url=url)
        took = time.monotonic() - begun
        slowest.append(took)
        asked = max(1, report.symbols[0].sources[0].requests)
        if took > asked * SHORT.retries.attempts * SHORT.timeouts.total_s + SLACK_S:
            return f"hung {took:.1f} s for {asked} questions"
        if wrong := wrong_bars(store, TRUTH):
            return f"{wrong} bars stored that the vendor never had"
        if fault not in CONSISTENT and (absent := false_claims(store, TRUTH)):
            return f"{absent} absent bars called settled"
        if fault in OVERCOME:
            same = stored(store, TRUTH).equals(TRUTH)
            return "" if same and report.exit_code == 0 else "the truth was there and is not stored"
        told = report.exit_code in {1, 3} and report.symbols[0].failures
        return "" if told else f"{report.status} without a failure"

    assert tried(fast_path, fail_always) == dict.fromkeys(P1_FAULTS, "")
    figure(f"23 kinds for ever: clean errors within {max(slowest):.1f} s, 0 wrong bars")

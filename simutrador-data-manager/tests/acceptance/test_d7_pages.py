"""D7: pages that overlap, repeat, are shuffled or lack a bar, and a bar that still forms.

Each schedule is one download while a session lasts, and one after it: what is stored then equals
the truth, bar by bar.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from data_vendors import fetched, made_up_minutes, stored, wrong_bars
from simutrador_core.models.bars import Bars, from_us
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.downloading import DownloadStatus
from simutrador_data.services.downloading.pursuit import Pursuit
from simutrador_data.testing import Fault, FaultServer, Schedule

SCHEDULES: Final = at_scale(15, 1_000)
DAY: Final = date(2024, 5, 1)
AFTERWARDS: Final = datetime(2024, 5, 10, tzinfo=UTC)
PAGE_ROWS: Final = 60
FAULTS: Final = (Fault.DUPLICATE_PAGE, Fault.OUT_OF_ORDER, Fault.OVERLAP, Fault.OFF_BY_ONE)


@contextmanager
def every_page_is_believed() -> Iterator[None]:
    """Fault: whatever a page says it settles is settled."""

    def believed(self: Pursuit, checked: Any) -> Any:
        return self.todo.clipped(*checked.claim)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pursuit, "_believed", believed)
        yield


@pytest.mark.acceptance("D7", package="data-manager", breaks=every_page_is_believed)
def test_what_is_stored_equals_the_truth_whatever_pages_came(figure: Figure) -> None:
    requests = 0
    for number in range(SCHEDULES):
        truth = made_up_minutes("AAPL", DAY, DAY, seed=number)
        chance = random.Random(number)
        store, schedule = MemoryStore(), Schedule(0.3, number, FAULTS)
        cut = chance.randrange(5, len(truth) - 5)
        now = from_us(int(truth.opened_at[cut])) + timedelta(seconds=chance.randrange(1, 59))
        with FaultServer([forming(truth, cut)], page_rows=PAGE_ROWS, schedule=schedule) as server:
            fetched(server, store, [truth], now=now)
            requests += len(server.calls)
        assert wrong_bars(store, truth) == 0, f"schedule {number}"
        assert len(stored(store, truth)) <= cut, f"schedule {number} keeps the forming bar"
        with FaultServer([truth], page_rows=PAGE_ROWS, schedule=schedule) as server:
            report = fetched(server, store, [truth], now=AFTERWARDS)
            requests += len(server.calls)
        assert report.status is DownloadStatus.COMPLETED, report.symbols[0].failures
        assert stored(store, truth).equals(truth), f"schedule {number}"
    figure(f"{SCHEDULES} schedules, {requests} requests, stored set equals the truth")


def forming(truth: Bars, cut: int) -> Bars:
    """Return the bars up to `cut`, the last one as it looks while it forms."""
    bars = truth.take(slice(cut + 1))
    columns = {name: getattr(bars, name).copy() for name in ("high", "low", "close", "volume")}
    for name in ("high", "low", "close"):
        columns[name][-1] = bars.open[-1]
    columns["volume"][-1] = 1.0
    return replace(bars, **columns)

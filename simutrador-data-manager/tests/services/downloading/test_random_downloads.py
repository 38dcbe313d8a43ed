"""Downloads with random faults, killed at random: the store ends equal to the truth."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Sequence
from datetime import date
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import StoreError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore, Change, Commit
from simutrador_core.models.bars import to_us
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.downloading import (
    DownloadReport,
    DownloadRequest,
    DownloadStatus,
    Patience,
    download,
)
from simutrador_data.services.serving.ranges import Range

from .faulty_vendor import CALENDAR, NOW, Fault, FaultyVendor, truth

WHOLE: Final = Range(date(2024, 1, 2), date(2024, 1, 13))
KINDS: Final = [None, *Fault]
BY_EDGES: Final = {Fault.CUT, Fault.LOST, Fault.OFF_BY_ONE, Fault.ONE_SHORT}


class Mortal(MemoryStore):
    """A store whose process dies at the n-th commit; it notes which thread writes."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.writers: set[threading.Thread] = set()

    def commit(self, change: Change, *, base: int | None = None) -> Commit:
        self.writers.add(threading.current_thread())
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise StoreError("killed before the commit")
        return super().commit(change, base=base)


async def fetch(store: BarStore, *vendors: DataProvider) -> DownloadReport:
    return await download(
        DownloadRequest(("AAPL",), range=WHOLE),
        providers=vendors,
        store=store,
        registry=AssetRegistry.default(),
        calendars=lambda _name: CALENDAR,
        now=lambda: NOW,
        patience=Patience(first_wait_s=0.0),
    )


def once_by_edges(faults: Sequence[Fault | None]) -> list[Fault | None]:
    """Return the faults with at most one that leaves out the edge of a page.

    A vendor that leaves out the same edge of two answers cannot be told from one that has nothing
    there.
    """
    edges = [at for at, fault in enumerate(faults) if fault in BY_EDGES]
    return [fault for at, fault in enumerate(faults) if at not in edges[1:]]


@given(
    faults=st.lists(st.sampled_from(KINDS), max_size=8),
    kills=st.lists(st.integers(0, 12), max_size=6),
    absent=st.lists(st.integers(0, 179), max_size=20),
    rows=st.integers(5, 60),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=at_scale(15, 1_000), deadline=None, derandomize=True)
def test_a_store_ends_equal_to_the_truth(
    faults: Sequence[Fault | None],
    kills: Sequence[int],
    absent: Sequence[int],
    rows: int,
    seed: int,
) -> None:
    store, bars, chance = Mortal(), truth(absent=absent), random.Random(seed)
    ended: list[DownloadStatus] = []
    given = once_by_edges(faults)
    for left in [*kills, None]:
        store.left = left
        # Every second answer is true, so that no range meets more faults than patience allows.
        mixed = [each for fault in given for each in (fault, None)]
        given = [fault for fault in faults if fault not in BY_EDGES]
        vendor = FaultyVendor([bars], mixed, rows=rows, chance=chance)
        try:
            ended.append(asyncio.run(fetch(store, vendor)).status)
        except StoreError:
            continue
    assert ended[-1] is DownloadStatus.COMPLETED
    assert_same_bars(store.read(query_all()), bars)
    last = asyncio.run(fetch(store, FaultyVendor([bars])))
    assert last.symbols[0].result.requested == ()


@given(seed=st.integers(0, 2**32), rows=st.integers(5, 60))
@settings(max_examples=at_scale(5, 200), deadline=None, derandomize=True)
def test_no_wrong_bar_is_stored_whatever_a_vendor_does_for_ever(seed: int, rows: int) -> None:
    """Nothing but faults: the download ends, and what is stored or covered is true."""
    store, bars, chance = MemoryStore(), truth(), random.Random(seed)
    kinds = [fault for fault in Fault if fault not in BY_EDGES]
    faults = [chance.choice(kinds) for _ in range(500)]
    report = asyncio.run(fetch(store, FaultyVendor([bars], faults, rows=rows, chance=chance)))
    stored = store.read(query_all()) if store.symbols() else bars.take(slice(0, 0))
    whole = dict(zip(bars.opened_at.tolist(), bars.close.tolist(), strict=True))
    kept = dict(zip(stored.opened_at.tolist(), stored.close.tolist(), strict=True))
    assert kept.items() <= whole.items()
    for one in store.coverage(query_all()):
        between = [at for at in whole if to_us(one.start) <= at < to_us(one.end)]
        assert set(between) <= set(kept)
    assert (report.status is DownloadStatus.COMPLETED) == (len(kept) == len(whole))


def test_nothing_is_written_in_the_event_loop() -> None:
    store = Mortal()
    asyncio.run(fetch(store, FaultyVendor([truth()])))
    assert store.writers
    assert threading.main_thread() not in store.writers

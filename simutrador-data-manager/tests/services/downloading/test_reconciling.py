"""New bars beside those that stand: own ones are restated, others' kept, none removed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import OnConflict
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.downloading.committing import write_page
from simutrador_data.services.downloading.reconciling import given_by, merged, reconcile
from simutrador_data.services.validation.spans import Spans

WHOLE = Spans.range(to_us(START), to_us(START) + 5 * 60_000_000)


def changed(bars: Bars, *rows: int) -> Bars:
    volume = bars.volume.copy()
    volume[list(rows)] += 1
    return replace(bars, volume=volume)


def test_equal_bars_need_no_replacing() -> None:
    bars = make_bars()
    found = reconcile(bars, bars, is_own=np.ones(5, dtype=np.bool_))
    assert (found.on_conflict, found.restated, found.kept) == (OnConflict.KEEP, 0, 0)


def test_own_bars_are_restated_and_absent_ones_stay() -> None:
    stored = make_bars()
    new = changed(stored, 2).take(slice(1, 4))
    found = reconcile(new, stored, is_own=np.ones(5, dtype=np.bool_))
    assert (found.on_conflict, found.restated, found.kept) == (OnConflict.REPLACE, 1, 0)
    assert_same_bars(found.bars, changed(stored, 2))


def test_bars_of_others_are_kept() -> None:
    stored = make_bars()
    is_own = np.array([True, False, True, False, True])
    found = reconcile(changed(stored, 1, 2), stored, is_own=is_own)
    assert (found.restated, found.kept) == (1, 1)
    assert_same_bars(found.bars, changed(stored, 2))


def test_merged_bars_are_in_order_with_their_marks() -> None:
    bars = make_bars(synthetic=[False, True, False, False, True])
    odd = np.array([False, True, False, True, False])
    assert_same_bars(merged(bars.take(~odd), bars.take(odd)), bars)


@pytest.mark.parametrize("given", [(), (0, 1), (4,)])
def test_the_giver_of_each_bar_is_read_from_the_segments(given: tuple[int, ...]) -> None:
    store, bars = MemoryStore(), make_bars()
    mask = np.isin(np.arange(5), given)
    store.commit(make_change(bars.take(mask), source="acme"))
    store.commit(make_change(bars.take(~mask), source="other"))
    segments = store.segments(query_all())
    assert given_by("acme", bars, segments).tolist() == mask.tolist()
    assert not given_by("acme", bars, []).any()


def test_a_restated_page_is_one_commit_and_the_older_version_stays() -> None:
    store: BarStore = MemoryStore()
    bars = make_bars()

    def write(page: Bars) -> int | None:
        return write_page(
            store, page, WHOLE, source="acme", request="test", fetched_at=START
        ).commit

    first = write(bars)
    again = write(changed(bars, 0).take(slice(0, 2)))
    assert first is not None
    assert again == first + 1
    assert_same_bars(store.read(query_all()), changed(bars, 0))
    assert_same_bars(store.read(query_all(as_of=first)), bars)
    assert write(changed(bars, 0)) is None

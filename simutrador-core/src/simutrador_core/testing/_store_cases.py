"""Histories that several tests of the store contract write, with what must be read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np

from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import OnConflict
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars, joined

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
AAPL: Final = query_all("AAPL")
IBM: Final = query_all("IBM")


def write_versions(store: BarStore) -> list[tuple[int, Bars]]:
    """Commit five versions of AAPL and return each commit's id with the rows it left."""
    base = make_bars("AAPL", n=8)
    restated = make_bars("AAPL", n=3, price=50)
    more = make_bars("AAPL", start=START + 8 * MINUTE, n=4, price=70)
    gone = make_covered(start=START + 4 * MINUTE, end=START + 6 * MINUTE)
    lone = make_bars("AAPL", start=START - 90 * DAY, n=2, price=20)
    rest = base.take(slice(3, 8))
    left = base.take(np.array([3, 6, 7], dtype=np.int64))
    changes = [
        (make_change(base), [base]),
        (make_change(restated, on_conflict=OnConflict.REPLACE), [restated, rest]),
        (make_change(more, make_bars("IBM")), [restated, rest, more]),
        (
            make_change(covered=[gone], on_conflict=OnConflict.REPLACE),
            [restated, left, more],
        ),
        (make_change(lone, source="other"), [lone, restated, left, more]),
    ]
    return [(store.commit(change).id, joined(rows, series=base.series)) for change, rows in changes]


def assert_versions(store: BarStore, versions: Sequence[tuple[int, Bars]]) -> None:
    """Assert that each version reads as it was written, and the latest one by default."""
    for commit, expected in versions:
        assert_same_bars(store.read(replace(AAPL, as_of=commit)), expected)
    assert_same_bars(store.read(AAPL), versions[-1][1])


def write_two_sources(store: BarStore) -> list[tuple[str, int]]:
    """Write ten bars, restate three in the middle, add two; return each bar's source and commit."""
    first = store.commit(make_change(make_bars("AAPL", n=10), source="one"))
    middle = make_bars("AAPL", start=START + 4 * MINUTE, n=3, price=50)
    second = store.commit(make_change(middle, source="two", on_conflict=OnConflict.REPLACE))
    tail = make_bars("AAPL", start=START + 10 * MINUTE, n=2, price=60)
    third = store.commit(make_change(tail, source="one"))
    return [
        *[("one", first.id)] * 4,
        *[("two", second.id)] * 3,
        *[("one", first.id)] * 3,
        *[("one", third.id)] * 2,
    ]

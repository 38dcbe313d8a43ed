"""`Pursuit` against a vendor that lies in every way known: what is kept equals the truth."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import BarRequest
from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.downloading.checking import PageFault
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.pursuit import Pursuit
from simutrador_data.services.validation.spans import Spans

from .faulty_vendor import CALENDAR, NOW, Fault, answer, truth

START: Final = datetime(2024, 1, 2, 5, tzinfo=UTC)
END: Final = datetime(2024, 1, 13, 5, tzinfo=UTC)
WHOLE: Final = Spans.range(to_us(START), to_us(END))
KINDS: Final = [None, *Fault]


class Kept:
    """What a store would hold: rows by instant, and the ranges said to be covered."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[float, ...]] = {}
        self.covered = Spans.range(0, 0)

    def add(self, bars: Bars, covered: Spans) -> None:
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        for at, *row in zip(bars.opened_at.tolist(), *(c.tolist() for c in columns), strict=True):
            self.rows.setdefault(at, tuple(row))
        self.covered = Spans.joined([self.covered, covered])

    def bars(self, like: Bars) -> Bars:
        times = sorted(self.rows)
        columns = np.array([self.rows[at] for at in times], dtype=np.float64).reshape(-1, 5).T
        return Bars.unchecked(like.series, [np.array(times, dtype=np.int64), *columns.copy()])


def pursue(
    bars: Bars,
    faults: Iterable[Fault | None] = (),
    *,
    seed: int = 0,
    rows: int = 7,
    todo: Spans = WHOLE,
    now: datetime = NOW,
    stored: Sequence[int] = (),
) -> tuple[Pursuit, Kept, list[BarRequest]]:
    """Ask until nothing is left; return the pursuit, what was kept and what was asked."""
    chance, planted, asked = random.Random(seed), iter(faults), list[BarRequest]()
    hours = TradingHours.of(CALENDAR, bars.timeframe)
    pursuit = Pursuit(bars.series, hours, todo, stored=stored)
    kept, now_us = Kept(), to_us(now)
    while (ask := pursuit.next_ask()) is not None:
        request = BarRequest(bars.symbol, bars.timeframe, from_us(ask.start), from_us(ask.end))
        asked.append(request)
        assert len(asked) < 200, "it never ends"
        try:
            for page in answer(bars, request, next(planted, None), rows=rows, chance=chance):
                taken = pursuit.take(page, now_us=now_us, asked_us=now_us)
                kept.add(taken.bars, taken.covered)
        except (PageFault, DataProviderError) as e:
            pursuit.fault(str(e))
        else:
            kept.add(bars.take(slice(0, 0)), pursuit.end_answer(now_us=now_us))
    return pursuit, kept, asked


def assert_true(pursuit: Pursuit, kept: Kept, bars: Bars) -> None:
    assert not pursuit.failures
    assert_same_bars(kept.bars(bars), bars)
    due = TradingHours.of(CALENDAR, bars.timeframe)
    assert not any(due.expects_bars(*left) for left in WHOLE.without(kept.covered).pairs())


def test_a_true_vendor_is_asked_once() -> None:
    bars = truth()
    pursuit, kept, asked = pursue(bars)
    assert_true(pursuit, kept, bars)
    assert len(asked) == 1


@pytest.mark.parametrize("fault", list(Fault))
def test_one_fault_costs_at_most_two_more_requests(fault: Fault) -> None:
    bars = truth()
    for seed in range(8):
        pursuit, kept, asked = pursue(bars, [fault], seed=seed)
        assert_true(pursuit, kept, bars)
        assert len(asked) <= 3


@given(
    faults=st.lists(st.sampled_from(KINDS), max_size=12),
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 40),
    absent=st.lists(st.integers(0, 179), max_size=30),
)
@settings(max_examples=at_scale(40, 1_000), deadline=None, derandomize=True)
def test_what_is_kept_equals_the_truth_in_random_schedules(
    faults: Sequence[Fault | None], seed: int, rows: int, absent: Sequence[int]
) -> None:
    bars = truth(absent=absent)
    # Every second answer is true, so that no range meets more faults than patience allows.
    mixed = [each for fault in faults for each in (fault, None)]
    pursuit, kept, _ = pursue(bars, mixed, seed=seed, rows=rows)
    assert_true(pursuit, kept, bars)


def test_an_empty_answer_is_never_believed_where_bars_are_due() -> None:
    bars = truth().take(slice(0, 0))
    pursuit, kept, asked = pursue(bars)
    assert len(asked) == 3
    assert not len(kept.covered)
    [failure] = pursuit.failures
    assert (failure.start, failure.end) == (to_us(START), to_us(END))
    assert failure.reason == "no bars though bars are due, asked 3 times"


def test_an_empty_answer_is_believed_where_the_exchange_is_closed() -> None:
    weekend = Spans.range(
        to_us(datetime(2024, 1, 6, tzinfo=UTC)), to_us(datetime(2024, 1, 8, tzinfo=UTC))
    )
    pursuit, kept, asked = pursue(truth().take(slice(0, 0)), todo=weekend)
    assert not pursuit.failures
    assert len(asked) == 1
    assert kept.covered.starts.tolist() == weekend.starts.tolist()


def test_time_before_a_listing_is_believed_when_the_first_bar_is_repeated() -> None:
    bars = truth(first=datetime(2024, 1, 9).date())
    pursuit, kept, asked = pursue(bars)
    assert_true(pursuit, kept, bars)
    assert len(asked) == 3


def test_sessions_after_the_last_bar_are_believed_once_they_are_old() -> None:
    bars = truth(last=datetime(2024, 1, 9).date())
    pursuit, kept, _ = pursue(bars)
    assert_true(pursuit, kept, bars)


def test_sessions_of_the_last_two_days_are_not_believed_absent() -> None:
    bars = truth(last=datetime(2024, 1, 10).date())
    pursuit, kept, _ = pursue(bars, now=datetime(2024, 1, 12, 20, tzinfo=UTC))
    assert [(f.end - f.start) // 3_600_000_000 for f in pursuit.failures]
    assert pursuit.failures[0].start == to_us(datetime(2024, 1, 10, 20, tzinfo=UTC))
    assert not kept.covered.contain(*np.array([[to_us(END) - 1], [to_us(END)]]))[0]


def test_the_session_in_progress_is_kept_as_far_as_its_bars_are_finished() -> None:
    bars = truth(last=datetime(2024, 1, 4).date())
    now = datetime(2024, 1, 4, 14, 41, 30, tzinfo=UTC)
    pursuit, kept, asked = pursue(bars, now=now, todo=Spans.range(to_us(START), to_us(now)))
    assert not pursuit.failures
    assert len(asked) == 1
    assert max(kept.rows) == to_us(datetime(2024, 1, 4, 14, 40, tzinfo=UTC))
    assert kept.covered.ends.tolist() == [to_us(datetime(2024, 1, 4, 14, 41, tzinfo=UTC))]


def test_a_vendor_that_never_advances_is_given_up() -> None:
    pursuit, kept, asked = pursue(truth(), [Fault.STUCK] * 200, rows=200)
    assert_true(pursuit, kept, truth())
    pursuit, _, asked = pursue(truth(), [Fault.WRONG_SYMBOL] * 200, rows=200)
    assert len(asked) == 6
    assert (
        "gave bars of OTHER 1min raw instead of AAPL 1min raw (6 times)"
        in pursuit.failures[0].reason
    )


def test_a_row_that_stays_wrong_is_given_up_alone() -> None:
    bars = truth()
    low = bars.low.copy()
    low[33] = -1.0
    pursuit, kept, asked = pursue(replace(bars, low=low))
    assert_same_bars(kept.bars(bars), bars.take(np.arange(len(bars)) != 33))
    [failure] = pursuit.failures
    assert (failure.start, failure.end - failure.start) == (int(bars.opened_at[33]), 60_000_000)
    assert failure.reason == "bars that break a rule, asked 3 times"
    assert len(asked) == 4


def test_a_wrong_row_beside_its_anchor_is_no_silence() -> None:
    bars = truth()
    low = bars.low.copy()
    low[-1] = 0.0
    # The second answer is empty, so that the third one is asked for with the bar before.
    pursuit, kept, _ = pursue(replace(bars, low=low), [None, Fault.EMPTY])
    assert [failure.reason for failure in pursuit.failures] == [
        "bars that break a rule, asked 3 times"
    ]
    assert not kept.covered.contain(bars.opened_at[-1:], bars.opened_at[-1:] + 1)[0]


def test_silences_are_counted_range_by_range() -> None:
    """Four quiet minutes far apart, each with a stored bar before and after: each is confirmed."""
    quiet, bars = [21, 61, 101, 141], truth(absent=[21, 61, 101, 141])
    opens = truth().opened_at
    todo = Spans.joined(Spans.range(int(opens[k]), int(opens[k]) + 60_000_000) for k in quiet)
    beside = [int(opens[k + step]) for k in quiet for step in (-1, 1)]
    pursuit, kept, asked = pursue(bars, todo=todo, stored=beside)
    assert not pursuit.failures
    assert kept.covered.pairs() == todo.pairs()
    assert len(asked) == 2 * len(quiet)

"""What is asked for: bars no final answer covers, and holes of others, over whole closed hours."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import from_us, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.planning import (
    missing_bars,
    settled_spans,
    split_by_history,
    to_asks,
)
from simutrador_data.services.validation.expected import ExpectedBars, expected_bars
from simutrador_data.services.validation.spans import Spans

from .faulty_vendor import CALENDAR

HOURS: Final = TradingHours.of(CALENDAR, Timeframe.MINUTE_1)
NOTHING: Final = Spans.range(0, 0)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC)


def covered(start: datetime, end: datetime, asked_at: datetime) -> Coverage:
    return Coverage(start, end, asked_at, "acme", 1)


def due() -> ExpectedBars:
    """Return the minutes of 2, 3, 4 and 5 January, each from 14:30 to 14:50 UTC."""
    return expected_bars(CALENDAR.between(date(2024, 1, 2), date(2024, 1, 6)), Timeframe.MINUTE_1)


def spans_of(spans: Spans) -> list[tuple[datetime, datetime]]:
    return [(from_us(start), from_us(end)) for start, end in spans.pairs()]


def asks(own: Spans, others: Spans, *, absent: tuple[int, ...] = (), rows: int = 1) -> list[object]:
    present = ~np.isin(np.arange(80), absent) if len(others) else np.zeros(80, dtype=np.bool_)
    missing = missing_bars(due(), present=present, own=own, others=others)
    start, end = to_us(at(2, 5)), to_us(at(6, 5))
    found = to_asks(due(), missing, hours=HOURS, start=start, end=end, rows_per_request=rows)
    return list(spans_of(found))


def test_all_of_the_range_is_asked_for_when_nothing_is_known() -> None:
    assert asks(NOTHING, NOTHING) == [(at(2, 5), at(6, 5))]


def test_what_was_answered_is_not_asked_for_again() -> None:
    own = settled_spans([covered(at(3, 0), at(4, 0), at(10, 0))], HOURS)
    assert asks(own, own) == [(at(2, 5), at(3, 14, 30)), (at(3, 14, 50), at(6, 5))]


@pytest.mark.parametrize(
    ("asked_at", "until"),
    [
        (at(5, 14, 29), at(5, 14, 30)),  # before the open
        (at(5, 14, 40), at(5, 14, 30)),  # in the session
        (at(5, 18, 49), at(5, 14, 30)),  # 3 h 59 min after its close
        (at(5, 18, 50), at(8, 14, 30)),  # 4 h after: final, until Monday's open
    ],
)
def test_a_session_is_final_four_hours_after_its_close(asked_at: datetime, until: datetime) -> None:
    settled = settled_spans([covered(at(2, 5), at(5, 18, 50), asked_at)], HOURS)
    assert spans_of(settled) == [(at(1, 14, 50), until)]


def test_holes_of_others_are_asked_for_with_what_lies_between() -> None:
    others = Spans.range(to_us(at(1, 0)), to_us(at(7, 0)))
    assert asks(NOTHING, others, absent=(25, 26, 30)) == [
        (at(3, 14, 35), at(3, 14, 37)),
        (at(3, 14, 40), at(3, 14, 41)),
    ]
    assert asks(NOTHING, others, absent=(25, 26, 30), rows=6) == [(at(3, 14, 35), at(3, 14, 41))]
    assert asks(others, others, absent=(25, 26, 30)) == []


def test_what_a_provider_no_longer_keeps_is_cut_off() -> None:
    whole = Spans.range(to_us(at(2, 5)), to_us(at(6, 5)))
    kept, lost = split_by_history(whole, at(4, 0))
    assert spans_of(kept) == [(at(4, 0), at(6, 5))]
    assert spans_of(lost) == [(at(2, 5), at(4, 0))]
    assert [len(part) for part in split_by_history(whole, None)] == [1, 0]


@given(
    own=st.lists(st.tuples(st.integers(0, 79), st.integers(1, 30)), max_size=5),
    rows=st.integers(1, 100),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_asks_hold_every_missing_bar_and_begin_and_end_with_one(
    own: list[tuple[int, int]], rows: int
) -> None:
    bars = due()
    starts = np.array([bars.opens[first] for first, _ in own], dtype=np.int64)
    ends = np.array([bars.ends[min(first + n, 80) - 1] for first, n in own], dtype=np.int64)
    settled = Spans.of(starts, ends)
    missing = missing_bars(bars, present=np.zeros(80, dtype=np.bool_), own=settled, others=settled)
    found = to_asks(
        bars,
        missing,
        hours=HOURS,
        start=to_us(at(2, 5)),
        end=to_us(at(6, 5)),
        rows_per_request=rows,
    )
    assert found.contain(bars.opens[missing], bars.ends[missing]).all()
    for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True):
        inside = np.flatnonzero((bars.opens >= start) & (bars.ends <= end))
        assert missing[inside[0]]
        assert missing[inside[-1]]

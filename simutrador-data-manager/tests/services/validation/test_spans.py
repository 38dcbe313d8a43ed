"""Ranges of time: joining, containing, cutting, and widening over closed hours."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import I64, from_us
from simutrador_core.testing.calendars import make_calendar
from simutrador_data.services.validation.expected import trading_time
from simutrador_data.services.validation.spans import Spans, asked_spans

SPAN = st.tuples(st.integers(0, 40), st.integers(0, 40))


def column(*values: int) -> I64:
    return np.array(values, dtype=np.int64)


def spans(*pairs: tuple[int, int]) -> Spans:
    return Spans.of(column(*(p[0] for p in pairs)), column(*(p[1] for p in pairs)))


def points(ranges: Spans | list[tuple[int, int]]) -> set[int]:
    pairs = (
        zip(ranges.starts.tolist(), ranges.ends.tolist(), strict=True)
        if isinstance(ranges, Spans)
        else ranges
    )
    return {p for start, end in pairs for p in range(start, end)}


def test_touching_and_overlapping_ranges_become_one() -> None:
    joined = spans((8, 9), (0, 2), (2, 5), (4, 6), (7, 7))

    assert (joined.starts.tolist(), joined.ends.tolist()) == ([0, 8], [6, 9])


@given(st.lists(SPAN), st.lists(SPAN))
def test_ranges_hold_the_points_a_set_would(
    mine: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    left = spans(*mine).without(spans(*others))

    assert points(spans(*mine)) == points(mine)
    assert points(left) == points(mine) - points(others)
    assert bool(np.all(left.starts[1:] > left.ends[:-1]))


@given(st.lists(SPAN), SPAN)
def test_clipping_leaves_the_points_inside(
    ranges: list[tuple[int, int]], edges: tuple[int, int]
) -> None:
    inside = points(spans(*ranges)) & set(range(*edges))

    assert points(spans(*ranges).clipped(*edges)) == inside
    assert points(Spans.range(*edges)) == set(range(*edges))


@given(st.lists(SPAN), st.integers(0, 40), st.integers(1, 5))
def test_a_span_is_held_when_each_of_its_points_is(
    ranges: list[tuple[int, int]], start: int, length: int
) -> None:
    held = spans(*ranges).contain(column(start), column(start + length))

    assert bool(held[0]) == (set(range(start, start + length)) <= points(ranges))


def test_end_after_an_instant_is_the_end_of_its_range() -> None:
    ranges = spans((0, 5), (8, 9))

    assert [ranges.end_after(at) for at in (0, 4, 6, 8, 20)] == [5, 5, 6, 9, 20]
    assert spans().end_after(3) == 3


TIME = trading_time(make_calendar(date(2024, 7, 1), date(2024, 7, 6)).schedule)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 7, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "wide"),
    [
        (at(2, 13, 30), at(2, 20), (at(1, 20), at(3, 13, 30))),  # a session: to its neighbours
        (at(2, 12), at(2, 22), (at(1, 20), at(3, 13, 30))),  # closed hours on both sides
        (at(2, 14), at(2, 19), (at(2, 14), at(2, 19))),  # inside trading: as it is
        (at(2, 20), at(3, 13, 30), (at(2, 20), at(3, 13, 30))),  # a night alone
        (at(1, 13, 30), at(5, 20), (at(1, 13, 30), at(5, 20))),  # nothing known further out
    ],
)
def test_what_was_asked_reaches_over_closed_hours(
    start: datetime, end: datetime, wide: tuple[datetime, datetime]
) -> None:
    asked = asked_spans([Coverage(start, end, at(30, 0), "acme", 0)], TIME)

    assert (from_us(asked.starts[0]), from_us(asked.ends[0])) == wide


def test_sessions_asked_one_by_one_join_over_the_night() -> None:
    days = [Coverage(at(d, 13, 30), at(d, 20), at(30, 0), "acme", 390) for d in (1, 2, 3)]

    assert len(asked_spans(days, TIME)) == 1


def test_a_source_asked_at_noon_has_not_answered_for_the_afternoon() -> None:
    asked = asked_spans([Coverage(at(2, 13, 30), at(2, 20), at(2, 16), "acme", 150)], TIME)

    assert from_us(asked.ends[0]) == at(2, 16)


@given(st.lists(SPAN, max_size=6), st.lists(SPAN, max_size=6))
def test_what_lies_within_others_and_what_both_hold(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    left, right = spans(*one), spans(*other)
    assert points(left.within(right)) == points(left) & points(right)
    assert points(Spans.joined([left, right])) == points(left) | points(right)
    assert left.length == len(points(left))
    assert points(left.pairs()) == points(left)
    assert len(Spans.joined([])) == 0

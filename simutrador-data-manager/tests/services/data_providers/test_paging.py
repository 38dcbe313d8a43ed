"""From a vendor's rows to a page: order, range, and what is settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import BarPage, BarRequest
from simutrador_core.models.bars import from_us, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.data_providers.paging import (
    Rows,
    first_milli,
    instant_of,
    last_milli,
    to_instants,
    to_page,
)

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REQUEST = BarRequest("AAPL", Timeframe.MINUTE_1, START, START + 10 * MINUTE)


def rows(*minutes: int, close: dict[int, float] | None = None) -> Rows:
    """Return rows that open so many minutes after the start."""
    opened_at = np.array([to_us(START + minute * MINUTE) for minute in minutes], dtype=np.int64)
    flat = np.full(len(minutes), 10.0)
    last = flat.copy()
    for at, price in (close or {}).items():
        last[at] = price
    return Rows(opened_at, flat, flat, flat, last, flat)


def page(found: Rows, *, since: datetime = START, more: bool = False) -> BarPage:
    return to_page(REQUEST, found, since=since, more=more, provider="acme")


def minutes_of(found: BarPage) -> list[int]:
    return [(from_us(at) - START) // MINUTE for at in found.bars.opened_at.tolist()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((0, 1, 2), [0, 1, 2]),
        ((), []),
        ((2, 0, 1), [0, 1, 2]),
        ((9, 8, 7), [7, 8, 9]),
        ((0, 1, 1, 2), [0, 1, 2]),
        ((-1, 0, 9, 10), [0, 9]),
        ((-1,), []),
    ],
)
def test_rows_are_sorted_once_each_and_inside_the_range(given, kept) -> None:
    assert minutes_of(page(rows(*given))) == kept


def test_a_page_without_more_settles_the_range_to_its_end() -> None:
    found = page(rows(3))
    assert found.covered == (START, REQUEST.end)
    assert found.next_cursor is None


def test_a_page_with_more_settles_up_to_the_end_of_its_last_bar() -> None:
    found = page(rows(0, 3), more=True)
    assert found.covered == (START, START + 4 * MINUTE)
    assert instant_of(found.next_cursor or "") == START + 4 * MINUTE


def test_more_after_the_end_of_the_range_is_not_asked_for() -> None:
    found = page(rows(0, 9), more=True)
    assert found.covered == (START, REQUEST.end)
    assert found.next_cursor is None


@pytest.mark.parametrize(
    ("given", "since", "more", "text"),
    [
        (rows(1, 1, close={1: 11.0}), 0, False, "two different bars of 2024-01-02 14:31"),
        (rows(0, 1, 2), 5, False, "sent bars from 2024-01-02 14:30"),
        (rows(5000), 0, False, "asked for 2024-01-02 14:30"),
        (rows(), 0, True, "no bar after"),
        (rows(0), 1, True, "no bar after"),
    ],
)
def test_rows_that_cannot_be_an_answer_are_refused(given, since, more, text) -> None:
    with pytest.raises(BadAnswerError, match=text):
        page(given, since=START + since * MINUTE, more=more)


@pytest.mark.parametrize("number", [10**30, 10**18, -(10**18)])
def test_an_instant_of_another_unit_is_refused(number: int) -> None:
    with pytest.raises(BadAnswerError, match="instant"):
        to_instants([0, number], count=2, micros=1_000, provider="acme")


def test_milliseconds_stay_inside_the_range() -> None:
    micro = timedelta(microseconds=1)
    assert (first_milli(START), last_milli(START)) == (1704205800000, 1704205799999)
    assert (first_milli(START + micro), last_milli(START + micro)) == (1704205800001, 1704205800000)


def test_a_cursor_of_somebody_else_is_refused() -> None:
    with pytest.raises(InputError, match="no cursor of this provider"):
        instant_of("page-2")

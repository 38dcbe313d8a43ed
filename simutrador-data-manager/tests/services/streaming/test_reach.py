"""How far series are settled, by a real store, against minutes counted by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simutrador_core.interfaces.storage import BarStore, Change, Covered
from simutrador_core.models.bars import Bars, SeriesKey, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.streaming.reach import begin_at, reach

from .venue import START, minute, minutes_of

BTC = minutes_of("BTC-USDT")
SERIES = SeriesKey("BTC-USDT", Timeframe.MINUTE_1)
HOURS = TradingHours.of(get_calendar("24/7"), Timeframe.MINUTE_1)


@pytest.fixture
def store() -> BarStore:
    return MemoryStore()


def write(store: BarStore, first: int, last: int, *, covered: bool = True) -> None:
    """Store the minutes `[first, last)`, and that they were asked for."""
    asked = [Covered(SERIES, minute(first), minute(last))] if covered else []
    pages: list[Bars] = [BTC.take(slice(first, last))]
    store.commit(Change(pages, asked, "binance", "test", START + timedelta(hours=6)))


def ask_in_vain(store: BarStore, first: int, last: int) -> None:
    asked = [Covered(SERIES, minute(first), minute(last))]
    store.commit(Change([], asked, "binance", "test", START + timedelta(hours=6)))


def at(number: int) -> int:
    return to_us(minute(number))


def reached(store: BarStore, first: int, last: int) -> tuple[int, int]:
    settled, known = reach(store, SERIES, HOURS, at(first), at(last))
    return (settled - at(0)) // 60_000_000, (known - at(0)) // 60_000_000


def test_nothing_is_settled_in_an_empty_store(store: BarStore) -> None:
    assert reached(store, 5, 50) == (5, 5)


def test_what_was_asked_for_is_settled_up_to_the_first_hole(store: BarStore) -> None:
    write(store, 0, 10)
    ask_in_vain(store, 10, 12)
    write(store, 15, 20)
    assert reached(store, 3, 50) == (12, 20)
    assert reached(store, 12, 50) == (12, 20)
    assert reached(store, 16, 18) == (18, 18)
    assert reached(store, 20, 20) == (20, 20)


def test_an_answer_that_ended_within_a_bar_leaves_no_hole(store: BarStore) -> None:
    half = timedelta(seconds=30)
    asked = [
        Covered(SERIES, minute(0), minute(10) + half),
        Covered(SERIES, minute(11), minute(20) + half),
        Covered(SERIES, minute(22), minute(30)),
    ]
    store.commit(Change([], asked, "binance", "test", START + timedelta(hours=6)))
    settled, known = reach(store, SERIES, HOURS, at(0), at(50))
    assert (settled, known) == (at(20) + 30_000_000, at(30))


def test_following_begins_with_the_bar_that_forms_where_nothing_is_stored(store: BarStore) -> None:
    now = at(7) + 33_000_000
    assert begin_at(store, SERIES, HOURS, now) == at(7)


def test_following_goes_on_from_the_newest_bar(store: BarStore) -> None:
    write(store, 0, 10, covered=False)
    assert begin_at(store, SERIES, HOURS, at(100)) == at(9)


def test_following_goes_back_to_a_hole_that_was_left(store: BarStore) -> None:
    write(store, 0, 10)
    write(store, 13, 20)
    assert begin_at(store, SERIES, HOURS, at(100)) == at(10)
    ask_in_vain(store, 10, 13)
    assert begin_at(store, SERIES, HOURS, at(100)) == at(19)

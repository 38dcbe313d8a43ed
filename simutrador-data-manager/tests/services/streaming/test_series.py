"""One followed series, minute by minute, worked by hand; 0 is noon UTC."""

from __future__ import annotations

import numpy as np

from simutrador_core.models.bars import Bars, SeriesKey, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.streaming.backoff import Backoff
from simutrador_data.services.streaming.series import NEVER, LiveSeries

from .venue import START, minute, minutes_of

BTC = minutes_of("BTC-USDT")
HOURS = TradingHours.of(get_calendar("24/7"), Timeframe.MINUTE_1)


def at(number: float) -> int:
    return to_us(START) + round(number * 60_000_000)


def bars(first: int, last: int) -> Bars:
    return BTC.take(slice(first, last))


def from_noon(until: int = NEVER) -> LiveSeries:
    key = SeriesKey("BTC-USDT", Timeframe.MINUTE_1)
    return LiveSeries(key, HOURS, at(0), Backoff(1.0, 60.0, 1.0), until=until)


def answer(one: LiveSeries, settled: int, known: int, *, failure: str = "", now: float) -> None:
    one.answer((at(settled), at(known)), written=0, failure=failure, now=at(now), ask_at=50.0)


def test_bars_that_follow_each_other_settle_their_time() -> None:
    one = from_noon()
    one.add(bars(0, 3))
    assert (one.settled, one.known, one.is_late) == (at(3), at(3), False)


def test_a_bar_beyond_a_hole_does_not_settle_it() -> None:
    one = from_noon()
    one.add(bars(0, 1))
    one.add(bars(2, 3))
    assert (one.settled, one.known, one.is_late) == (at(1), at(3), True)
    assert one.wants(at(3), 0.0)
    answer(one, 3, 3, now=3)
    assert (one.settled, one.is_late) == (at(3), False)


def test_a_bar_is_overdue_a_minute_after_it_closed() -> None:
    one = from_noon()
    assert not one.owes(at(1.99))
    assert one.owes(at(2))


def test_what_closed_before_the_connection_is_asked_for_at_once() -> None:
    one = from_noon()
    one.ask_at = 70.0
    one.reconnect(at(0.9))
    assert not one.owes(at(1.5))  # it had not closed when the stream was opened
    one.reconnect(at(1.5))
    assert one.wants(at(1.5), 0.0)


def test_what_was_asked_for_in_vain_waits_for_its_turn() -> None:
    one = from_noon()
    one.reconnect(at(9))
    answer(one, 0, 0, failure="down", now=9)
    assert not one.wants(at(9), 49.9)
    assert one.wants(at(9), 50.0)
    assert (one.failures, one.message) == (1, "down")


def test_only_what_is_settled_ends_the_growth_of_waits() -> None:
    one = from_noon()
    one.asks.ceiling_s = 16.0
    answer(one, 0, 0, failure="down", now=9)
    assert one.asks.ceiling_s == 16.0
    answer(one, 9, 9, now=9)
    assert one.asks.ceiling_s == 0.0


def test_an_end_is_reached_when_all_before_it_is_settled() -> None:
    one = from_noon(until=at(2))
    one.add(bars(0, 1))
    assert (one.is_complete(), one.is_owing(at(1))) == (False, True)
    one.add(bars(1, 2))
    assert (one.is_complete(), one.is_owing(at(90))) == (True, False)
    assert not one.owes(at(90))


def test_what_fails_three_times_is_given_up_after_the_end() -> None:
    one = from_noon(until=at(2))
    for _ in range(3):
        assert not one.is_hopeless(at(3))
        answer(one, 0, 0, failure="down", now=3)
    assert not one.is_hopeless(at(1.9))
    assert one.is_hopeless(at(2))


def test_without_an_end_only_overdue_bars_are_owing() -> None:
    one = from_noon()
    one.reconnect(at(1.5))
    assert not one.is_owing(at(1.5))
    assert one.is_owing(at(2))
    assert not one.is_complete()


def test_bars_of_the_future_or_beyond_the_end_or_broken_are_left_out() -> None:
    one = from_noon(until=at(3))
    assert one.sound(bars(0, 9), at(1)).opened_at.tolist() == [at(0), at(1)]
    assert one.sound(bars(0, 9), at(9)).opened_at.tolist() == [at(0), at(1), at(2)]
    broken = make_bars("BTC-USDT", start=START, close=[1.0, np.nan, 1.0])
    assert one.sound(broken, at(9)).opened_at.tolist() == [at(0), at(2)]


def test_bars_are_split_where_others_are_stored() -> None:
    one = from_noon()
    one.add(bars(0, 2))
    again, new = one.split(bars(1, 4))
    assert again.opened_at.tolist() == [at(1)]
    assert new.opened_at.tolist() == [at(2), at(3)]


def test_a_disputed_bar_is_asked_for_again() -> None:
    one = from_noon()
    one.add(bars(0, 4))
    one.dispute(bars(0, 0))
    assert one.settled == at(4)
    one.dispute(bars(2, 3))
    assert (one.settled, one.wants(at(4), 0.0)) == (at(2), True)
    answer(one, 4, 4, now=4)
    assert (one.settled, one.is_late) == (at(4), False)


def test_what_is_older_than_the_beginning_is_not_disputed() -> None:
    key = SeriesKey("BTC-USDT", Timeframe.MINUTE_1)
    one = LiveSeries(key, HOURS, at(3), Backoff(1.0, 60.0, 1.0))
    one.dispute(bars(1, 2))
    assert (one.settled, one.is_late) == (at(3), False)


def test_hours_that_are_closed_leave_no_hole() -> None:
    key = SeriesKey("AAPL", Timeframe.MINUTE_1)
    hours = TradingHours.of(get_calendar("XNYS"), Timeframe.MINUTE_1)
    evening = minute(8 * 60)  # 20:00 UTC, 16:00 in New York: the close
    one = LiveSeries(key, hours, to_us(evening), Backoff(1.0, 60.0, 1.0))
    assert not one.owes(to_us(minute(25 * 60)))  # 13:00 UTC, half an hour before the open
    assert one.owes(to_us(minute(25 * 60 + 32)))

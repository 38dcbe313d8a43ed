"""When bars are due: questions about ranges, answered by hand from a calendar of short sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import pytest

from simutrador_core.models.bars import Bars, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.downloading.hours import TradingHours

from .faulty_vendor import CALENDAR

MINUTES: Final = TradingHours.of(CALENDAR, Timeframe.MINUTE_1)
DAYS: Final = TradingHours.of(CALENDAR, Timeframe.DAILY)
WEEKS: Final = TradingHours.of(CALENDAR, Timeframe.WEEKLY)
MONTHS: Final = TradingHours.of(CALENDAR, Timeframe.MONTHLY)


def us(month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    return to_us(datetime(2024, month, day, hour, minute, second, tzinfo=UTC))


def labelled(timeframe: Timeframe, *sessions: date) -> Bars:
    """Return bars of these sessions, labelled by midnight in New York."""
    days = np.array(sessions, dtype="datetime64[D]")
    rows = np.full(len(days), 100.0)
    opened_at = days.astype("datetime64[us]").astype(np.int64) + 5 * 3_600_000_000
    return Bars("AAPL", timeframe, Adjustment.RAW, opened_at, rows, rows, rows, rows, rows, days)


@pytest.mark.parametrize(
    ("hours", "start", "end", "due"),
    [
        (MINUTES, us(1, 2, 14, 30), us(1, 2, 14, 31), True),
        (MINUTES, us(1, 2, 14, 30, 1), us(1, 2, 14, 31, 59), False),  # no whole minute
        (MINUTES, us(1, 2, 14, 49), us(1, 2, 14, 50), True),
        (MINUTES, us(1, 2, 14, 50), us(1, 3, 14, 30), False),  # the night
        (MINUTES, us(1, 6, 0), us(1, 8, 0), False),  # a weekend
        (MINUTES, us(1, 2, 0), us(1, 20, 0), True),
        (MINUTES, us(1, 3, 0), us(1, 2, 0), False),
        (DAYS, us(1, 2, 14, 30), us(1, 2, 14, 50), True),
        (DAYS, us(1, 2, 14, 31), us(1, 3, 14, 49), False),  # two halves are no session
        (WEEKS, us(1, 8, 0), us(1, 13, 0), True),
        (WEEKS, us(1, 9, 0), us(1, 19, 0), False),  # from Tuesday to Friday noon of the next
        (WEEKS, us(1, 9, 0), us(1, 20, 0), True),
        (MONTHS, us(1, 2, 0), us(2, 29, 0), False),
        (MONTHS, us(1, 2, 0), us(3, 2, 0), True),  # February whole
    ],
)
def test_a_whole_bar_is_due_or_not(hours: TradingHours, start: int, end: int, due: bool) -> None:
    assert hours.expects_bars(start, end) is due


def test_hours_of_another_grid_are_due_by_their_trading_time() -> None:
    """Polygon's hour from 14:00 holds the session from 14:30: nothing is due beside it."""
    hours = TradingHours.of(CALENDAR, Timeframe.HOUR_1)
    start = datetime(2024, 1, 2, 14, tzinfo=UTC)
    bars = make_bars(timeframe=Timeframe.HOUR_1, start=start, n=1)
    first, last = hours.extent(bars)
    assert not hours.expects_bars(us(1, 1, 20), first)
    assert not hours.expects_bars(last, us(1, 3, 14))


def test_daily_bars_last_from_open_to_close_whatever_their_label() -> None:
    bars = labelled(Timeframe.DAILY, date(2024, 1, 2), date(2024, 1, 4))
    assert DAYS.extent(bars) == (us(1, 2, 5), us(1, 4, 14, 50))
    assert [from_us(int(end)).hour for end in DAYS.ends_of(bars)] == [14, 14]
    moved = replace(bars, opened_at=bars.opened_at + 10 * 3_600_000_000)
    assert DAYS.extent(moved) == (us(1, 2, 14, 30), us(1, 4, 15, 0, 0) + 1)


def test_weeks_and_months_end_with_their_last_session() -> None:
    weeks = labelled(Timeframe.WEEKLY, date(2024, 1, 8))
    assert WEEKS.ends_of(weeks).tolist() == [us(1, 12, 14, 50)]
    months = labelled(Timeframe.MONTHLY, date(2024, 1, 2))
    assert MONTHS.ends_of(months).tolist() == [us(1, 31, 14, 50)]


def test_a_session_the_calendar_lacks_counts_a_day() -> None:
    saturday = labelled(Timeframe.DAILY, date(2024, 1, 6))
    assert DAYS.ends_of(saturday).tolist() == [us(1, 7, 5)]


def test_an_answer_is_final_up_to_the_session_that_has_not_settled() -> None:
    assert MINUTES.final_until(us(1, 3, 14, 40)) == us(1, 3, 14, 30)
    assert MINUTES.final_until(us(1, 3, 18, 49)) == us(1, 3, 14, 30)
    assert MINUTES.final_until(us(1, 3, 18, 50)) == us(1, 3, 18, 50)
    assert MINUTES.final_until(us(12, 1, 0)) == us(12, 1, 0)  # beyond the calendar

"""Daily and minute bars over the hours of a real exchange: summer time, half days, holidays.

The hours expected are those of the New York Stock Exchange's published calendar for 2024: 9:30 to
16:00 local, 13:00 on the day after Thanksgiving; summer time began on Sunday, March 10.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from runs import FLAT, bars_of, buy, engine_of, rest, send
from simutrador_core.errors import InputError
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe, TimeInForce
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.sessions.exchange import get_calendar
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Until
from simutrador_engine.models.events import Expired, Filled
from simutrador_engine.performance.equity import equity_curve

pytest.importorskip("pandas_market_calendars", reason="the extra `calendars` of simutrador-core")


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def hours(first: date, end: date) -> Schedule:
    return get_calendar("XNYS").between(first, end)


def daily(plan: Schedule) -> Bars:
    flat = np.full(len(plan), 100.0)
    return Bars(
        "X", Timeframe.DAILY, Adjustment.RAW, plan.opens, flat, flat, flat, flat, flat,
        plan.sessions,
    )  # fmt: skip


def test_daily_bars_open_and_close_with_their_sessions_over_summer_time() -> None:
    plan = hours(date(2024, 3, 7), date(2024, 3, 13))
    engine = engine_of(daily(plan), schedules={"X": plan})
    engine.advance(Until(bars=2))
    assert engine.now == us("2024-03-08T21:00")
    send(engine, buy())

    fill = next(e for e in engine.advance().events if isinstance(e, Filled))

    assert fill.at == us("2024-03-11T13:30")
    assert engine.now == us("2024-03-11T20:00")


def test_daily_day_order_lives_for_the_next_session_half_days_and_holidays_included() -> None:
    plan = hours(date(2024, 11, 26), date(2024, 12, 4))
    engine = engine_of(daily(plan), schedules={"X": plan})
    engine.advance(Until(bars=2))
    assert engine.now == us("2024-11-27T21:00")
    send(engine, buy(limit_price=50, time_in_force=TimeInForce.DAY))

    assert [e.at for e in rest(engine) if isinstance(e, Expired)] == [us("2024-11-29T18:00")]


def minutes_of_the_half_day() -> Engine:
    plan = hours(date(2024, 11, 29), date(2024, 12, 3))
    opened = [us(f"2024-11-29T{at}") for at in ("17:57", "17:58", "17:59")]
    opened += [us("2024-12-02T14:30"), us("2024-12-02T14:31")]
    return engine_of(bars_of(*[FLAT] * 5, opened_at=opened), schedules={"X": plan})


@pytest.mark.parametrize(
    ("sent_after", "expires"),
    [(1, "2024-11-29T18:00"), (2, "2024-11-29T18:00"), (3, "2024-12-02T21:00")],
)
def test_minute_day_order_expires_with_the_half_day(sent_after: int, expires: str) -> None:
    engine = minutes_of_the_half_day()
    engine.advance(Until(bars=sent_after))
    order = buy(limit_price=50, time_in_force=TimeInForce.DAY)
    accepted = send(engine, order)
    working = engine._desk.find("a")

    assert accepted
    assert working is not None
    assert working.expires_at == us(expires)


def test_sessions_of_the_equity_curve_are_the_exchanges() -> None:
    engine = minutes_of_the_half_day()
    rest(engine)

    sessions = [str(day) for day in equity_curve(engine).sessions]

    assert sessions == ["2024-11-29"] * 3 + ["2024-12-02"] * 2
    assert len(equity_curve(engine).by_session()) == 3


def test_daily_bar_on_a_holiday_is_refused() -> None:
    plan = hours(date(2024, 11, 26), date(2024, 12, 4))
    thanksgiving = bars_of(FLAT, opened_at=[us("2024-11-28T14:30")], timeframe=Timeframe.DAILY)

    with pytest.raises(InputError, match="2024-11-28, which is no session"):
        engine_of(thanksgiving, schedules={"X": plan})


def test_two_exchanges_never_fill_before_the_order_was_sent() -> None:
    york = hours(date(2024, 3, 4), date(2024, 3, 20))
    london = get_calendar("XLON").between(date(2024, 3, 4), date(2024, 3, 20))
    there = daily(london)
    other = Bars(
        "L", Timeframe.DAILY, Adjustment.RAW, there.opened_at, there.open, there.high, there.low,
        there.close, there.volume, there.sessions,
    )  # fmt: skip
    engine = engine_of(daily(york), other, schedules={"X": york, "L": london})
    engine.advance()
    assert engine.now == us("2024-03-04T16:30")  # London has closed, New York is under way
    engine.advance(Until(bars=2))
    assert engine.now == us("2024-03-05T16:30")
    send(engine, buy(time_in_force=TimeInForce.DAY))

    fill = next(e for e in rest(engine) if isinstance(e, Filled))

    assert fill.at == us("2024-03-06T14:30")


def test_round_the_clock_market_needs_no_calendar() -> None:
    always = get_calendar("24/7").between(date(2024, 3, 9), date(2024, 3, 12))
    bars = bars_of(*[FLAT] * 8, first=us("2024-03-09T23:56"))
    with_hours = engine_of(bars, schedules={"X": always})
    without = engine_of(bars)

    for engine in (with_hours, without):
        engine.advance()
        send(engine, buy(limit_price=50, time_in_force=TimeInForce.DAY))
        assert [e.at for e in rest(engine) if isinstance(e, Expired)] == [us("2024-03-10T00:00")]

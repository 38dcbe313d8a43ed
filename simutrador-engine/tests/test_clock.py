"""Which bar an order may act on, when it expires, and what time an engine is asked to reach."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from runs import (
    DAY,
    FLAT,
    HOUR,
    MINUTE,
    bars_of,
    buy,
    config_of,
    engine_of,
    rest,
    schedule_of,
    send,
    started,
    told,
)
from simutrador_core.errors import InputError, UnknownSymbolError
from simutrador_core.models.enums import Timeframe, TimeInForce
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Cancel, Order, Replace, Until
from simutrador_engine.models.events import Expired, Filled


def two_clocks() -> Engine:
    """Return an hourly X from 0:30 beside an hourly Y from 0:00; the clock stands at 1:00."""
    x = bars_of(*[FLAT] * 4, first=HOUR // 2, step=HOUR, timeframe=Timeframe.HOUR_1)
    y = bars_of(*[FLAT] * 4, symbol="Y", step=HOUR, timeframe=Timeframe.HOUR_1)
    engine = engine_of(x, y)
    engine.advance(Until(at=2 * HOUR))
    return engine


def test_order_never_fills_at_an_open_before_it_was_sent() -> None:
    engine = two_clocks()
    send(engine, buy())  # at 2:00, while the bar of X that opened at 1:30 is under way

    fill = next(e for e in rest(engine) if isinstance(e, Filled))

    assert (fill.at, fill.bar) == (2 * HOUR + HOUR // 2, 2 * HOUR + HOUR // 2)


def test_immediate_order_waits_for_the_first_bar_it_can_act_on() -> None:
    engine = two_clocks()
    send(engine, buy(time_in_force=TimeInForce.IOC))

    assert told(rest(engine)) == ["fill a 10 100"]


def test_replaced_terms_never_act_on_a_bar_already_under_way() -> None:
    x = bars_of(
        FLAT, FLAT, "100 101 80 100", FLAT, first=HOUR // 2, step=HOUR, timeframe=Timeframe.HOUR_1
    )
    y = bars_of(*[FLAT] * 5, symbol="Y", step=HOUR, timeframe=Timeframe.HOUR_1)
    engine = engine_of(x, y)
    engine.advance(Until(at=2 * HOUR))
    send(engine, buy(limit_price=70))
    engine.advance(Until(at=3 * HOUR))
    engine.apply(Replace(order_id="a", limit_price=engine.config.cash // 10_000 - 10))

    assert told(rest(engine)) == []


@pytest.mark.parametrize(
    ("name", "terms", "fills"),
    [
        ("take_profit", {"limit_price": Decimal(103)}, "fill a/stop_loss 10 95"),
        ("stop_loss", {"stop_price": Decimal(98)}, "fill a/take_profit 10 110"),
    ],
)
def test_exit_replaced_in_the_bar_of_its_entry_waits_for_the_next(
    name: str, terms: Any, fills: str
) -> None:
    # The bar that opened at 2:30 reaches old and new exits; the moved one may not act on it.
    wide = "100 112 94 100"
    x = bars_of(FLAT, FLAT, wide, FLAT, first=HOUR // 2, step=HOUR, timeframe=Timeframe.HOUR_1)
    y = bars_of(*[FLAT] * 5, symbol="Y", step=HOUR, timeframe=Timeframe.HOUR_1)
    engine = engine_of(x, y)
    engine.advance(Until(at=2 * HOUR + HOUR // 2))
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance(Until(at=3 * HOUR))
    engine.apply(Replace(order_id=f"a/{name}", **terms))

    assert fills in told(rest(engine))


def test_advance_reaches_every_kind_of_end() -> None:
    engine = started(*[FLAT] * 10)
    assert engine.now == MINUTE
    assert engine.advance(Until(bars=0)).at == MINUTE
    assert engine.advance(Until(bars=2)).reason == "bars"
    assert engine.now == 3 * MINUTE
    assert engine.advance(Until(at=0)).reason == "time"
    assert engine.now == 3 * MINUTE
    assert engine.advance(Until(at=5 * MINUTE + 1)).reason == "time"
    assert engine.now == 5 * MINUTE
    send(engine, buy())
    assert engine.advance(Until(fill=True)).reason == "fill"
    assert engine.now == 6 * MINUTE
    assert engine.advance(Until(fill=True)).reason == "end"
    assert engine.is_over
    assert engine.advance().events == ()


# Expiry


def expiry(engine: Engine) -> list[int]:
    return [event.at for event in rest(engine) if isinstance(event, Expired)]


def day_order() -> Order:
    return buy(limit_price=50, time_in_force=TimeInForce.DAY)


def test_day_order_expires_at_the_close_of_its_session() -> None:
    hours = schedule_of((0, 3 * MINUTE), (DAY, DAY + 3 * MINUTE))
    bars = bars_of(
        *[FLAT] * 6, opened_at=[0, MINUTE, 2 * MINUTE, DAY, DAY + MINUTE, DAY + 2 * MINUTE]
    )
    for steps, close in [(1, 3 * MINUTE), (2, 3 * MINUTE), (3, DAY + 3 * MINUTE)]:
        engine = engine_of(bars, schedules={"X": hours})
        engine.advance(Until(bars=steps))
        send(engine, day_order())

        assert expiry(engine) == [close]


def test_day_order_expires_on_time_although_the_last_bars_are_missing() -> None:
    hours = schedule_of((0, HOUR), (DAY, DAY + HOUR))
    engine = engine_of(
        bars_of(FLAT, FLAT, "40 41 39 40", opened_at=[0, MINUTE, DAY]), schedules={"X": hours}
    )
    engine.advance()
    send(engine, day_order())

    assert expiry(engine) == [HOUR]


def test_day_order_without_a_calendar_expires_at_midnight_utc() -> None:
    engine = engine_of(bars_of(*[FLAT] * 4, first=DAY - 3 * MINUTE))
    engine.advance()
    send(engine, day_order())
    assert expiry(engine) == [DAY]


@pytest.mark.parametrize("schedules", [{}, {"X": schedule_of()}])
def test_empty_schedule_is_no_schedule(schedules: Any) -> None:
    engine = engine_of(bars_of(*[FLAT] * 4, first=DAY - 3 * MINUTE), schedules=schedules)
    engine.advance()
    send(engine, day_order())

    assert expiry(engine) == [DAY]


def test_daily_day_order_acts_on_exactly_one_bar() -> None:
    engine = engine_of(bars_of(*[FLAT] * 4, step=DAY, timeframe=Timeframe.DAILY))
    engine.advance()
    send(engine, day_order())

    assert expiry(engine) == [2 * DAY]


def test_immediate_order_waits_over_missing_bars() -> None:
    y = bars_of(*[FLAT] * 5, symbol="Y")
    engine = engine_of(bars_of(FLAT, "-", "-", FLAT, "40 41 39 40"), y)
    engine.advance()
    send(engine, buy(limit_price=50, time_in_force=TimeInForce.IOC))

    assert expiry(engine) == [4 * MINUTE]


# Odd data


def test_no_bars_at_all_make_an_empty_run() -> None:
    engine = engine_of(bars_of())

    assert engine.is_over
    assert engine.advance(Until()).events == ()
    assert engine.account().equity == 1_000_000


def test_one_bar_gives_nothing_to_trade_on() -> None:
    engine = started(FLAT)
    send(engine, buy())

    assert engine.is_over
    assert rest(engine) == []
    assert engine.account().open_orders == ("a",)


def test_symbol_without_bars_stands_beside_one_that_trades() -> None:
    engine = engine_of(bars_of(FLAT, FLAT), bars_of(symbol="Y"))
    engine.advance()
    send(engine, buy())
    rest(engine)

    assert [p.symbol for p in engine.account().positions] == ["X"]


def test_overlapping_bars_are_refused() -> None:
    # A fill at the second open would lie before the close at which its order was sent.
    with pytest.raises(InputError, match="opens before the one before it closed"):
        engine_of(bars_of(FLAT, FLAT, step=MINUTE // 2))
    short_day = bars_of(FLAT, FLAT, opened_at=[0, DAY + HOUR - 1], timeframe=Timeframe.DAILY)
    engine_of(short_day)
    with pytest.raises(InputError, match="opens before the one before it closed"):
        engine_of(bars_of(FLAT, FLAT, opened_at=[HOUR, DAY], timeframe=Timeframe.DAILY))


@pytest.mark.parametrize("timeframe", [Timeframe.WEEKLY, Timeframe.MONTHLY])
def test_weekly_bars_are_refused(timeframe: Timeframe) -> None:
    with pytest.raises(InputError, match="cannot be traded"):
        engine_of(bars_of(FLAT, FLAT, step=40 * DAY, timeframe=timeframe))


def test_bars_that_do_not_fit_the_configuration_are_refused() -> None:
    bars = bars_of(FLAT)
    with pytest.raises(InputError, match="1min"):
        Engine(config_of(timeframe=Timeframe.HOUR_1), {"X": bars})
    with pytest.raises(UnknownSymbolError):
        Engine(config_of(), {"Y": bars})
    forming = bars_of(FLAT, FLAT)
    forming = type(forming)(*[getattr(forming, n) for n in (
        "symbol", "timeframe", "adjustment", "opened_at", "open", "high", "low", "close", "volume",
    )], complete=False)  # fmt: skip
    with pytest.raises(InputError, match="forming"):
        Engine(config_of(), {"X": forming})


def test_bars_with_impossible_prices_are_refused() -> None:
    for row in ("nan nan nan nan", "100 inf 99 100", "0 1 0 1", "-1 1 -1 1"):
        with pytest.raises(InputError, match="X"):
            engine_of(bars_of(FLAT, row))


def test_history_is_seen_but_not_traded() -> None:
    engine = engine_of(bars_of(*[FLAT] * 5), start=2 * MINUTE)

    assert engine.now == 2 * MINUTE
    assert engine.seen("X") == 2
    send(engine, buy())
    assert engine.advance().at == 3 * MINUTE
    assert np.array_equal(engine.timeline.instants, [n * MINUTE for n in range(1, 6)])


def test_cancel_takes_effect_before_the_bar_under_way() -> None:
    engine = two_clocks()
    send(engine, buy())
    engine.apply(Cancel("a"))

    assert rest(engine) == []

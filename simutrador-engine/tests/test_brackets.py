"""Bracket exits through cancels, replacements, flips and neighbours."""

from __future__ import annotations

from decimal import Decimal

from runs import FLAT, buy, rest, sell, send, started, told
from simutrador_engine.models.commands import Cancel, Replace, Until
from simutrador_engine.models.config import FillPolicy, ShortSelling


def test_exit_cancelled_while_held_never_comes_to_life() -> None:
    engine = started(FLAT, "100 101 80 90", "90 91 80 85")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.apply(Cancel("a/stop_loss"))

    assert told(rest(engine)) == ["fill a 10 100"]
    assert engine.account().open_orders == ("a/take_profit",)


def test_target_works_alone_after_its_held_stop_was_cancelled() -> None:
    engine = started(FLAT, FLAT, "100 111 80 90")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.apply(Cancel("a/stop_loss"))

    assert told(rest(engine)) == ["fill a 10 100", "fill a/take_profit 10 110"]


def test_stop_works_alone_after_its_resting_target_was_cancelled() -> None:
    engine = started(FLAT, FLAT, "100 111 94 100")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance()
    engine.apply(Cancel("a/take_profit"))

    assert told(rest(engine)) == ["triggered a/stop_loss", "fill a/stop_loss 10 95"]


def test_cancelled_entry_takes_its_exits_along() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy(limit_price=90, stop_loss=85, take_profit=110))

    events = engine.apply(Cancel("a"))

    assert told(events) == ["cancelled a", "cancelled a/stop_loss", "cancelled a/take_profit"]
    assert engine.account().open_orders == ()


def test_replaced_quantity_of_an_entry_reaches_its_exits() -> None:
    engine = started(FLAT, FLAT, "100 111 99 110")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.apply(Replace(order_id="a", quantity=Decimal(4)))

    assert told(rest(engine)) == [
        "fill a 4 100", "fill a/take_profit 4 110", "cancelled a/stop_loss",
    ]  # fmt: skip


def test_exit_shrinks_to_what_a_sale_has_left() -> None:
    engine = started(FLAT, FLAT, FLAT, "100 111 99 110")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance()
    send(engine, sell("b", 7))

    assert told(rest(engine)) == [
        "fill b 7 100", "fill a/take_profit 3 110", "cancelled a/take_profit",
        "cancelled a/stop_loss",
    ]  # fmt: skip
    assert engine.account().positions == ()


def test_exits_end_when_a_sale_closes_the_position() -> None:
    engine = started(FLAT, FLAT, FLAT, "100 111 90 100")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance()
    send(engine, sell("b"))

    assert told(rest(engine)) == [
        "fill b 10 100", "cancelled a/stop_loss", "cancelled a/take_profit",
    ]  # fmt: skip


def test_two_brackets_of_one_symbol_leave_each_other_alone() -> None:
    engine = started(FLAT, FLAT, "100 106 99 104", "100 111 99 110")
    send(engine, buy("a", 10, stop_loss=95, take_profit=105))
    send(engine, buy("b", 20, stop_loss=94, take_profit=110))

    assert told(rest(engine)) == [
        "fill a 10 100", "fill b 20 100",
        "fill a/take_profit 10 105", "cancelled a/stop_loss",
        "fill b/take_profit 20 110", "cancelled b/stop_loss",
    ]  # fmt: skip


def test_both_brackets_stop_out_in_one_bar_without_turning_short() -> None:
    engine = started(FLAT, FLAT, "100 101 90 92")
    send(engine, buy("a", 10, stop_loss=95, take_profit=105))
    send(engine, buy("b", 20, stop_loss=94, take_profit=110))
    rest(engine)

    assert engine.account().positions == ()
    assert engine.account().open_orders == ()


def test_bracket_that_flips_long_to_short_swaps_the_exits() -> None:
    engine = started(FLAT, FLAT, FLAT, "100 101 80 82")
    send(engine, buy("a", 10, stop_loss=95, take_profit=120))
    engine.advance()
    send(engine, sell("b", 30, stop_loss=105, take_profit=85))

    assert told(rest(engine)) == [
        "fill b 30 100", "cancelled a/stop_loss", "cancelled a/take_profit",
        "fill b/take_profit 20 85", "cancelled b/take_profit", "cancelled b/stop_loss",
    ]  # fmt: skip
    assert engine.account().positions == ()


def test_exits_of_a_sale_that_only_reduces_end_at_once() -> None:
    engine = started(FLAT, FLAT, FLAT, "100 120 80 82")
    send(engine, buy("a", 10))
    engine.advance()
    send(engine, sell("b", 4, stop_loss=105, take_profit=85))

    assert told(rest(engine)) == [
        "fill b 4 100",
        "cancelled b/stop_loss",
        "cancelled b/take_profit",
    ]
    assert [p.quantity for p in engine.account().positions] == [6]


def test_resting_sale_never_turns_short_where_that_is_forbidden() -> None:
    engine = started(
        FLAT, FLAT, "100 101 94 100", "100 121 99 120", short_selling=ShortSelling.FORBIDDEN
    )
    send(engine, buy("a", 10, stop_loss=95))
    engine.advance()
    send(engine, sell("b", 10, limit_price=120))

    assert told(rest(engine)) == ["triggered a/stop_loss", "fill a/stop_loss 10 95", "cancelled b"]
    assert engine.account().positions == ()


def test_stop_moved_above_the_entry_locks_the_gain() -> None:
    engine = started(FLAT, FLAT, "108 109 107 108", "108 109 103 104")
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance(Until(bars=2))
    engine.apply(Replace(order_id="a/stop_loss", stop_price=Decimal(105)))

    assert told(rest(engine)) == [
        "triggered a/stop_loss", "fill a/stop_loss 10 105", "cancelled a/take_profit",
    ]  # fmt: skip


def test_resting_stop_limit_that_pulls_back_from_the_open_knows_what_came_after() -> None:
    # Triggered by the open of 103, so the price fell to 101.50 and only then to the stop at 95.
    for policy in FillPolicy:
        engine = started(FLAT, "103 104 94 100", policy=policy)
        send(engine, buy(stop_price=102, limit_price="101.5", stop_loss=95, take_profit=110))

        assert told(rest(engine)) == [
            "triggered a", "fill a 10 101.5",
            "triggered a/stop_loss", "fill a/stop_loss 10 95", "cancelled a/take_profit",
        ]  # fmt: skip


def test_stop_limit_that_triggered_in_an_earlier_bar_is_a_plain_limit() -> None:
    for policy in FillPolicy:
        engine = started(FLAT, "103 104 102.6 103", "103 103 94 100", policy=policy)
        send(engine, buy(stop_price=102, limit_price="101.5", stop_loss=95, take_profit=110))

        assert told(rest(engine)) == [
            "triggered a", "fill a 10 101.5",
            "triggered a/stop_loss", "fill a/stop_loss 10 95", "cancelled a/take_profit",
        ]  # fmt: skip

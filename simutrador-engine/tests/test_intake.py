"""Commands the engine must refuse, and what it must survive."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest

from runs import FLAT, bars_of, buy, engine_of, refusals, rest, sell, send, started, told
from simutrador_engine.models.commands import BatchMode, Cancel, Order, Replace, Submit
from simutrador_engine.models.config import ShortSelling

BAD_NUMBERS = ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "0", "1e40", "1e400", "-0"]


@pytest.mark.parametrize("quantity", [*BAD_NUMBERS, "0.5", "1e-30", "1e16"])
@pytest.mark.parametrize("mode", list(BatchMode))
def test_bad_quantity_is_refused_and_changes_nothing(quantity: str, mode: BatchMode) -> None:
    engine = started(FLAT, FLAT)

    assert refusals(engine, Submit((buy(quantity=quantity),), mode)) == ["invalid_quantity"]
    assert rest(engine) == []
    assert engine.account().cash == 1_000_000


@pytest.mark.parametrize("name", ["limit_price", "stop_price", "stop_loss", "take_profit"])
@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "-1", "0", "1e400", "1e-400", "1e16"])
def test_bad_price_is_refused(name: str, price: str) -> None:
    engine = started(FLAT, FLAT)

    assert refusals(engine, Submit((buy(quantity=1, **{name: price}),))) == ["invalid_price"]


def test_price_of_more_digits_than_a_bar_can_have_is_refused() -> None:
    engine = started(FLAT, FLAT)

    assert refusals(engine, Submit((buy(limit_price=Decimal(1) / 3),))) == ["invalid_price"]
    send(engine, buy("b", limit_price=100 / 3))


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "1e40", "-5"])
def test_bad_order_of_an_atomic_batch_takes_a_good_one_along(bad: str) -> None:
    engine = started(FLAT, FLAT)
    orders = (buy("a", bad), buy("b", 1), buy("c", 1, limit_price=bad))

    codes = refusals(engine, Submit(orders, BatchMode.ATOMIC))

    assert codes == ["invalid_quantity", "batch_rejected", "invalid_price"]
    assert engine.account().open_orders == ()


def test_atomic_batch_counts_its_own_orders_against_the_buying_power() -> None:
    engine = started(FLAT, FLAT, cash=Decimal(1_000))
    both = (buy("a", 6), buy("b", 6))

    codes = refusals(engine, Submit(both, BatchMode.ATOMIC))

    assert codes == ["batch_rejected", "insufficient_buying_power"]
    assert refusals(engine, Submit(both)) == ["insufficient_buying_power"]


def test_used_or_empty_order_id_is_refused() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy("a"))

    assert refusals(engine, Submit((buy("a"),))) == ["duplicate_order_id"]
    assert refusals(engine, Submit((buy(""),))) == ["duplicate_order_id"]
    engine.apply(Cancel("a"))
    assert refusals(engine, Submit((buy("a"),))) == ["duplicate_order_id"]


def test_exit_never_takes_the_id_of_another_order() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy("a/stop_loss", limit_price=90))

    assert refusals(engine, Submit((buy("a", stop_loss=80),))) == ["duplicate_order_id"]
    twins = (buy("b/take_profit", 1), buy("b", 1, take_profit=120))
    assert "duplicate_order_id" in refusals(engine, Submit(twins, BatchMode.ATOMIC))
    assert engine.account().open_orders == ("a/stop_loss",)


def test_text_that_is_no_unicode_is_logged_all_the_same() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy("\ud800"))
    engine.apply(Submit((buy("b", symbol="\udfff"),)))
    engine.apply(Cancel("a\nb\u2028"))

    assert b'"order_id":"\\ud800"' in engine.log.to_bytes()
    assert len(engine.log.to_bytes().splitlines()) == len(engine.log) == 4


def test_order_before_the_first_bar_has_no_price_yet() -> None:
    engine = engine_of(bars_of(FLAT, FLAT))

    assert refusals(engine, Submit((buy(),))) == ["no_price_yet"]


def test_order_for_a_symbol_not_traded_is_refused() -> None:
    engine = started(FLAT, FLAT)

    assert refusals(engine, Submit((buy(symbol="Y"),))) == ["unknown_symbol"]


@pytest.mark.parametrize(
    ("side", "terms"),
    [
        (buy, {"limit_price": 100, "stop_loss": 100}),
        (buy, {"limit_price": 100, "take_profit": 99}),
        (buy, {"stop_loss": 110, "take_profit": 90}),
        (buy, {"stop_price": 102, "limit_price": 103, "stop_loss": "102.5"}),
        (buy, {"stop_price": 102, "limit_price": 101, "take_profit": "101.5"}),
        (sell, {"limit_price": 100, "stop_loss": 99}),
        (sell, {"limit_price": 100, "take_profit": 101}),
        (sell, {"stop_price": 98, "limit_price": 97, "stop_loss": "97.5"}),
    ],
)
def test_exit_on_the_wrong_side_of_its_entry_is_refused(side: Any, terms: Any) -> None:
    engine = started(FLAT, FLAT)

    assert refusals(engine, Submit((side(**terms),))) == ["invalid_bracket"]


# What the account can carry


@pytest.mark.parametrize(
    "order",
    [
        buy(quantity=11),
        sell(quantity=11),
        sell(quantity=100, limit_price="0.01"),  # fills at the open near 100, not at 0.01
        buy(quantity=100, stop_price="0.01"),  # likewise
        sell(quantity=11, stop_price=98, limit_price="0.01"),
    ],
)
def test_order_beyond_the_leverage_limit_is_refused(order: Order) -> None:
    engine = started(FLAT, FLAT, cash=Decimal(1_000))

    assert refusals(engine, Submit((order,))) == ["insufficient_buying_power"]


def test_limit_far_below_the_market_reserves_only_its_own_price() -> None:
    engine = started(FLAT, FLAT, cash=Decimal(1_000))

    send(engine, buy(quantity=20, limit_price=50))


def test_replacement_beyond_the_leverage_limit_is_refused() -> None:
    engine = started(FLAT, FLAT, cash=Decimal(1_000))
    send(engine, buy(quantity=5, limit_price=100))

    more = Replace(order_id="a", quantity=Decimal(11))
    dearer = Replace(order_id="a", limit_price=Decimal(201))

    assert refusals(engine, more) == ["insufficient_buying_power"]
    assert refusals(engine, dearer) == ["insufficient_buying_power"]
    assert refusals(engine, Replace(order_id="a", quantity=Decimal(10))) == []


def test_leverage_two_carries_twice_the_equity() -> None:
    engine = started(FLAT, FLAT, cash=Decimal(1_000), leverage=Decimal(2))

    assert refusals(engine, Submit((buy("a", 21),))) == ["insufficient_buying_power"]
    send(engine, buy("b", 20))


def test_sale_beyond_the_holding_is_refused_where_short_selling_is_forbidden() -> None:
    engine = started(FLAT, FLAT, FLAT, short_selling=ShortSelling.FORBIDDEN)
    assert refusals(engine, Submit((sell(),))) == ["short_not_allowed"]
    send(engine, buy("b", 10))
    engine.advance()

    assert refusals(engine, Submit((sell("c", 11),))) == ["short_not_allowed"]
    send(engine, sell("d", 6, limit_price=120))
    assert refusals(engine, Submit((sell("e", 5),))) == ["short_not_allowed"]
    more = Replace(order_id="d", quantity=Decimal(11))
    assert refusals(engine, more) == ["short_not_allowed"]
    assert refusals(engine, Replace(order_id="d", quantity=Decimal(10))) == []


# Cancel and replace


def test_change_of_an_order_that_is_not_open_is_refused() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy())
    assert refusals(engine, Cancel("nobody")) == ["unknown_order"]
    rest(engine)

    assert refusals(engine, Cancel("a")) == ["not_open"]
    assert refusals(engine, Replace(order_id="a", quantity=Decimal(5))) == ["not_open"]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"quantity": Decimal("NaN")}, "invalid_quantity"),
        ({"quantity": Decimal(0)}, "invalid_quantity"),
        ({"quantity": Decimal("1e40")}, "invalid_quantity"),
        ({"limit_price": Decimal("NaN")}, "invalid_price"),
        ({"limit_price": Decimal(0)}, "invalid_price"),
        ({"stop_price": Decimal(90)}, "invalid_price"),
        ({"limit_price": Decimal(84)}, "invalid_bracket"),
    ],
)
def test_bad_replacement_is_refused_and_changes_nothing(terms: Any, code: str) -> None:
    engine = started(FLAT, "90 91 89 90")
    send(engine, buy(limit_price=90, stop_loss=85))

    assert refusals(engine, Replace(order_id="a", **terms)) == [code]
    assert told(rest(engine)) == ["fill a 10 90"]


def test_stop_loss_is_not_moved_beyond_its_target() -> None:
    engine = started(FLAT, FLAT, FLAT)
    send(engine, buy(stop_loss=95, take_profit=110))
    engine.advance()
    beyond = Replace(order_id="a/stop_loss", stop_price=Decimal(111))

    assert refusals(engine, beyond) == ["invalid_bracket"]


def test_quantity_of_an_exit_cannot_be_replaced() -> None:
    engine = started(FLAT, FLAT, FLAT)
    send(engine, buy(stop_loss=95))
    engine.advance()
    half = Replace(order_id="a/stop_loss", quantity=Decimal(5))

    assert refusals(engine, half) == ["invalid_quantity"]


def test_stop_price_of_a_triggered_order_cannot_be_replaced() -> None:
    engine = started(FLAT, "103 104 102.6 103", FLAT)
    send(engine, buy(stop_price=102, limit_price="102.5"))
    engine.advance()
    later = Replace(order_id="a", stop_price=Decimal(105))

    assert refusals(engine, later) == ["invalid_price"]


def test_replaced_order_loses_its_priority() -> None:
    engine = started(FLAT, FLAT)
    send(engine, buy("a"), buy("b"))
    engine.apply(Replace(order_id="a", quantity=Decimal(3)))

    assert told(rest(engine)) == ["fill b 10 100", "fill a 3 100"]


def test_decimal_context_of_the_caller_changes_nothing() -> None:
    def play() -> str:
        engine = started(FLAT, "100.37 101 99 100", FLAT, slippage_bps=Decimal(7))
        send(engine, buy("a", 7919, stop_loss=95))
        engine.advance()
        send(engine, sell("b", 1234))
        rest(engine)
        return engine.log.sha256()

    wanted = play()
    with localcontext() as strange:
        strange.prec = 3
        assert play() == wanted

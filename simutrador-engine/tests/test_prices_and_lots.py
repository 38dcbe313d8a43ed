"""Very small and very large steps, prices and sizes, with amounts worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runs import bars_of, buy, engine_of, refusals, rest, sell, send, told
from simutrador_engine.engine import Engine
from simutrador_engine.models.commands import Submit
from simutrador_engine.models.events import Filled

COIN = "0.00001234 0.00001300 0.00001200 0.00001250"


def coin(**settings: object) -> Engine:
    engine = engine_of(bars_of(COIN, COIN, COIN), cash=Decimal(1_000), **settings)
    engine.advance()
    return engine


def test_coin_below_one_tick_is_neither_given_away_nor_overpaid() -> None:
    engine = coin(slippage_bps=Decimal(10))  # the tick of 0.01 is a thousand times its price
    send(engine, buy("a", 1_000_000))
    engine.advance()
    send(engine, sell("b", 1_000_000))
    sold = [event.price for event in engine.advance().events if isinstance(event, Filled)]

    # 0.00001234 x 0.999, after a purchase at 0.00001234 x 1.001.
    assert sold == [Decimal("0.00001232766")]
    assert engine.portfolio.trades[0].entry_price == Decimal("0.00001235234")
    # 1,000,000 x (0.00001232766 - 0.00001235234), each leg rounded to 1e-8.
    assert engine.account().cash == Decimal("999.97532000")


def test_price_of_1e_8_trades_on_its_own_grid() -> None:
    row = "0.00000001 0.00000003 0.00000001 0.00000002"
    engine = engine_of(
        bars_of(row, row, row),
        cash=Decimal(1_000),
        tick_sizes={"X": Decimal("1e-8")},
        slippage_bps=Decimal(5),
    )
    engine.advance()
    send(engine, buy("a", 10**9))
    assert told(rest(engine)) == ["fill a 1000000000 0.00000002"]  # 1.0005 ticks, rounded up
    assert engine.account().cash == Decimal(980)
    assert engine.account().equity == Decimal(1_000)


def test_huge_tick_rounds_against_the_trader() -> None:
    engine = engine_of(
        bars_of(*["100 101 99 100"] * 3), tick_sizes={"X": Decimal(30)}, slippage_bps=Decimal(1)
    )
    engine.advance()
    send(engine, buy("a", 2), sell("b", 1))

    assert told(rest(engine)) == ["fill a 2 120", "fill b 1 90"]


def test_fractional_lots_add_up() -> None:
    row = "100 101 99 100"
    engine = engine_of(
        bars_of(*[row] * 5), lot_sizes={"X": Decimal("1e-8")}, commission_per_share=Decimal("0.01")
    )
    engine.advance()
    for n, quantity in enumerate(("0.1", "0.2", "0.00000001")):
        send(engine, buy(f"b{n}", quantity))
        engine.advance()
    assert [p.quantity for p in engine.account().positions] == [Decimal("0.30000001")]
    assert refusals(engine, Submit((buy("c", "0.000000005"),))) == ["invalid_quantity"]
    send(engine, sell("s", "0.30000001"))
    rest(engine)

    assert engine.account().positions == ()
    # Fees: 0.001 + 0.002 + 0.0000000001, which is 0 at 1e-8, then 0.0030000001, also rounded.
    assert engine.account().commission_paid == Decimal("0.006")
    assert engine.account().cash == Decimal("999999.994")


@pytest.mark.parametrize("quantity", ["1e15", "999999999999999"])
def test_largest_size_is_judged_by_the_account_not_by_arithmetic(quantity: str) -> None:
    engine = engine_of(bars_of(*["1e15 1e15 1e15 1e15"] * 3), leverage=Decimal(1000))
    engine.advance()

    assert refusals(engine, Submit((buy("a", quantity),))) == ["insufficient_buying_power"]


def test_largest_account_trades_to_the_last_cent() -> None:
    row = "0.01 1e15 0.01 0.01"
    engine = engine_of(bars_of(row, row, "1e15 1e15 1e15 1e15"), cash=Decimal("1e15"))
    engine.advance()
    send(engine, buy("a", "1e15"))
    rest(engine)

    # 1e15 units at 0.01 cost 1e13; at 1e15 each they are worth 1e30.
    assert engine.account().cash == Decimal(990000000000000)
    assert engine.account().equity == Decimal("1e30") + Decimal("9.9e14")

"""Round trips, first in, first out, worked by hand."""

from __future__ import annotations

from decimal import Decimal

from simutrador_client.payloads import Fill
from simutrador_client.trades import TradeBook


def book(*fills: tuple[str, str, str, str]) -> list[tuple[str, str]]:
    made = TradeBook()
    for side, quantity, price, fee in fills:
        made.add(
            Fill(
                {
                    "symbol": "AAPL",
                    "side": side,
                    "executed_quantity": quantity,
                    "executed_price": price,
                    "commission": fee,
                }
            )
        )
    return [(str(t.quantity), f"{t.pnl.normalize():f}") for t in made.trades]


def test_an_exit_that_closes_two_entries_makes_two_trades_and_shares_its_fee() -> None:
    trades = book(("buy", "10", "100", "1"), ("buy", "10", "110", "1"), ("sell", "20", "120", "2"))
    assert trades == [("10", "198"), ("10", "98")]


def test_a_partial_exit_takes_its_share_of_the_entrys_fee() -> None:
    trades = book(("buy", "10", "100", "1"), ("sell", "4", "90", "0"), ("sell", "6", "100", "0"))
    assert trades == [("4", "-40.4"), ("6", "-0.6")]


def test_an_order_through_zero_closes_a_long_and_opens_a_short() -> None:
    trades = book(("buy", "5", "100", "0"), ("sell", "8", "110", "0"), ("buy", "3", "100", "0"))
    assert trades == [("5", "50"), ("-3", "30")]


def test_open_positions_and_fills_without_a_side_are_no_trades() -> None:
    assert book(("buy", "5", "100", "0"), ("", "5", "100", "0")) == []
    made = TradeBook()
    made.add(Fill({"symbol": "AAPL", "executed_quantity": Decimal(1)}))
    assert made.trades == []

"""Payloads: attributes are typed, items are the JSON as it came."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from peer import candle, tick
from simutrador_client.payloads import Account, End, Fill, HistorySnapshot, Payload, Tick


def test_a_tick_gives_instants_and_decimals_by_attribute_and_text_by_item() -> None:
    given = Tick(tick(3, 100.5))
    assert given.sim_time == datetime(2023, 1, 5, 21, tzinfo=UTC)
    assert given["sim_time"] == "2023-01-05T21:00:00Z"
    assert given.candles["AAPL"].close == Decimal("100.50")
    assert given.candles["AAPL"]["close"] == "100.50"
    assert given.candles["AAPL"].date == datetime(2023, 1, 5, 14, 30, tzinfo=UTC)
    assert list(given.candles) == ["AAPL"]
    assert len(given.candles) == 1
    assert given.sequence_id == 3


def test_fields_left_out_are_none_and_unknown_names_an_attribute_error() -> None:
    given = Tick({"session_id": "s"})
    assert given.is_eod is None
    assert dict(given.candles) == {}
    assert not hasattr(given, "vwap")
    with pytest.raises(AttributeError, match="Tick has no field 'vwap', only session_id"):
        _ = given.vwap


def test_fields_the_sdk_does_not_know_pass_through() -> None:
    assert Fill({"venue_note": {"a": 1}}).venue_note == {"a": 1}
    assert Payload({"plan": "free"}).plan == "free"


@pytest.mark.parametrize("price", ["101.25", 101.25])
def test_prices_are_exact_whether_text_or_number(price: object) -> None:
    assert Fill({"executed_price": price}).executed_price == Decimal("101.25")
    assert Fill({"executed_price": None}).executed_price is None


def test_account_end_and_history_give_their_parts() -> None:
    account = Account(
        {"cash": 1, "positions": [{"symbol": "AAPL", "quantity": -5, "avg_cost": "9.5"}]}
    )
    [position] = account.positions
    assert (position.symbol, position.quantity, position.avg_cost) == ("AAPL", -5, Decimal("9.5"))
    assert Account({}).positions == []
    end = End({"total_return_pct": "12.5", "sharpe_ratio": None})
    assert (end.total_return_pct, end.sharpe_ratio, end.log_sha256) == (12.5, None, None)
    history = HistorySnapshot({"candles": {"AAPL": [candle(0, 7)]}})
    assert history.candles["AAPL"][0].open == Decimal(7)


def test_payloads_are_mappings_that_can_be_shown_copied_and_pickled() -> None:
    given = Tick({"session_id": "s", "sequence_id": 1})
    assert dict(given) == {"session_id": "s", "sequence_id": 1}
    assert len(given) == 2
    assert repr(given) == "Tick({'session_id': 's', 'sequence_id': 1})"
    assert repr(given.candles) == "Candles({})"
    assert copy.copy(given).sequence_id == 1
    assert pickle.loads(pickle.dumps(given)) == given

"""Orders: what goes out, what comes back, and how each failure shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from peer import SID, START, Peer, Recording, accepted, serving, session
from simutrador_client.strategy import DecisionOnlyStrategy, OrderSpec
from simutrador_client.websocket import (
    SessionConnectionError,
    SessionProtocolError,
    SessionTimeoutError,
    SimutradorClientSession,
)
from simutrador_core.errors import InputError
from simutrador_core.models.websocket import OrderData

ORDER = {"order_id": "o1", "symbol": "AAPL", "side": "buy", "type": "market", "quantity": 10}


async def test_a_batch_goes_out_as_documented_and_its_acknowledgement_comes_back() -> None:
    sent: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        sent.append(await peer.ack_orders())

    async with serving(script) as url, session(Recording(), url) as venue:
        ack = await venue.submit_orders(
            SID, [ORDER], batch_id="b1", execution_mode="atomic", request_id="r1"
        )
    assert sent[0]["request_id"] == "r1"
    assert sent[0]["data"] == {
        "session_id": SID,
        "batch_id": "b1",
        "orders": [ORDER],
        "execution_mode": "atomic",
    }
    assert ack == {
        "batch_id": "b1",
        "accepted_orders": ["o1"],
        "rejected_orders": {},
        "estimated_fills": {},
    }


async def test_answers_find_their_requests_in_any_order() -> None:
    async def script(peer: Peer) -> None:
        first, second = await peer.expect("order_batch"), await peer.expect("order_batch")
        await peer.send("batch_ack", accepted(second), second["request_id"])
        await peer.send("batch_ack", accepted(first), first["request_id"])

    async with serving(script) as url, session(Recording(), url) as venue:
        acks = await asyncio.gather(
            venue.submit_orders(SID, [ORDER], batch_id="a"),
            venue.submit_orders(SID, [ORDER], batch_id="b"),
        )
    assert [ack["batch_id"] for ack in acks] == ["a", "b"]


async def test_a_bracket_order_is_one_order_with_exactly_the_documented_fields() -> None:
    sent: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        sent.extend([await peer.ack_orders(), await peer.ack_orders()])

    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.place_bracket_order(
            SID,
            symbol="AAPL",
            side="buy",
            order_type="limit",
            quantity=5,
            price=123.45,
            stop_loss=Decimal("120.0"),
            take_profit="130.125",
            tif="gtc",
            batch_id="b3",
        )
        task = venue.place_bracket_order_nowait(
            SID, symbol="BTC-USD", side="sell", order_type="market", quantity=Decimal("0.5")
        )
        assert isinstance(task, asyncio.Task)
        assert (await task)["rejected_orders"] == {}
    order = sent[0]["data"]["orders"][0]
    assert UUID(order.pop("order_id")).version == 4
    assert order == {
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "quantity": 5,
        "time_in_force": "gtc",
        "price": 123.45,
        "stop_loss": "120.00",
        "take_profit": "130.125",
    }
    assert sent[0]["data"]["batch_id"] == "b3"
    other = sent[1]["data"]["orders"][0]
    assert other["quantity"] == "0.50"
    assert set(other) == {"order_id", "symbol", "side", "type", "quantity", "time_in_force"}


async def test_core_models_and_specs_are_taken_as_orders() -> None:
    sent: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        sent.append(await peer.ack_orders())

    model = OrderData.model_validate({**ORDER, "type": "limit", "price": "9.5"})
    spec = OrderSpec("AAPL", "sell", Decimal(3), "stop", stop_price=Decimal(8))
    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.submit_orders(SID, [model, spec])
    first, second = sent[0]["data"]["orders"]
    assert (first["price"], first["quantity"]) == ("9.50", 10)
    assert (second["stop_price"], second["quantity"]) == ("8.00", 3)


@pytest.mark.parametrize(
    "fault",
    [
        {"batch_id": None},
        {"batch_id": 7},
        {"accepted_orders": "o1"},
        {"rejected_orders": []},
    ],
)
async def test_a_malformed_acknowledgement_is_a_protocol_error(fault: dict[str, Any]) -> None:
    async def script(peer: Peer) -> None:
        message = await peer.expect("order_batch")
        await peer.send("batch_ack", {**accepted(message), **fault}, message["request_id"])

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionProtocolError, match=next(iter(fault))):
            await venue.submit_orders(SID, [ORDER])


@pytest.mark.parametrize("by", ["request_id", "failed_request_id"])
async def test_an_error_that_answers_the_batch_is_a_protocol_error(by: str) -> None:
    async def script(peer: Peer) -> None:
        message = await peer.expect("order_batch")
        data = {"error_code": "INVALID_ORDER", "message": "no such symbol"}
        if by == "request_id":
            await peer.send("error", data, message["request_id"])
        else:
            await peer.send("error", {**data, by: message["request_id"]})

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionProtocolError, match="INVALID_ORDER: no such symbol"):
            await venue.submit_orders(SID, [ORDER])


async def test_a_lost_acknowledgement_times_out() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect("order_batch")
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url, timeout_s=0.02) as venue:
        with pytest.raises(SessionTimeoutError, match="no answer to order_batch within"):
            await venue.submit_orders(SID, [ORDER])


async def test_orders_on_a_lost_connection_fail() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect("order_batch")
        await peer.socket.close(1011, "out of memory")

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionConnectionError, match=r"1011.*out of memory"):
            await venue.submit_orders(SID, [ORDER])
        with pytest.raises(SessionConnectionError, match="1011"):
            await venue.submit_orders(SID, [ORDER])


async def test_orders_before_connecting_fail() -> None:
    with pytest.raises(SessionConnectionError, match="call connect first"):
        await session(Recording(), "ws://127.0.0.1:1").submit_orders(SID, [ORDER])


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        ([], "at least one order"),
        ([OrderSpec("AAPL", "buy", float("nan"))], "quantity nan"),
        ([OrderSpec("AAPL", "buy", 1, "limit", price=Decimal("Infinity"))], "price Infinity"),
        ([{**ORDER, "stop_loss": float("inf")}], "stop_loss inf"),
        ([{**ORDER, "note": object()}], "order_batch cannot be written"),
    ],
)
async def test_orders_that_cannot_be_written_never_leave(orders: list[Any], text: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(InputError, match=text):
            await venue.submit_orders(SID, orders)


async def test_orders_can_be_cancelled_and_replaced_and_the_account_asked_for() -> None:
    got: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        for kind, answer, data in (
            ("cancel_order", "order_cancelled", {"order_id": "o1", "status": "cancelled"}),
            ("replace_order", "order_replaced", {"order_id": "o2", "price": "9.75"}),
            ("query_positions", "current_positions", {"cash": "12.50"}),
        ):
            message = await peer.expect(kind)
            got.append(message["data"])
            await peer.send(answer, {"session_id": SID, **data}, message["request_id"])

    async with serving(script) as url, session(Recording(), url) as venue:
        assert (await venue.cancel_order(SID, "o1")).status == "cancelled"
        changed = await venue.replace_order(SID, "o2", price=Decimal("9.75"), quantity=Decimal(4))
        assert (changed.price, changed.status) == (Decimal("9.75"), None)
        assert (await venue.query_positions(SID)).cash == Decimal("12.50")
        with pytest.raises(InputError, match="give one of quantity, price, stop_price"):
            await venue.replace_order(SID, "o2")
    assert got[1] == {"session_id": SID, "order_id": "o2", "price": "9.75", "quantity": 4}


async def test_orders_that_end_by_themselves_reach_on_order_update() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.send(
            "order_cancelled", {"session_id": SID, "order_id": "o", "status": "expired"}
        )
        await peer.end()

    class Watches(Recording):
        async def on_order_update(self, session_id: str, update: Any, store: Any) -> None:
            self.calls.append(("order", update.status))

    strategy = Watches()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    assert ("order", "expired") in strategy.calls


class Decides(DecisionOnlyStrategy):
    def __init__(self, *wanted: OrderSpec) -> None:
        self.wanted = wanted
        self.fills: list[Any] = []
        self.errors: list[Any] = []

    async def on_tick(self, session_id: str, tick: Any, store: Any) -> Sequence[OrderSpec]:
        return self.wanted

    async def on_fill(self, session_id: str, fill: Any, store: Any) -> None:
        self.fills.append(fill)

    async def on_error(self, session_id: str, error: Any, store: Any) -> None:
        self.errors.append(error)


async def test_a_decision_becomes_exactly_one_batch_for_its_tick() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        batch = await peer.ack_orders()
        assert await peer.acked() == 0
        ids = [order["order_id"] for order in batch["data"]["orders"]]
        for order_id in ids:
            await peer.send("execution_report", {"session_id": SID, "order_id": order_id})
        await peer.end()
        assert [order["symbol"] for order in batch["data"]["orders"]] == ["AAPL", "MSFT"]

    strategy = Decides(OrderSpec("AAPL", "buy", 1, tag="entry"), OrderSpec("MSFT", "sell", 2))
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    assert [fill.tag for fill in strategy.fills] == ["entry", None]


async def test_a_rejected_decision_reaches_on_error_and_ends_nothing() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        batch = await peer.expect("order_batch")
        [order] = batch["data"]["orders"]
        data = {**accepted(batch), "rejected_orders": {order["order_id"]: "INSUFFICIENT_FUNDS"}}
        await peer.send("batch_ack", data, batch["request_id"])
        await peer.acked()
        await peer.end()

    strategy = Decides(OrderSpec("AAPL", "buy", 1_000_000))
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    [error] = strategy.errors
    assert error.details["reason"] == "INSUFFICIENT_FUNDS"


class Background(Recording):
    """Sends one order in the background on the first tick."""

    venue: SimutradorClientSession
    looks = False

    async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
        task = self.venue.submit_orders_nowait(session_id, [ORDER])
        if self.looks:
            with pytest.raises(SessionProtocolError):
                await task


async def refusing(peer: Peer) -> None:
    await peer.begin()
    await peer.tick(0)
    message = await peer.expect("order_batch")
    data = {"error_code": "RATE_LIMITED", "message": "too many orders"}
    await peer.send("error", data, message["request_id"])
    await peer.end()
    await peer.socket.wait_closed()


async def test_what_goes_wrong_in_the_background_comes_out_of_run() -> None:
    strategy = Background()
    async with serving(refusing) as url, session(strategy, url) as strategy.venue:
        with pytest.raises(SessionProtocolError, match="RATE_LIMITED"):
            await strategy.venue.run(**START)


async def test_what_goes_wrong_in_the_background_stays_with_who_awaits_it() -> None:
    strategy = Background()
    strategy.looks = True
    async with serving(refusing) as url, session(strategy, url) as strategy.venue:
        assert await strategy.venue.run(**START) == SID


async def test_closing_fails_what_is_still_under_way() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect("order_batch")
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        task = venue.submit_orders_nowait(SID, [ORDER])
        await asyncio.sleep(0)
    with pytest.raises(SessionConnectionError, match="closed"):
        await task

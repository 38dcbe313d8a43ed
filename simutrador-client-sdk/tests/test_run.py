"""`run`: callbacks in order, in step with the clock, and never without an end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from peer import SID, START, Peer, Recording, serving, session, tick
from simutrador_client.websocket import (
    SessionConnectionError,
    SessionError,
    SessionTimeoutError,
    SimutradorClientSession,
)


async def test_callbacks_come_in_the_order_the_server_sent_things() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.acked()
        await peer.send("execution_report", {"session_id": SID, "executed_price": "101.5"})
        await peer.send("account_snapshot", {"session_id": SID, "cash": "99.50"})
        await peer.tick(1)
        await peer.acked()
        await peer.end(final_equity="100000.00")

    strategy = Recording()
    async with serving(script) as url, session(strategy, url) as venue:
        assert await venue.run(**START) == SID

    assert strategy.names == ["start", "tick", "fill", "account", "tick", "end"]
    values = dict(strategy.calls)
    assert values["fill"].executed_price == Decimal("101.5")
    assert values["account"].cash == Decimal("99.50")
    assert values["end"].final_equity == Decimal("100000.00")
    assert values["start"]["symbols"] == ["AAPL"]


async def test_run_asks_for_flow_control_and_start_simulation_sends_what_is_documented() -> None:
    starts: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        starts.append(await peer.begin())
        await peer.end()
        starts.append(await peer.begin())
        await peer.end()

    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.run(**START)
        await venue.start_simulation(**START, request_id="mine", slippage_bps=Decimal("2.5"))
        await venue.wait_for_simulation_end(SID)

    assert starts[0]["data"].pop("flow_control") is True
    assert starts[0]["data"] == {
        "symbols": ["AAPL"],
        "start_date": "2023-01-02T00:00:00Z",
        "end_date": "2023-01-06T00:00:00Z",
        "initial_capital": 100_000,
        "timeframe": "daily",
        "warmup_bars": 2,
        "adjusted": True,
    }
    assert starts[1]["request_id"] == "mine"
    assert starts[1]["data"]["slippage_bps"] == "2.50"
    assert "flow_control" not in starts[1]["data"]


async def test_a_slow_strategy_sees_ticks_one_at_a_time_and_no_future_bar() -> None:
    """All ticks are sent at once; the server does not wait, the strategy still does."""

    async def script(peer: Peer) -> None:
        await peer.begin()
        for number in range(5):
            await peer.tick(number, close=100 + number)
        await peer.end()
        assert [await peer.acked() for _ in range(5)] == [0, 1, 2, 3, 4]

    class Slow(Recording):
        inside = 0

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            self.inside += 1
            for _ in range(20):
                await asyncio.sleep(0)
            last = store.as_numpy("AAPL")["close"][-1]
            self.calls.append(("tick", (self.inside, store.count("AAPL"), last)))
            self.inside -= 1

    strategy = Slow()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    seen = [value for name, value in strategy.calls if name == "tick"]
    assert seen == [(1, 1, 100.0), (1, 2, 101.0), (1, 3, 102.0), (1, 4, 103.0), (1, 5, 104.0)]


async def test_the_clock_waits_until_orders_sent_without_waiting_are_acknowledged() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.ack_orders()
        assert await peer.acked() == 0
        await peer.end()

    class Nowait(Recording):
        venue: SimutradorClientSession

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            self.venue.place_bracket_order_nowait(
                session_id, symbol="AAPL", side="buy", order_type="market", quantity=1
            )

    strategy = Nowait()
    async with serving(script) as url, session(strategy, url) as strategy.venue:
        await strategy.venue.run(**START)


@pytest.mark.parametrize("callback", ["on_session_start", "on_tick", "on_session_end"])
async def test_what_a_callback_raises_comes_out_of_run(callback: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.end()
        await peer.socket.wait_closed()

    async def fail(*_: object) -> None:
        raise LookupError("no such indicator")

    strategy = Recording()
    setattr(strategy, callback, fail)
    async with serving(script) as url, session(strategy, url) as venue:
        with pytest.raises(LookupError, match="no such indicator"):
            await venue.run(**START)
        with pytest.raises(LookupError):
            await venue.wait_for_simulation_end(SID)


async def test_waiting_for_an_end_or_a_history_that_came_before_returns_at_once() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.end(total_trades=7)
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        session_id = await venue.start_simulation(**START)
        await venue.wait_for_simulation_end(session_id)
        assert (await venue.wait_for_simulation_end(session_id)).total_trades == 7
        assert (await venue.wait_for_history_snapshot(session_id)).timeframe == "daily"
        assert await venue.wait_for_store_ready(session_id) is venue.get_store(session_id)
        assert venue.is_store_ready(session_id)


async def test_a_dropped_connection_ends_run() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        peer.socket.transport.abort()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionConnectionError, match="lost"):
            await venue.run(**START)


async def test_a_closing_server_is_quoted() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        closing = {"reason": "max_duration", "message": "an hour is over", "close_code": 1001}
        await peer.send("connection_closing", closing)
        await peer.socket.close(1001)

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionConnectionError, match="max_duration: an hour is over") as e:
            await venue.run(**START)
    assert e.value.close_code == 1001


@pytest.mark.parametrize("kind", ["session_error", "error"])
@pytest.mark.parametrize("named", [{"session_id": SID}, {}], ids=["named", "unnamed"])
async def test_an_error_that_answers_no_request_ends_run(kind: str, named: dict[str, str]) -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        data = {"error_code": "DATA_FETCH_FAILED", "message": "no bars", **named}
        await peer.send(kind, {**data, "context": {"symbol": "AAPL"}})
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="DATA_FETCH_FAILED: no bars") as e:
            await venue.run(**START)
    assert e.value.details == {"symbol": "AAPL"}


async def test_a_session_error_ends_run_even_if_the_connection_goes_on() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        data = {"error_code": "DATA_FETCH_FAILED", "recoverable": True, "severity": "error"}
        await peer.send("session_error", {**data, "session_id": SID})
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="DATA_FETCH_FAILED: the server gave no reason"):
            await venue.run(**START)


async def test_an_error_without_request_id_fails_the_start_that_waits() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect("start_simulation")
        await peer.send("session_error", {"error_code": "INVALID_SYMBOL", "message": "XX"})
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="INVALID_SYMBOL"):
            await venue.run(**START)


async def test_a_refused_start_carries_code_and_details() -> None:
    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        data = {"error_code": "INVALID_PARAMS", "message": "Missing required fields"}
        await peer.send("session_error", {**data, "details": {"a": 1}}, start["request_id"])
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="Missing required fields") as e:
            await venue.start_simulation(**START)
    assert (e.value.error_code, e.value.details) == ("INVALID_PARAMS", {"a": 1})


async def test_a_server_that_falls_silent_ends_run() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url, stall_timeout_s=0.02) as venue:
        with pytest.raises(SessionTimeoutError, match="nothing came from the server"):
            await venue.run(**START)


async def test_a_queued_or_paused_simulation_may_be_silent_and_a_slow_callback_is_no_stall() -> (
    None
):
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        created = {"session_id": SID, "queue_position": 3}
        await peer.send("session_created", created, start["request_id"])
        await go_on.wait()
        await peer.history()
        await peer.tick(0)
        await peer.acked()
        await peer.end()

    class Slow(Recording):
        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            entered.set()
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)

    class Patient(Slow):
        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            with pytest.raises(TimeoutError):
                await super().on_tick(session_id, tick, store)

    async with serving(script) as url, session(Patient(), url, stall_timeout_s=0.02) as venue:
        running = asyncio.create_task(venue.run(**START))
        await asyncio.wait([running], timeout=0.05)
        assert not running.done()
        go_on.set()
        assert await running == SID
    assert entered.is_set()


async def test_a_server_without_flow_control_may_refuse_acknowledgements() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.acked()
        data = {"error_code": "UNKNOWN_TYPE", "message": "tick_ack", "session_id": SID}
        await peer.send("error", data)
        await peer.tick(1)
        await peer.tick(2)
        await peer.end()
        await peer.socket.wait_closed()
        with pytest.raises(Exception, match="1000"):
            await peer.socket.recv()

    strategy = Recording()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    assert strategy.names == ["start", "tick", "tick", "tick", "end"]


async def test_warnings_and_recoverable_errors_reach_on_error_and_end_nothing() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        warning = {"warning_type": "approaching_timeout", "message": "5 min", "action_required": ""}
        await peer.send("connection_warning", warning)
        error = {"error_code": "RATE_LIMITED", "message": "slow down", "severity": "warning"}
        await peer.send("error", {**error, "session_id": SID})
        await peer.end()

    strategy = Recording()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    assert [e.error_code for e in strategy.errors] == ["approaching_timeout", "RATE_LIMITED"]


async def test_simulation_complete_ends_too_and_unknown_messages_are_skipped() -> None:
    async def script(peer: Peer) -> None:
        ready = {"user_id": "u1", "plan": "free", "supported_features": ["batch_orders"]}
        await peer.send("connection_ready", ready)
        await peer.send("ping", {})
        await peer.begin()
        await peer.send("confetti", {"session_id": SID})
        await peer.send("simulation_complete", {"session_id": SID, "final_equity": "1.00"})

    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.run(**START)
        assert venue.connection_info is not None
        assert venue.connection_info.plan == "free"


async def test_text_that_is_not_a_message_ends_run() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.socket.send("{half")

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="not JSON"):
            await venue.run(**START)


async def test_ticks_without_a_history_start_the_strategy_with_an_empty_store() -> None:
    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        await peer.send("session_created", {"session_id": SID}, start["request_id"])
        await peer.tick(0)
        await peer.acked()
        await peer.end()

    strategy = Recording()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
        with pytest.raises(SessionError, match="no history"):
            await venue.wait_for_history_snapshot(SID)
    assert strategy.names == ["start", "tick", "end"]


async def test_a_history_sent_twice_counts_once() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.history(98, 99)
        await peer.tick(0, close=100)
        await peer.acked()
        await peer.history(98, 99)
        await peer.send("tick", tick(0, 100))
        await peer.acked()
        await peer.end()

    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.run(**START)
        closes = venue.get_store(SID).as_numpy("AAPL")["close"]
    assert closes.tolist() == [98.0, 99.0, 100.0]


async def test_a_flood_is_read_no_faster_than_it_is_worked_on() -> None:
    """A server that never waits is held back by its own socket, and nothing is lost."""
    total = 2_500
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.begin()
        for number in range(total):
            await peer.send("tick", {"session_id": SID, "sequence_id": number, "pad": "x" * 10_000})
            sent += 1
        await peer.end()
        await peer.socket.wait_closed()

    class Stuck(Recording):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0
            self.go_on = asyncio.Event()

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            await self.go_on.wait()
            assert tick.sequence_id == self.count
            self.count += 1

    strategy = Stuck()
    async with serving(script) as url, session(strategy, url) as venue:
        running = asyncio.create_task(venue.run(**START, flow_control=False))
        before = -1
        while sent != before:
            before = sent
            await asyncio.wait([running], timeout=0.1)
        assert sent < total
        strategy.go_on.set()
        await running
    assert strategy.count == total


async def test_orders_are_acknowledged_while_reading_is_held_back() -> None:
    """The acknowledgement stands behind more ticks than the inbox holds."""

    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        message = await peer.expect("order_batch")
        for number in range(1, 3000):
            await peer.send("tick", {"session_id": SID, "sequence_id": number})
        ids = [message["data"]["orders"][0]["order_id"]]
        ack = {"batch_id": "b", "accepted_orders": ids, "rejected_orders": {}}
        await peer.send("batch_ack", ack, message["request_id"])
        await peer.end()
        await peer.socket.wait_closed()

    class Buyer(Recording):
        venue: SimutradorClientSession

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            if tick.sequence_id == 0:
                order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": 1}
                ack = await self.venue.submit_orders(session_id, [order])
                self.calls.append(("ack", ack))
            self.calls.append(("tick", tick))

    strategy = Buyer()
    async with serving(script) as url, session(strategy, url) as strategy.venue:
        await strategy.venue.run(**START, flow_control=False)
    assert strategy.names.count("tick") == 3000
    assert strategy.names.index("ack") < strategy.names.index("tick")


async def test_a_callback_that_waits_for_its_own_end_is_told_so() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.socket.wait_closed()

    class Selfish(Recording):
        venue: SimutradorClientSession

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            await self.venue.wait_for_simulation_end(session_id)

    strategy = Selfish()
    async with serving(script) as url, session(strategy, url) as strategy.venue:
        with pytest.raises(SessionError, match="its own simulation"):
            await strategy.venue.run(**START)


async def test_plain_functions_serve_as_callbacks_and_absent_ones_are_not_missed() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.acked()
        await peer.send("execution_report", {"session_id": SID})
        await peer.end()

    class Plain:
        ticks = 0

        def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            self.ticks += 1

    strategy = Plain()
    async with serving(script) as url, session(strategy, url) as venue:
        await venue.run(**START)
    assert strategy.ticks == 1


async def test_a_paused_simulation_may_be_silent_until_it_is_resumed() -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.send("simulation_paused", {"session_id": SID, "state": "paused"})
        await go_on.wait()
        await peer.send("simulation_resumed", {"session_id": SID, "state": "running"})
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url, stall_timeout_s=0.02) as venue:
        running = asyncio.create_task(venue.run(**START))
        await asyncio.wait([running], timeout=0.06)
        assert not running.done()
        go_on.set()
        with pytest.raises(SessionTimeoutError):
            await running


async def test_waits_end_with_what_went_wrong_before() -> None:
    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        await peer.send("session_created", {"session_id": SID}, start["request_id"])
        await peer.expect("order_batch")
        await peer.send("session_error", {"error_code": "X", "session_id": SID})

    async with serving(script) as url, session(Recording(), url) as venue:
        await venue.start_simulation(**START)
        with pytest.raises(SessionTimeoutError, match=r"no history within 0.01 s"):
            await venue.wait_for_history_snapshot(SID, timeout=0.01)
        with pytest.raises(SessionTimeoutError, match=r"no end of the simulation within"):
            await venue.wait_for_simulation_end(SID, timeout=0.01)
        order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": 1}
        task = venue.submit_orders_nowait(SID, [order])
        with pytest.raises(SessionError, match="X: "):
            await venue.wait_for_store_ready(SID)
        task.cancel()


async def test_an_end_without_a_history_ends_the_wait_for_one() -> None:
    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        await peer.send("session_created", {"session_id": SID}, start["request_id"])
        await peer.end()
        await peer.socket.wait_closed()

    async with serving(script) as url, session(object(), url) as venue:
        session_id = await venue.start_simulation(**START)
        with pytest.raises(SessionError, match="ended without a history"):
            await venue.wait_for_history_snapshot(session_id)


async def test_a_created_session_without_id_is_a_protocol_error() -> None:
    async def script(peer: Peer) -> None:
        start = await peer.expect("start_simulation")
        await peer.send("session_created", {}, start["request_id"])
        await peer.socket.wait_closed()

    async with serving(script) as url, session(Recording(), url) as venue:
        with pytest.raises(SessionError, match="names no session_id"):
            await venue.run(**START)


async def test_what_nobody_waits_for_is_logged_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.socket.wait_closed()

    class Fails(Recording):
        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            failed.set()
            raise LookupError

    async with serving(script) as url, session(Fails(), url) as venue:
        await venue.start_simulation(**START)
        await failed.wait()
    assert any(record.levelname == "ERROR" and record.exc_info for record in caplog.records)


async def test_closing_inside_a_callback_ends_run() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        await peer.tick(0)
        await peer.socket.wait_closed()

    class Quitter(Recording):
        venue: SimutradorClientSession

        async def on_tick(self, session_id: str, tick: Any, store: Any) -> None:
            await self.venue.close()

    strategy = Quitter()
    async with serving(script) as url, session(strategy, url) as strategy.venue:
        with pytest.raises(SessionError, match="closed"):
            await strategy.venue.run(**START)


async def test_subscribers_get_what_comes_and_a_full_queue_keeps_the_latest() -> None:
    async def script(peer: Peer) -> None:
        await peer.begin()
        for number in range(10_003):
            await peer.send("tick", {"session_id": SID, "sequence_id": number})
        await peer.send("execution_report", {"session_id": SID, "order_id": "o1"})
        await peer.send("account_snapshot", {"session_id": SID, "cash": 1})
        await peer.end()

    async with serving(script) as url, session(object(), url) as venue:
        ticks, fills = venue.subscribe_ticks(SID), venue.subscribe_fills(SID)
        accounts = venue.subscribe_account(SID)
        await venue.run(**START, flow_control=False)
    assert ticks.qsize() == 10_000
    assert ticks.get_nowait().sequence_id == 3
    assert (fills.get_nowait().order_id, accounts.get_nowait().cash) == ("o1", 1)

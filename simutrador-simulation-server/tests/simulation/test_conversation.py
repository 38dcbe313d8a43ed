"""One conversation from the first message to the last, worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from simutrador_core.models import websocket
from simutrador_core.models.enums import Adjustment, UserPlan
from simutrador_server.auth.user import User
from simutrador_server.simulation.setup import Defaults
from venue_fixtures import (
    START,
    Guest,
    Room,
    batch,
    minute_bars,
    order,
    parse,
    types,
)

BOB = User("bob", UserPlan.FREE)


def running(**changes: Any) -> Guest:
    """Return a client that has seen the first tick."""
    guest = Room().enter()
    guest.start(**changes)
    guest.ticks()
    return guest


def test_connection_is_greeted_with_plan_and_limits() -> None:
    guest = Room().enter()
    (ready,) = parse(guest.conversation.greet(guest.room.clock.now))
    assert (ready.type, ready.data.user_id, ready.data.plan) == (
        "connection_ready",
        "alice",
        "professional",
    )
    assert ready.data.concurrent_connections_limit == 10
    assert ready.data.idle_timeout_sec == 3600


def test_create_and_start_answers_with_the_request_id_then_history_then_ticks() -> None:
    guest = Room().enter()
    created, started, history = guest.send("start_simulation", START, "start-1")
    assert types([created, started, history]) == [
        "session_created",
        "simulation_started",
        "history_snapshot",
    ]
    assert created.request_id == "start-1"
    assert created.data.estimated_ticks == 5
    assert started.data.flow_control_enabled is False
    assert history.data.candles == {"AAPL": []}
    pushed = guest.ticks()
    assert types(pushed) == ["tick"] * 5 + ["simulation_end", "connection_closing"]
    assert [one.data.sequence_id for one in pushed[:5]] == [1, 2, 3, 4, 5]
    assert guest.conversation.closing is not None
    assert guest.conversation.closing.code == 1000


def test_created_simulation_is_started_with_flow_control() -> None:
    guest = Room().enter()
    (created,) = guest.send("create_session", START)
    assert (created.type, created.data.state) == ("session_created", "ready")
    started, history = guest.send("start_simulation", {}, "s2")
    assert (started.request_id, started.data.flow_control_enabled) == ("s2", True)
    assert history.data.count == 0
    assert types(guest.ticks()) == ["tick"]
    assert guest.ticks() == []
    guest.ack(1)
    assert types(guest.ticks()) == ["tick"]


def test_everything_a_simulation_says_is_numbered_without_a_hole() -> None:
    guest = Room().enter()
    said = guest.start()
    said += guest.ticks()
    said += guest.send("order_batch", batch(order()))
    for number in range(1, 6):
        guest.ack(number)
        said += guest.ticks()
    assert [one.data.seq for one in said[:-1]] == list(range(1, len(said)))
    assert said[-2].type == "simulation_end"


def test_order_sent_after_a_tick_fills_at_the_next_open() -> None:
    guest = running()
    (ack,) = guest.send("order_batch", batch(order()), "b-1")
    assert (ack.request_id, ack.data.accepted_orders, ack.data.rejected_orders) == (
        "b-1",
        ["o1"],
        {},
    )
    assert ack.data.estimated_fills == {}
    guest.ack(1)
    fill, account, tick = guest.ticks()
    assert types([fill, account, tick]) == ["execution_report", "account_snapshot", "tick"]
    assert (fill.data.executed_price, fill.data.commission) == (Decimal("100.50"), Decimal("0.05"))
    # 100,000 - 10 x 100.50 - 0.05; then 10 units at the close of 101.00
    assert (account.data.cash, account.data.equity) == (Decimal("98994.95"), Decimal("100004.95"))
    assert account.data.day_pnl == Decimal("4.95")
    assert [held.quantity for held in account.data.positions] == [10]
    assert tick.data.sequence_id == 2


def test_all_order_types_and_a_bracket_fill_by_the_fill_contract() -> None:
    guest = running(slippage_bps=10)
    (ack,) = guest.send(
        "order_batch",
        batch(
            order("limit", type="limit", price="100.00"),
            order("stop", type="stop", stop_price="101.50"),
            order("both", type="stop_limit", stop_price="101.50", price="101.60"),
            order("bracket", stop_loss="97.50", take_profit="110"),
        ),
    )
    assert ack.data.accepted_orders == ["limit", "stop", "both", "bracket"]
    fills: dict[str, Any] = {}
    ends: dict[str, Any] = {}
    for number in range(1, 6):
        guest.ack(number)
        for one in guest.ticks():
            if one.type == "execution_report":
                fills[one.data.order_id] = one.data
            if one.type == "order_cancelled":
                ends[one.data.order_id] = one.data
    # Bar 2 is 100.50 102 99.50 101; bar 4 is 102 102.50 97 98. Slippage 10 bps, rounded up or down.
    assert fills["limit"].executed_price == Decimal("100.00")
    assert fills["stop"].executed_price == Decimal("101.61")  # 101.50 x 1.001 = 101.6015
    assert fills["both"].executed_price == Decimal("101.60")  # capped at the limit
    assert fills["bracket"].executed_price == Decimal("100.61")  # 100.50 x 1.001 = 100.6005
    assert fills["bracket/stop_loss"].executed_price == Decimal("97.40")  # 97.50 x 0.999
    assert fills["bracket/stop_loss"].side == "sell"
    assert (ends["bracket/take_profit"].status, ends["bracket/take_profit"].reason) == (
        "cancelled",
        "one_cancels_other",
    )
    assert fills["limit"].slippage_bps == 0.0
    assert fills["stop"].slippage_bps == pytest.approx(10.8374, abs=1e-4)  # 0.11 of 101.50


def test_notional_becomes_whole_lots_at_the_last_close() -> None:
    guest = running()
    guest.send("order_batch", batch(order(quantity=None, notional="1055")))
    guest.ack(1)
    fill = guest.ticks()[0]
    assert fill.data.executed_quantity == 10  # 1,055 buys 10 at 100.00


def test_orders_that_cannot_be_are_rejected_one_by_one() -> None:
    guest = running()
    (ack,) = guest.send(
        "order_batch",
        batch(
            order("good"),
            order("good"),
            order("huge", quantity=100_000),
            order("other", symbol="MSFT"),
            order("none", symbol="???"),
            order("half", quantity="0.5"),
            order("unpriced", symbol="MSFT", quantity=None, notional="1000"),
            order("upside-down", stop_loss="110", take_profit="90"),
        ),
    )
    assert ack.data.accepted_orders == ["good"]
    assert ack.data.rejection_codes == {
        "good": "DUPLICATE_ORDER_ID",
        "huge": "INSUFFICIENT_BUYING_POWER",
        "other": "UNKNOWN_SYMBOL",
        "none": "UNKNOWN_SYMBOL",
        "half": "INVALID_QUANTITY",
        "unpriced": "UNKNOWN_SYMBOL",
        "upside-down": "INVALID_BRACKET",
    }
    assert "MSFT" in ack.data.rejected_orders["other"]


def test_atomic_batch_is_all_or_none() -> None:
    guest = running()
    (ack,) = guest.send("order_batch", batch(order("a"), order("b", quantity="0.5"), mode="atomic"))
    assert ack.data.accepted_orders == []
    assert ack.data.rejection_codes == {"a": "BATCH_REJECTED", "b": "INVALID_QUANTITY"}


def test_order_before_the_first_bar_has_no_price_yet() -> None:
    guest = Room().enter()
    guest.start()
    (ack,) = guest.send("order_batch", batch(order()))
    assert ack.data.rejection_codes == {"o1": "NO_PRICE_YET"}


def test_cancel_takes_a_bracket_back_whole() -> None:
    guest = running()
    guest.send("order_batch", batch(order(type="limit", price=90, stop_loss=80, take_profit=99)))
    answers = guest.send("cancel_order", {"order_id": "o1"}, "c1")
    assert [(one.data.order_id, one.data.reason) for one in answers] == [
        ("o1", "requested"),
        ("o1/stop_loss", "entry_ended"),
        ("o1/take_profit", "entry_ended"),
    ]
    assert [one.request_id for one in answers] == ["c1", None, None]
    (again,) = guest.send("cancel_order", {"order_id": "o1"})
    assert (again.type, again.data.error_code) == ("error", "ORDER_NOT_FOUND")


def test_replace_gives_an_order_new_terms() -> None:
    guest = running()
    guest.send("order_batch", batch(order(type="limit", price=90)))
    (replaced,) = guest.send("replace_order", {"order_id": "o1", "price": "99.75", "quantity": 5})
    assert (replaced.data.price, replaced.data.quantity, replaced.data.revision) == (
        Decimal("99.75"),
        5,
        1,
    )
    guest.ack(1)
    fill = guest.ticks()[0]  # bar 2 is 100.50 102 99.50 101
    assert (fill.data.executed_price, fill.data.executed_quantity) == (Decimal("99.75"), 5)


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"order_id": "nobody", "price": 1}, "ORDER_NOT_FOUND", "UNKNOWN_ORDER"),
        ({"order_id": "o1", "quantity": "0.5"}, "INVALID_ORDER_QUANTITY", "INVALID_QUANTITY"),
        ({"order_id": "o1", "stop_price": 1}, "INVALID_ORDER", "INVALID_PRICE"),
    ],
)
def test_replacement_that_cannot_be_is_an_error(
    change: dict[str, Any], code: str, reason: str
) -> None:
    guest = running()
    guest.send("order_batch", batch(order(type="limit", price=90)))
    (error,) = guest.send("replace_order", change)
    assert (error.data.error_code, error.data.details["reason"]) == (code, reason)


def test_day_order_is_reported_when_it_expires() -> None:
    guest = running()
    guest.send("order_batch", batch(order(type="limit", price=50, time_in_force="ioc")))
    guest.ack(1)
    (ended, tick) = guest.ticks()
    assert (ended.type, ended.data.status, ended.data.reason) == (
        "order_cancelled",
        "expired",
        "time_in_force",
    )
    assert tick.type == "tick"


def test_positions_are_told_when_asked() -> None:
    guest = running()
    guest.send("order_batch", batch(order()))
    guest.ack(1)
    guest.ticks()
    (positions,) = guest.send("query_positions", {}, "q1")
    assert (positions.type, positions.request_id) == ("current_positions", "q1")
    assert positions.data.positions[0].avg_cost == Decimal("100.50")


def test_paused_clock_stands_until_it_is_resumed() -> None:
    guest = running()
    (paused,) = guest.send("pause_simulation")
    assert (paused.type, paused.data.state) == ("simulation_paused", "paused")
    guest.ack(1)
    assert guest.ticks() == []
    (resumed,) = guest.send("resume_simulation")
    assert (resumed.type, resumed.data.state) == ("simulation_resumed", "running")
    assert types(guest.ticks()) == ["tick"]


def test_warmup_bars_are_history_and_never_ticks() -> None:
    guest = Room().enter()
    created, _, history = guest.start(start_date="2024-01-02T14:32:00Z", warmup_bars=2)
    assert [str(one.close) for one in history.data.candles["AAPL"]] == ["100.00", "101.00"]
    assert (history.data.count, created.data.warmup_bars, created.data.estimated_ticks) == (2, 2, 3)
    (tick,) = guest.ticks()
    assert tick.data.candles["AAPL"].open == Decimal("101.00")
    assert tick.data.sequence_id == 1


def test_window_lets_several_ticks_be_pending() -> None:
    guest = Room().enter()
    guest.start(max_pending_ticks=3)
    assert types(guest.ticks()) == ["tick"] * 3
    guest.ack(2)
    assert types(guest.ticks()) == ["tick"] * 2


def test_simulation_ends_only_after_the_last_tick_was_acknowledged() -> None:
    guest = Room().enter()
    guest.start(max_pending_ticks=10)
    assert types(guest.ticks()) == ["tick"] * 5 + ["simulation_end", "connection_closing"]
    guest = Room().enter()
    guest.start()
    for number in range(1, 6):
        assert types(guest.ticks()) == ["tick"]
        guest.ack(number)
    assert types(guest.ticks()) == ["simulation_end", "connection_closing"]


def test_end_carries_the_results_under_all_their_names() -> None:
    guest = Room().enter()
    guest.send("start_simulation", START)
    end = guest.ticks()[-2].data
    assert (end.final_equity, end.total_trades, end.total_return_pct) == (100_000, 0, 0.0)
    assert (end.win_rate, end.sharpe, end.sharpe_ratio) == (None, None, None)
    assert len(end.log_sha256) == 64
    assert end.max_drawdown_pct == 0.0


def test_same_commands_give_the_same_log() -> None:
    hashes: set[str] = set()
    for _ in range(2):
        guest = running()
        guest.send("order_batch", batch(order(stop_loss=98, take_profit=103)))
        for number in range(1, 6):
            guest.ack(number)
            for one in guest.ticks():
                if one.type == "simulation_end":
                    hashes.add(one.data.log_sha256)
    assert len(hashes) == 1


# Prices corrected or not


@pytest.mark.parametrize(
    ("adjusted", "stored", "replayed", "warned"),
    [
        (True, ["raw", "total"], "total", False),
        (True, ["raw", "split"], "split", False),
        (True, ["raw"], "raw", True),
        (False, ["raw", "total"], "raw", False),
        (False, ["total"], "total", True),
    ],
)
def test_prices_that_are_not_as_asked_are_said_to_be_so(
    adjusted: bool, stored: list[str], replayed: str, warned: bool
) -> None:
    room = Room(*(minute_bars(adjustment=Adjustment(one)) for one in stored))
    created = room.enter().start(adjusted=adjusted)[0]
    assert created.data.adjustment == {"AAPL": replayed}
    assert bool(created.data.warnings) is warned


# What goes wrong


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbols": []}, "MISSING_SYMBOLS"),
        ({"symbols": ["NOPE"]}, "INVALID_SYMBOL"),
        ({"symbols": ["AAPL", "../etc"]}, "INVALID_SYMBOL"),
        ({"start_date": "2024-01-03", "end_date": "2024-01-02"}, "INVALID_DATE_RANGE"),
        ({"start_date": "2034-01-03", "end_date": "2034-01-04"}, "INVALID_DATE_RANGE"),
        ({"initial_capital": 0}, "INSUFFICIENT_CAPITAL"),
        ({"initial_capital": -5}, "INSUFFICIENT_CAPITAL"),
        ({"initial_capital": "much"}, "INVALID_PARAMS"),
        ({"timeframe": "7min"}, "INVALID_PARAMS"),
        ({"timeframe": "daily"}, "INVALID_PARAMS"),
        ({"warmup_bars": -1}, "INVALID_PARAMS"),
        ({"slippage_bps": -1}, "INVALID_PARAMS"),
        ({"session_id": "../x"}, "INVALID_PARAMS"),
        ({"start_date": "yesterday"}, "INVALID_PARAMS"),
        ({"symbols": [f"S{n}" for n in range(51)]}, "SESSION_LIMIT_EXCEEDED"),
    ],
)
def test_simulation_that_cannot_be_made_is_a_session_error(
    changes: dict[str, Any], code: str
) -> None:
    guest = Room().enter()
    (error,) = guest.send("start_simulation", {**START, **changes}, "x1")
    assert (error.type, error.request_id, error.data.error_code) == ("session_error", "x1", code)
    assert error.data.details == error.data.context
    assert guest.start()[0].type == "session_created"  # the connection is kept


def test_missing_fields_are_named() -> None:
    guest = Room().enter()
    (error,) = guest.send("start_simulation", {"symbols": ["AAPL"]})
    assert error.data.error_code == "INVALID_PARAMS"
    assert "Missing required fields" in error.data.message
    assert set(error.data.details["missing"]) == {
        "start_date",
        "end_date",
        "initial_capital",
        "timeframe",
        "warmup_bars",
    }


def test_symbols_without_bars_in_the_range_are_told_their_range() -> None:
    room = Room(minute_bars(), minute_bars("MSFT", skip=400))
    (error,) = room.enter().start(symbols=["aapl", "MSFT"])
    assert error.data.error_code == "INVALID_DATE_RANGE"
    assert list(error.data.details["available"]) == ["MSFT"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "VALIDATION_ERROR"),
        ("", "VALIDATION_ERROR"),
        ("[1]", "VALIDATION_ERROR"),
        ('"ping"', "VALIDATION_ERROR"),
        ("{}", "VALIDATION_ERROR"),
        ('{"type": 5}', "VALIDATION_ERROR"),
        (b"\x00\x01", "VALIDATION_ERROR"),
        ("[" * 100_000, "VALIDATION_ERROR"),
        ('{"type": "frobnicate"}', "UNKNOWN_TYPE"),
        ('{"type": "tick_ack", "data": {"sequence_id": "x"}}', "INVALID_PARAMS"),
        ('{"type": "tick_ack", "data": [1]}', "INVALID_PARAMS"),
        ('{"type": "order_batch", "data": 7}', "INVALID_ORDER"),
        ('{"type": "ping", "timestamp": "now"}', "INVALID_PARAMS"),
    ],
)
def test_frame_that_is_no_message_is_an_error_and_the_connection_is_kept(
    frame: str | bytes, code: str
) -> None:
    guest = Room().enter()
    (error,) = guest.send_raw(frame)
    assert (error.type, error.data.error_code, error.data.recoverable) == ("error", code, True)
    assert guest.send("ping")[0].type == "pong"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 0}, "INVALID_ORDER_QUANTITY"),
        ({"type": "limit"}, "INVALID_ORDER"),
        ({"type": "stop"}, "INVALID_ORDER"),
        ({"side": "hold"}, "INVALID_ORDER"),
        ({"price": "NaN"}, "INVALID_ORDER"),
    ],
)
def test_order_that_is_not_one_is_an_error(changes: dict[str, Any], code: str) -> None:
    guest = running()
    (error,) = guest.send("order_batch", batch(order(**changes)), "b9")
    assert (error.type, error.request_id, error.data.error_code) == ("error", "b9", code)


def test_orders_before_the_start_are_refused() -> None:
    guest = Room().enter()
    (nothing,) = guest.send("order_batch", batch(order()))
    assert (nothing.type, nothing.data.error_code) == ("error", "SESSION_NOT_FOUND")
    guest.send("create_session", START)
    (ready,) = guest.send("order_batch", batch(order()))
    assert (ready.data.error_code, ready.data.details["state"]) == ("INVALID_ORDER", "ready")


def test_acknowledgement_of_a_tick_never_sent_is_an_error() -> None:
    guest = running()
    (error,) = guest.ack(7)
    assert (error.data.error_code, error.data.details["latest"]) == ("INVALID_PARAMS", 1)


@pytest.mark.parametrize("odd", [[1], {"a": 1}, "x", 1.5, -1, True])
def test_odd_acknowledgements_never_break_the_conversation(odd: Any) -> None:
    guest = running()
    for field in ("sequence_id", "orders_pending", "session_id", "processing_status"):
        data = {"sequence_id": 1, "processing_status": "ready", field: odd}
        guest.send("tick_ack", data)
    assert guest.send("ping")[0].type == "pong"


def test_request_id_that_is_no_text_is_not_repeated() -> None:
    guest = Room().enter()
    (error,) = guest.send_raw(json.dumps({"type": "nope", "request_id": {"a": 1}}))
    assert error.request_id is None


# Who may do what


def test_sessions_can_be_looked_up_listed_and_deleted() -> None:
    guest = Room().enter()
    (created,) = guest.send("create_session", {**START, "metadata": {"note": "mine"}})
    (found,) = guest.send("get_session", {"session_id": created.data.session_id})
    assert (found.type, found.data.metadata) == ("session_data", {"note": "mine"})
    (listed,) = guest.send("list_sessions")
    assert [one.session_id for one in listed.data.sessions] == [created.data.session_id]
    (deleted,) = guest.send("delete_session", {"session_id": created.data.session_id})
    assert deleted.data.status == "deleted"
    (gone,) = guest.send("get_session", {"session_id": created.data.session_id})
    assert (gone.type, gone.data.error_code) == ("session_error", "SESSION_NOT_FOUND")
    assert guest.send("list_sessions")[0].data.total_count == 0


def test_session_of_another_user_is_denied() -> None:
    room = Room()
    (created,) = room.enter().send("create_session", START)
    stranger = room.enter(BOB)
    for kind in ("get_session", "delete_session", "start_simulation"):
        (error,) = stranger.send(kind, {"session_id": created.data.session_id})
        assert (error.type, error.data.error_code) == ("session_error", "ACCESS_DENIED")
    assert stranger.send("list_sessions")[0].data.total_count == 0


def test_simulation_made_on_one_connection_can_be_started_on_another() -> None:
    room = Room()
    (created,) = room.enter().send("create_session", START)
    session_id = created.data.session_id
    other, late = room.enter(), room.enter()
    assert types(other.send("start_simulation", {"session_id": session_id})) == [
        "simulation_started",
        "history_snapshot",
    ]
    (twice,) = other.send("start_simulation", {"session_id": session_id})
    assert twice.data.error_code == "INVALID_PARAMS"
    (stolen,) = late.send("order_batch", {**batch(order()), "session_id": session_id})
    assert stolen.data.error_code == "ACCESS_DENIED"


def test_deleting_a_running_simulation_stops_it() -> None:
    room = Room()
    guest = room.enter()
    session_id = guest.start()[0].data.session_id
    guest.ticks()
    room.enter().send("delete_session", {"session_id": session_id})
    guest.ack(1)
    assert guest.ticks() == []
    (error,) = guest.send("order_batch", batch(order()))
    assert error.data.error_code == "SESSION_NOT_FOUND"


def test_plan_limits_open_simulations() -> None:
    guest = Room().enter(BOB)
    (first,) = guest.send("create_session", START)
    (error,) = guest.send("create_session", START)
    assert (error.data.error_code, error.data.details["limit"]) == ("SESSION_LIMIT_EXCEEDED", 1)
    assert error.data.error_type == "rate_limit"
    guest.send("delete_session", {"session_id": first.data.session_id})
    assert guest.send("create_session", START)[0].type == "session_created"


def test_unstarted_simulation_is_forgotten_after_an_hour() -> None:
    guest = Room().enter(BOB)
    guest.send("create_session", START)
    guest.room.clock.pass_time(minutes=61)
    assert guest.send("create_session", START)[0].type == "session_created"


def test_session_id_of_the_clients_choice_is_kept_and_used_once() -> None:
    guest = Room().enter()
    (created,) = guest.send("create_session", {**START, "session_id": "mine-1"})
    assert created.data.session_id == "mine-1"
    (error,) = guest.send("create_session", {**START, "session_id": "mine-1"})
    assert error.data.error_code == "SESSION_CREATE_FAILED"


def test_two_simulations_run_on_one_connection() -> None:
    guest = Room().enter()
    ids = [guest.start()[0].data.session_id for _ in range(2)]
    assert [one.data.session_id for one in guest.ticks()] == ids
    guest.ack(1, session_id=ids[0])
    assert [one.data.session_id for one in guest.ticks()] == ids[:1]
    said: list[Any] = []
    for number in range(2, 6):
        guest.ack(number, session_id=ids[0])
        said += guest.ticks()
    assert types(said) == ["tick"] * 3 + ["simulation_end"]  # the other one still runs
    assert guest.conversation.closing is None


def test_client_that_leaves_loses_what_runs_and_keeps_what_waits() -> None:
    room = Room()
    guest = room.enter()
    lost = guest.start()[0].data.session_id
    kept = guest.send("create_session", START)[0].data.session_id
    guest.conversation.hang_up()
    listed = room.enter().send("list_sessions")[0].data.sessions
    assert {one.session_id: one.state for one in listed} == {lost: "error", kept: "ready"}


def test_record_of_a_finished_simulation_is_kept() -> None:
    room = Room()
    guest = room.enter()
    session_id = guest.send("start_simulation", START)[0].data.session_id
    guest.ticks()
    (found,) = room.enter().send("get_session", {"session_id": session_id})
    assert found.data.state == "completed"
    (error,) = room.enter().send("start_simulation", {"session_id": session_id})
    assert error.data.error_code == "SESSION_NOT_FOUND"


# Time


def test_client_that_needs_time_holds_the_clock() -> None:
    guest = running()
    guest.ack(1, processing_status="need_time", max_wait_ms=500)
    assert guest.ticks() == []
    guest.room.clock.pass_time(milliseconds=499)
    assert guest.ticks() == []
    guest.room.clock.pass_time(milliseconds=1)
    assert types(guest.ticks()) == ["tick"]


def test_ready_ends_the_wait() -> None:
    guest = running()
    guest.ack(1, processing_status="processing", max_wait_ms=60_000)
    assert guest.ticks() == []
    guest.ack(1)
    assert types(guest.ticks()) == ["tick"]


def test_clock_waits_for_the_orders_that_were_announced() -> None:
    guest = running()
    guest.ack(1, orders_pending=2, max_wait_ms=60_000)
    assert guest.ticks() == []
    guest.send("order_batch", batch(order("a")))
    assert guest.ticks() == []
    guest.send("order_batch", batch(order("b")))
    assert types(guest.ticks()) == ["execution_report"] * 2 + ["account_snapshot", "tick"]


def test_without_flow_control_ticks_keep_their_distance() -> None:
    guest = Room(defaults=Defaults(tick_interval_ms=5)).enter()
    started = guest.start(flow_control=False)[1]
    assert started.data.tick_interval_ms == 5
    assert types(guest.ticks()) == ["tick"]
    guest.room.clock.pass_time(milliseconds=4)
    assert guest.ticks() == []
    assert guest.conversation.wakes_at() == guest.room.clock.now.replace(microsecond=5000)
    guest.room.clock.pass_time(milliseconds=1)
    assert types(guest.ticks()) == ["tick"]


def test_silent_connection_is_closed_with_a_reason() -> None:
    guest = Room().enter(BOB)
    guest.room.clock.pass_time(seconds=1799)
    assert guest.conversation.check(guest.room.clock.now) == []
    guest.room.clock.pass_time(seconds=1)
    (last,) = parse(guest.conversation.check(guest.room.clock.now))
    assert (last.type, last.data.reason, last.data.close_code) == (
        "connection_closing",
        "idle_timeout",
        4000,
    )


def test_connection_is_warned_before_its_time_is_over() -> None:
    guest = Room().enter(BOB)  # free: 3,600 seconds
    clock, said = guest.room.clock, []
    for minutes in (29, 26, 4, 1):
        clock.pass_time(minutes=minutes)
        guest.send("ping")
        said += parse(guest.conversation.check(clock.now))
    assert [getattr(one.data, "warning_type", one.data.__class__.__name__) for one in said] == [
        "approaching_timeout",
        "imminent_closure",
        "ConnectionClosingData",
    ]
    assert [one.data.seconds_remaining for one in said[:2]] == [300, 60]
    assert said[2].data.reason == "max_duration"


def test_published_models_read_everything_that_is_sent() -> None:
    guest = running()
    said = guest.send("order_batch", batch(order()))
    guest.ack(1)
    said += [*guest.ticks(), *guest.send("query_positions")]
    said += Room().enter().send("start_simulation", START)
    for number in range(2, 6):
        guest.ack(number)
        said += guest.ticks()
    published: dict[str, type[BaseModel]] = {
        "batch_ack": websocket.BatchAckData,
        "execution_report": websocket.ExecutionReportData,
        "account_snapshot": websocket.AccountSnapshotData,
        "current_positions": websocket.AccountSnapshotData,
        "tick": websocket.TickData,
        "session_created": websocket.SessionCreatedResponseData,
        "simulation_started": websocket.SimulationStartedData,
        "history_snapshot": websocket.HistorySnapshotData,
        "simulation_end": websocket.SimulationEndData,
        "connection_closing": websocket.ConnectionClosingData,
    }
    assert {one.type for one in said} == set(published)
    for one in said:
        data = one.data.model_dump(mode="json")
        assert published[one.type].model_validate(data).model_fields_set
        if one.type == "session_created":
            assert websocket.SessionCreatedData.model_validate(data).symbols_loaded == ["AAPL"]

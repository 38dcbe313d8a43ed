"""The typed superset: whole messages told apart by `type`, in both spellings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from simutrador_core.models import websocket as ws
from simutrador_core.models.websocket import CLIENT_MESSAGE, SERVER_MESSAGE, ErrorCode
from simutrador_core.models.wire import client_messages, server_messages

FULL = {
    "symbols": ["AAPL"],
    "start_date": "2013-01-02",
    "end_date": "2013-02-01T00:00:00Z",
    "initial_capital": 100_000.0,
    "timeframe": "1D",
    "warmup_bars": 20,
}
ORDER = {"order_id": "o1", "symbol": "AAPL", "side": "buy", "type": "market", "quantity": 10}


def parse(kind: str, data: dict[str, Any]) -> Any:
    text = json.dumps({"type": kind, "data": data, "request_id": "r1"})
    return CLIENT_MESSAGE.validate_json(text)


def test_start_with_symbols_creates_and_without_starts() -> None:
    assert isinstance(parse("start_simulation", FULL).data, ws.CreateAndStartRequest)
    assert isinstance(parse("start_simulation", {}).data, ws.StartCreatedRequest)


def test_flow_control_is_left_to_the_way_it_was_started() -> None:
    assert parse("start_simulation", FULL).data.flow_control is None
    assert parse("start_simulation", {"flow_control": True}).data.flow_control is True


@pytest.mark.parametrize(
    "spelling",
    [
        {"start": "2013-01-02", "end": "2013-02-01", "initial_cash": "100000"},
        {"start_date": "2013-01-02", "end_date": "2013-02-01", "initial_capital": 100_000},
    ],
)
def test_both_spellings_of_dates_and_cash_are_read(spelling: dict[str, Any]) -> None:
    data = parse("create_session", {"symbols": ["AAPL"], **spelling}).data
    assert data.start_date.isoformat() == "2013-01-02T00:00:00+00:00"
    assert data.end_date.isoformat() == "2013-02-01T00:00:00+00:00"
    assert data.initial_capital == 100_000


@pytest.mark.parametrize("missing", sorted(FULL))
def test_create_and_start_needs_each_of_its_fields(missing: str) -> None:
    data = {key: value for key, value in FULL.items() if key != missing}
    with pytest.raises(ValidationError) as caught:
        ws.CreateAndStartRequest.model_validate(data)
    assert [(e["type"], e["loc"]) for e in caught.value.errors()] == [("missing", (missing,))]


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({"type": "stop", "stop_price": "99.5"}, True),
        ({"type": "stop"}, False),
        ({"type": "stop_limit", "stop_price": 99, "price": 98.5}, True),
        ({"type": "stop_limit", "stop_price": 99}, False),
        ({"type": "stop_limit", "price": 99}, False),
        ({"type": "limit", "price": 99}, True),
        ({"type": "limit"}, False),
        ({"quantity": None, "notional": "2500"}, True),
        ({"notional": "2500"}, False),
        ({"quantity": None}, False),
        ({"quantity": 0}, False),
        ({"order_id": ""}, False),
    ],
)
def test_order_has_exactly_what_its_type_needs(changes: dict[str, Any], fine: bool) -> None:
    batch = {"batch_id": "b1", "orders": [ORDER | changes]}
    if fine:
        order = parse("order_batch", batch).data.orders[0]
        assert json.loads(order.model_dump_json(include={"symbol"})) == {"symbol": "AAPL"}
    else:
        with pytest.raises(ValidationError):
            parse("order_batch", batch)


def test_replacement_changes_something() -> None:
    assert parse("replace_order", {"order_id": "o1", "price": 1}).data.price == 1
    with pytest.raises(ValidationError, match="to change"):
        parse("replace_order", {"order_id": "o1"})


@pytest.mark.parametrize("kind", ["ping", "list_sessions", "query_positions", "pause_simulation"])
def test_message_without_data_is_complete(kind: str) -> None:
    message = CLIENT_MESSAGE.validate_json(json.dumps({"type": kind}))
    assert (message.type, message.request_id) == (kind, None)


def test_unknown_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        parse("frobnicate", {})


def test_every_client_message_survives_its_own_json() -> None:
    given: dict[str, dict[str, Any]] = {
        "create_session": FULL,
        "start_simulation": FULL,
        "tick_ack": {"sequence_id": 3, "processing_status": "ready"},
        "order_batch": {"batch_id": "b1", "orders": [ORDER]},
        "cancel_order": {"order_id": "o1"},
        "replace_order": {"order_id": "o1", "quantity": "0.5"},
        "get_session": {"session_id": "s"},
        "delete_session": {"session_id": "s"},
    }
    for kind in types_of(client_messages):
        message = parse(kind, given.get(kind, {}))
        assert CLIENT_MESSAGE.validate_json(CLIENT_MESSAGE.dump_json(message)) == message


def types_of(module: Any) -> list[str]:
    kinds = [
        value.model_fields["type"].default
        for value in vars(module).values()
        if isinstance(value, type) and "type" in getattr(value, "model_fields", {})
    ]
    assert len(kinds) == len(set(kinds))
    return kinds


def test_both_sides_know_their_documented_messages() -> None:
    assert {"create_session", "start_simulation", "tick_ack", "order_batch", "ping"} <= set(
        types_of(client_messages)
    )
    assert {"connection_ready", "history_snapshot", "tick", "simulation_end", "error"} <= set(
        types_of(server_messages)
    )


def test_error_payload_carries_both_spellings() -> None:
    payload = ws.error_payload(
        ErrorCode.INVALID_SYMBOL, "no bars", {"invalid_symbols": ["X"]}, request_id="r1"
    )
    message = server_messages.SessionErrorMessage(data=payload, request_id="r1")
    data = json.loads(SERVER_MESSAGE.dump_json(message))["data"]
    assert data["error_code"] == "INVALID_SYMBOL"
    assert data["details"] == data["context"] == {"invalid_symbols": ["X"]}
    assert (data["severity"], data["recoverable"], data["failed_request_id"]) == (
        "error",
        True,
        "r1",
    )
    assert ws.ErrorData.model_validate(data).error_type == "validation"
    assert ws.SessionErrorData.model_validate(data).details == {"invalid_symbols": ["X"]}


def test_published_error_codes_are_among_all() -> None:
    assert {code.value for code in ws.WSErrorCode} <= {code.value for code in ErrorCode}


def test_tick_of_a_server_is_a_published_tick() -> None:
    data = {
        "session_id": "s",
        "seq": 4,
        "sim_time": "2013-01-02T21:00:00Z",
        "sequence_id": 1,
        "timeframe": "daily",
        "candles": {
            "AAPL": {
                "date": "2013-01-02T14:30:00Z",
                "open": "1.00",
                "high": "2.00",
                "low": "1.00",
                "close": "1.50",
                "volume": "10.00000000",
            }
        },
    }
    tick = SERVER_MESSAGE.validate_json(json.dumps({"type": "tick", "data": data}))
    assert isinstance(tick, server_messages.Tick)
    assert ws.TickData.model_validate(data).candles == tick.data.candles

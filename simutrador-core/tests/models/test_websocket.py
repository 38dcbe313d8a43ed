"""The published WebSocket messages, field by field, and the rules they used to lack."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from simutrador_core.models import websocket
from simutrador_core.models.websocket import (
    AccountSnapshotData,
    BatchAckData,
    ConnectionClosingData,
    ConnectionReadyData,
    ConnectionWarningData,
    CreateSessionData,
    ErrorData,
    ExecutionReportData,
    HealthStatus,
    HistorySnapshotData,
    OrderBatchData,
    OrderData,
    PongData,
    SessionCreatedData,
    SessionCreatedResponseData,
    SessionErrorData,
    SessionTradingState,
    SimulationEndData,
    SimulationStartData,
    SimulationStartedData,
    SimulationStatusData,
    StartSimulationRequest,
    TickAckData,
    TickData,
    TokenResponse,
    UserLimitsResponse,
    WSErrorCode,
    WSMessage,
    build_error,
)

NOON = "2024-01-02T12:00:00Z"
CANDLE = {"date": NOON, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 0}
ORDER = {"order_id": "o1", "symbol": "AAPL", "side": "buy", "type": "market", "quantity": 100}
START = {
    "symbols": ["AAPL"],
    "start_date": "2024-01-02T00:00:00",
    "end_date": "2024-02-01T00:00:00Z",
    "initial_capital": 100_000.0,
    "timeframe": "1min",
    "warmup_bars": 0,
}
READY = {
    "user_id": "user_free_001",
    "plan": "free",
    "connection_expires_at": NOON,
    "idle_timeout_sec": 1800,
    "max_simulation_duration_sec": 86400,
    "concurrent_connections_limit": 2,
}
CREATED = {
    "session_id": "sess_1",
    "symbols": ["AAPL"],
    "start_date": NOON,
    "end_date": NOON,
    "initial_capital": "100000",
    "state": "initializing",
    "created_at": NOON,
    "data_provider": "polygon",
    "commission_per_share": 0.005,
}

# Model, the least that must be given, and the JSON of the fields that were not given.
MESSAGES: list[tuple[type[BaseModel], dict[str, Any], dict[str, Any]]] = [
    (WSMessage, {"type": "ping", "data": {}}, {"request_id": None, "timestamp": None}),
    (PongData, {"server_time": NOON}, {}),
    (HealthStatus, {"status": "healthy"}, {"server_version": None, "timestamp": None}),
    (
        TokenResponse,
        {"access_token": "t", "expires_in": 3600, "user_id": "u", "plan": "free"},
        {"token_type": "Bearer"},
    ),
    (
        UserLimitsResponse,
        {"plan": "free", "limits": {"a": 1}, "usage": {"a": 0}, "reset_times": {"a": NOON}},
        {},
    ),
    (ConnectionReadyData, READY, {"server_time": None, "supported_features": None}),
    (
        ConnectionWarningData,
        {"warning_type": "imminent_closure", "message": "m", "action_required": "reconnect"},
        {"expires_at": None, "seconds_remaining": None},
    ),
    (
        ConnectionClosingData,
        {
            "reason": "max_duration",
            "message": "m",
            "close_code": 4000,
            "reconnect_allowed": True,
        },
        {"session_state": None},
    ),
    (
        CreateSessionData,
        {
            "session_id": "s",
            "symbols": ["A"],
            "start": "2024-01-01T00:00:00Z",
            "end": NOON,
            "initial_cash": "100.00",
        },
        {"data_provider": "polygon"},
    ),
    (SimulationStartData, {}, {"flow_control": True, "max_pending_ticks": 1}),
    (
        SessionCreatedData,
        {"session_id": "s", "estimated_ticks": 390, "symbols_loaded": ["A"]},
        {"data_range_actual": None, "server_ready": None},
    ),
    (
        SimulationStartedData,
        {"session_id": "s", "started_at": NOON, "flow_control_enabled": True},
        {"estimated_duration_sec": None, "tick_interval_ms": None},
    ),
    (SimulationStatusData, {"session_id": "s", "state": "paused"}, {"sim_time": None}),
    (
        SimulationEndData,
        {"session_id": "s", "final_equity": "1.00", "total_trades": 0},
        dict.fromkeys(
            [
                "sharpe_ratio",
                "total_return_pct",
                "win_rate",
                "max_drawdown_pct",
                "simulation_duration_sec",
            ]
        ),
    ),
    (
        HistorySnapshotData,
        {"session_id": "s", "timeframe": "1min", "candles": {"A": []}, "count": 0},
        {"start": None, "end": None},
    ),
    (
        TickData,
        {"sim_time": NOON, "sequence_id": 1},
        dict.fromkeys(["timeframe", "candles", "market_session", "symbols_trading", "is_eod"]),
    ),
    (
        TickAckData,
        {"sequence_id": 1, "processing_status": "ready"},
        {"orders_pending": 0, "max_wait_ms": 1000},
    ),
    (
        OrderData,
        ORDER,
        {"price": None, "stop_loss": None, "take_profit": None, "time_in_force": "day"},
    ),
    (
        BatchAckData,
        {"batch_id": "b"},
        {"accepted_orders": [], "rejected_orders": {}, "estimated_fills": {}},
    ),
    (
        ExecutionReportData,
        {
            "execution_id": "e",
            "order_id": "o1",
            "symbol": "A",
            "executed_quantity": 100,
            "executed_price": "180.27",
            "commission": "0.50",
            "slippage_bps": -1.5,
        },
        {"timestamp": None},
    ),
    (
        AccountSnapshotData,
        {
            "cash": "-1.00",
            "equity": "5.00",
            "positions": [{"symbol": "A", "quantity": -100, "avg_cost": "180.27"}],
        },
        {"buying_power": None, "day_pnl": None, "open_orders": None},
    ),
    (
        ErrorData,
        {
            "error_code": "X",
            "message": "m",
            "error_type": "data",
            "severity": "fatal",
            "recoverable": False,
        },
        {"details": None},
    ),
    (SessionErrorData, {"error_code": "X", "message": "m"}, {"session_id": None, "details": None}),
    (
        SessionTradingState,
        {"cash": "81972.50"},
        {"positions": [], "open_orders": [], "last_prices": [], "trade_count": 0, "brackets": []},
    ),
]


@pytest.mark.parametrize(
    ("model", "given", "filled"), MESSAGES, ids=lambda value: getattr(value, "__name__", "")
)
def test_message_takes_the_published_fields_and_gives_them_back(
    model: type[BaseModel], given: dict[str, Any], filled: dict[str, Any]
) -> None:
    message = model.model_validate(given)
    assert json.loads(message.model_dump_json()) == given | filled
    assert model.model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize(
    ("model", "given"),
    [(model, given) for model, given, _ in MESSAGES],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_required_field_is_required(model: type[BaseModel], given: dict[str, Any]) -> None:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= given.keys()
    for name in required:
        with pytest.raises(ValidationError, match=name):
            model.model_validate({key: value for key, value in given.items() if key != name})


def test_whole_trading_state_survives_json() -> None:
    state = SessionTradingState.model_validate(
        {
            "cash": "81972.50",
            "positions": [{"symbol": "AAPL", "quantity": 100, "avg_cost": "180.27"}],
            "open_orders": [{**ORDER, "stop_loss": "170"}],
            "last_prices": [{"symbol": "AAPL", "last_price": "180.30"}],
            "trade_count": 1,
            "brackets": [{"symbol": "AAPL", "side": "buy", "quantity": 100, "take_profit": "190"}],
        }
    )
    data = json.loads(state.model_dump_json())
    assert data["open_orders"][0]["status"] == "open"
    assert data["brackets"][0]["time_in_force"] == "day"
    assert SessionTradingState.model_validate(data) == state


def test_created_session_is_created_unless_said_otherwise() -> None:
    data = json.loads(SessionCreatedResponseData.model_validate(CREATED).model_dump_json())
    assert (data["status"], data["slippage_bps"]) == ("created", None)
    assert (data["initial_capital"], data["commission_per_share"]) == ("100000.00", "0.005")


def test_tick_carries_candles_by_symbol() -> None:
    tick = TickData.model_validate(
        {"sim_time": NOON, "sequence_id": 1, "timeframe": "1m", "candles": {"AAPL": CANDLE}}
    )
    data = json.loads(tick.model_dump_json())
    assert data["candles"]["AAPL"]["close"] == "2.00"
    assert data["timeframe"] == "1min"


def test_start_request_mixes_dates_with_and_without_zone() -> None:
    request = StartSimulationRequest.model_validate(START)
    assert json.loads(request.model_dump_json())["start_date"] == "2024-01-02T00:00:00Z"
    assert request.adjusted is True
    assert request.initial_capital == Decimal(100_000)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": [""]}, "symbols"),
        ({"end_date": "2024-01-02T00:00:00Z"}, "is not before end_date"),
        ({"end_date": "2024-01-01T00:00:00"}, "is not before end_date"),
        ({"initial_capital": 0}, "initial_capital"),
        ({"initial_capital": -1}, "initial_capital"),
        ({"initial_capital": "NaN"}, "initial_capital"),
        ({"timeframe": "3min"}, "is no timeframe"),
        ({"warmup_bars": -1}, "warmup_bars"),
        ({"commission_per_share": -0.01}, "commission_per_share"),
        ({"slippage_bps": 10_001}, "slippage_bps"),
        ({"slippage_bps": -1}, "slippage_bps"),
        ({"slippage_bps": float("inf")}, "slippage_bps"),
    ],
)
def test_start_request_out_of_bounds_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        StartSimulationRequest.model_validate(START | changes)


def test_reversed_create_session_is_refused() -> None:
    data = {"session_id": "s", "symbols": ["A"], "start": NOON, "end": NOON, "initial_cash": 1}
    with pytest.raises(ValidationError, match="is not before end"):
        CreateSessionData.model_validate(data)


@pytest.mark.parametrize(
    ("quantity", "shown"), [(100, 100), (100.0, 100), ("100", 100), ("0.25", "0.25")]
)
def test_order_quantity_may_be_a_fraction(quantity: Any, shown: Any) -> None:
    order = OrderData.model_validate(ORDER | {"quantity": quantity})
    assert json.loads(order.model_dump_json())["quantity"] == shown


@pytest.mark.parametrize("quantity", [0, -1, "NaN", "1e16", None])
def test_impossible_quantity_is_refused(quantity: Any) -> None:
    with pytest.raises(ValidationError, match="quantity"):
        OrderData.model_validate(ORDER | {"quantity": quantity})


@pytest.mark.parametrize("kind", ["limit", "stop_limit"])
def test_limit_order_needs_a_price(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"a {kind} order needs a price"):
        OrderData.model_validate(ORDER | {"type": kind})
    assert OrderData.model_validate(ORDER | {"type": kind, "price": 10}).price == 10


@pytest.mark.parametrize("kind", ["market", "stop"])
def test_market_and_stop_orders_need_no_price(kind: str) -> None:
    assert OrderData.model_validate(ORDER | {"type": kind}).price is None


BRACKETS = [
    # side, type, price, stop_loss, take_profit, fine
    ("buy", "limit", 100, 95, 110, True),
    ("buy", "limit", 100, 100, 110, False),
    ("buy", "limit", 100, 95, 100, False),
    ("buy", "limit", 100, None, 99, False),
    ("buy", "limit", 100, 101, None, False),
    ("buy", "market", None, 95, 110, True),
    ("buy", "market", None, 110, 95, False),
    ("buy", "market", 90, 95, 110, True),  # a market order's price means nothing
    ("sell", "limit", 100, 105, 90, True),
    ("sell", "limit", 100, 95, 90, False),
    ("sell", "limit", 100, 105, 101, False),
    ("sell", "market", None, 90, 105, False),
    ("sell", "market", None, None, 105, True),
]


@pytest.mark.parametrize(("side", "kind", "price", "stop", "profit", "fine"), BRACKETS)
def test_bracket_must_stand_around_the_entry(
    side: str, kind: str, price: Any, stop: Any, profit: Any, fine: bool
) -> None:
    data = ORDER | {
        "side": side,
        "type": kind,
        "price": price,
        "stop_loss": stop,
        "take_profit": profit,
    }
    if fine:
        assert OrderData.model_validate(data).stop_loss == stop
    else:
        with pytest.raises(ValidationError, match=f"of a {side} order is not below"):
            OrderData.model_validate(data)


def test_batch_is_best_effort_and_not_empty() -> None:
    batch = OrderBatchData.model_validate({"batch_id": "b", "orders": [ORDER], "session_id": "s"})
    assert (batch.execution_mode, batch.parent_strategy) == ("best_effort", None)
    with pytest.raises(ValidationError, match="orders"):
        OrderBatchData.model_validate({"batch_id": "b", "orders": []})


def test_error_code_is_the_plain_value() -> None:
    data = build_error(WSErrorCode.INVALID_PARAMS, "symbols is empty", {"field": "symbols"})
    assert data["error_code"] == "INVALID_PARAMS"
    assert data["details"] == {"field": "symbols"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (WSErrorCode.INVALID_PARAMS, "validation"),
        (WSErrorCode.VALIDATION_ERROR, "validation"),
        (WSErrorCode.UNKNOWN_TYPE, "validation"),
        (WSErrorCode.NOT_IMPLEMENTED, "validation"),
        (WSErrorCode.SERVICE_BUSY, "connection"),
        (WSErrorCode.AUTH_FAILED, "connection"),
        (WSErrorCode.HANDLER_TIMEOUT, "connection"),
        (WSErrorCode.RATE_LIMITED, "rate_limit"),
        (WSErrorCode.SESSION_CREATE_FAILED, "execution"),
        ("SOMETHING_ELSE", "execution"),
    ],
)
def test_every_built_error_is_valid_error_data(code: Any, kind: str) -> None:
    error = ErrorData.model_validate(build_error(code, "m"))
    assert (error.error_type, error.severity, error.recoverable) == (kind, "error", True)


def test_fatal_error_is_not_recoverable() -> None:
    data = build_error("DATA_PROVIDER_UNAVAILABLE", "m", severity="fatal")
    assert (data["severity"], data["recoverable"], "details" in data) == ("fatal", False, False)


def test_error_travels_in_an_envelope() -> None:
    message = WSMessage(type="error", data=build_error("X", "m"), request_id="r1")
    assert ErrorData.model_validate(json.loads(message.model_dump_json())["data"]).message == "m"


def test_every_message_is_frozen_and_ignores_later_fields() -> None:
    models = [value for value in vars(websocket).values() if isinstance(value, type)]
    messages = [model for model in models if issubclass(model, BaseModel)]
    assert len(messages) >= 30
    for model in messages:
        assert (model.model_config.get("frozen"), model.model_config.get("extra")) == (
            True,
            "ignore",
        )

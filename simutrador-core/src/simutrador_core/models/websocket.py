"""The messages of the WebSocket API v2 as published; `models.wire` holds them by topic.

Client to server: `CreateSessionData`, `SimulationStartData`, `StartSimulationRequest`,
`TickAckData`, `OrderBatchData`. Server to client: all others. Each is the `data` of a `WSMessage`.
"""

from __future__ import annotations

from simutrador_core.models.enums import (
    OrderSide,
    OrderStatus,
    SessionState,
    TimeInForce,
    UserPlan,
    WSErrorCode,
    WSOrderType,
)
from simutrador_core.models.wire.account import (
    AccountSnapshotData,
    OpenOrderState,
    PositionBracketState,
    PositionData,
    SessionTradingState,
    SymbolPriceState,
)
from simutrador_core.models.wire.connection import (
    ConnectionClosingData,
    ConnectionReadyData,
    ConnectionWarningData,
    TokenResponse,
    UserLimitsResponse,
)
from simutrador_core.models.wire.envelope import (
    ErrorData,
    HealthStatus,
    PongData,
    SessionErrorData,
    WSMessage,
    build_error,
)
from simutrador_core.models.wire.market import HistorySnapshotData, TickAckData, TickData
from simutrador_core.models.wire.orders import (
    BatchAckData,
    ExecutionReportData,
    OrderBatchData,
    OrderData,
)
from simutrador_core.models.wire.simulation import (
    CreateSessionData,
    SessionCreatedData,
    SessionCreatedResponseData,
    SimulationEndData,
    SimulationStartData,
    SimulationStartedData,
    SimulationStatusData,
    StartSimulationRequest,
)

__all__ = [
    "WSMessage",
    "ErrorData",
    "SessionErrorData",
    "build_error",
    "HealthStatus",
    "PongData",
    "TokenResponse",
    "UserLimitsResponse",
    "ConnectionReadyData",
    "ConnectionWarningData",
    "ConnectionClosingData",
    "CreateSessionData",
    "SimulationStartData",
    "StartSimulationRequest",
    "SessionCreatedData",
    "SessionCreatedResponseData",
    "SimulationStartedData",
    "SimulationStatusData",
    "SimulationEndData",
    "HistorySnapshotData",
    "TickData",
    "TickAckData",
    "OrderData",
    "OrderBatchData",
    "BatchAckData",
    "ExecutionReportData",
    "PositionData",
    "AccountSnapshotData",
    "OpenOrderState",
    "SymbolPriceState",
    "PositionBracketState",
    "SessionTradingState",
    "OrderSide",
    "OrderStatus",
    "SessionState",
    "TimeInForce",
    "UserPlan",
    "WSErrorCode",
    "WSOrderType",
]

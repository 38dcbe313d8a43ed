"""The messages of the WebSocket API v2; `models.wire` holds them by topic.

As published, each is the `data` of a `WSMessage`. Client to server: `CreateSessionData`,
`SimulationStartData`, `StartSimulationRequest`, `TickAckData`, `OrderBatchData`; server to client:
all others. `CLIENT_MESSAGE` and `SERVER_MESSAGE` parse whole messages, told apart by `type`; their
data are supersets of the published ones (`models.wire.client_messages`, `.server_messages`).
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
from simutrador_core.models.wire.client_messages import CLIENT_MESSAGE, ClientMessage
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
from simutrador_core.models.wire.error_codes import ErrorCode, ErrorPayload, error_payload
from simutrador_core.models.wire.market import HistorySnapshotData, TickAckData, TickData
from simutrador_core.models.wire.order_requests import (
    CancelOrderRequest,
    OrderBatchRequest,
    OrderRequest,
    ReplaceOrderRequest,
)
from simutrador_core.models.wire.orders import (
    BatchAckData,
    ExecutionReportData,
    OrderBatchData,
    OrderData,
)
from simutrador_core.models.wire.pushes import (
    AccountPush,
    BatchAckPush,
    ExecutionReportPush,
    HistorySnapshotPush,
    OrderCancelledPush,
    OrderReplacedPush,
    PositionPush,
    SessionCreatedPush,
    SessionData,
    SessionDeletedData,
    SessionsListData,
    SimulationEndPush,
    SimulationStartedPush,
    StatusPush,
    TickPush,
)
from simutrador_core.models.wire.requests import (
    CreateAndStartRequest,
    SimulationRequest,
    StartCreatedRequest,
    TickAckRequest,
)
from simutrador_core.models.wire.server_messages import SERVER_MESSAGE, ServerMessage
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
    "CLIENT_MESSAGE",
    "ClientMessage",
    "SERVER_MESSAGE",
    "ServerMessage",
    "ErrorCode",
    "ErrorPayload",
    "error_payload",
    "SimulationRequest",
    "CreateAndStartRequest",
    "StartCreatedRequest",
    "TickAckRequest",
    "OrderRequest",
    "OrderBatchRequest",
    "CancelOrderRequest",
    "ReplaceOrderRequest",
    "SessionCreatedPush",
    "SimulationStartedPush",
    "HistorySnapshotPush",
    "TickPush",
    "BatchAckPush",
    "ExecutionReportPush",
    "PositionPush",
    "AccountPush",
    "OrderCancelledPush",
    "OrderReplacedPush",
    "StatusPush",
    "SimulationEndPush",
    "SessionData",
    "SessionsListData",
    "SessionDeletedData",
    "OrderSide",
    "OrderStatus",
    "SessionState",
    "TimeInForce",
    "UserPlan",
    "WSErrorCode",
    "WSOrderType",
]

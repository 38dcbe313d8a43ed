"""Every message a server may send, told apart by `type`: `SERVER_MESSAGE` parses them."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter

from simutrador_core.models.fields import Instant, WireModel
from simutrador_core.models.wire import connection, envelope, error_codes, pushes


class _FromServer(WireModel):
    request_id: str | None = None
    timestamp: Instant | None = None


class ConnectionReady(_FromServer):
    """The first message on a connection."""

    type: Literal["connection_ready"] = "connection_ready"
    data: connection.ConnectionReadyData


class ConnectionWarning(_FromServer):
    """The connection will end soon."""

    type: Literal["connection_warning"] = "connection_warning"
    data: connection.ConnectionWarningData


class ConnectionClosing(_FromServer):
    """The last message before the server closes."""

    type: Literal["connection_closing"] = "connection_closing"
    data: connection.ConnectionClosingData


class SessionCreated(_FromServer):
    """A simulation was made."""

    type: Literal["session_created"] = "session_created"
    data: pushes.SessionCreatedPush


class SessionErrorMessage(_FromServer):
    """A simulation could not be made or found."""

    type: Literal["session_error"] = "session_error"
    data: error_codes.ErrorPayload


class ErrorMessage(_FromServer):
    """A request failed."""

    type: Literal["error"] = "error"
    data: error_codes.ErrorPayload


class SimulationStarted(_FromServer):
    """The clock runs."""

    type: Literal["simulation_started"] = "simulation_started"
    data: pushes.SimulationStartedPush


class HistorySnapshot(_FromServer):
    """Bars before the start; once, before the first tick."""

    type: Literal["history_snapshot"] = "history_snapshot"
    data: pushes.HistorySnapshotPush


class Tick(_FromServer):
    """Bars closed."""

    type: Literal["tick"] = "tick"
    data: pushes.TickPush


class BatchAck(_FromServer):
    """Which orders of a batch were accepted."""

    type: Literal["batch_ack"] = "batch_ack"
    data: pushes.BatchAckPush


class ExecutionReport(_FromServer):
    """An order was executed."""

    type: Literal["execution_report"] = "execution_report"
    data: pushes.ExecutionReportPush


class AccountSnapshot(_FromServer):
    """The account after executions."""

    type: Literal["account_snapshot"] = "account_snapshot"
    data: pushes.AccountPush


class CurrentPositions(_FromServer):
    """The account, because it was asked for."""

    type: Literal["current_positions"] = "current_positions"
    data: pushes.AccountPush


class OrderCancelled(_FromServer):
    """An order ended without being filled whole."""

    type: Literal["order_cancelled"] = "order_cancelled"
    data: pushes.OrderCancelledPush


class OrderReplaced(_FromServer):
    """An order has new terms."""

    type: Literal["order_replaced"] = "order_replaced"
    data: pushes.OrderReplacedPush


class SimulationPaused(_FromServer):
    """The clock stands."""

    type: Literal["simulation_paused"] = "simulation_paused"
    data: pushes.StatusPush


class SimulationResumed(_FromServer):
    """The clock runs again."""

    type: Literal["simulation_resumed"] = "simulation_resumed"
    data: pushes.StatusPush


class SimulationEnd(_FromServer):
    """The results; the last message of a simulation."""

    type: Literal["simulation_end"] = "simulation_end"
    data: pushes.SimulationEndPush


class SessionDataMessage(_FromServer):
    """What is known about one simulation."""

    type: Literal["session_data"] = "session_data"
    data: pushes.SessionData


class SessionsList(_FromServer):
    """One's simulations."""

    type: Literal["sessions_list"] = "sessions_list"
    data: pushes.SessionsListData


class SessionDeleted(_FromServer):
    """A simulation was forgotten."""

    type: Literal["session_deleted"] = "session_deleted"
    data: pushes.SessionDeletedData


class Pong(_FromServer):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    data: envelope.PongData


class Health(_FromServer):
    """The one message of `/ws/health`."""

    type: Literal["health"] = "health"
    data: envelope.HealthStatus


ServerMessage: TypeAlias = Annotated[
    ConnectionReady
    | ConnectionWarning
    | ConnectionClosing
    | SessionCreated
    | SessionErrorMessage
    | ErrorMessage
    | SimulationStarted
    | HistorySnapshot
    | Tick
    | BatchAck
    | ExecutionReport
    | AccountSnapshot
    | CurrentPositions
    | OrderCancelled
    | OrderReplaced
    | SimulationPaused
    | SimulationResumed
    | SimulationEnd
    | SessionDataMessage
    | SessionsList
    | SessionDeleted
    | Pong
    | Health,
    Field(discriminator="type"),
]
"""Any message of a server."""

SERVER_MESSAGE: Final[TypeAdapter[ServerMessage]] = TypeAdapter(
    ServerMessage, config=ConfigDict(defer_build=True)
)
"""Parses and dumps any message of a server."""

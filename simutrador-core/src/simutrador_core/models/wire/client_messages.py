"""Every message a client may send, told apart by `type`: `CLIENT_MESSAGE` parses them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter

from simutrador_core.models.fields import Instant, WireModel
from simutrador_core.models.wire import order_requests as orders
from simutrador_core.models.wire import requests


class _FromClient(WireModel):
    request_id: str | None = None
    timestamp: Instant | None = None


def _start_kind(data: Any) -> str:
    """Return whether a `start_simulation` creates too: it does when it names symbols."""
    if isinstance(data, dict):
        return "create" if "symbols" in data else "created"
    return "create" if isinstance(data, requests.CreateAndStartRequest) else "created"


StartData: TypeAlias = Annotated[
    Annotated[requests.CreateAndStartRequest, Tag("create")]
    | Annotated[requests.StartCreatedRequest, Tag("created")],
    Discriminator(_start_kind),
]
"""Data of `start_simulation`: with `symbols` it creates and starts, without it starts."""


class CreateSession(_FromClient):
    """Make a simulation; answered by `session_created` or `session_error`."""

    type: Literal["create_session"] = "create_session"
    data: requests.SimulationRequest


class StartSimulation(_FromClient):
    """Start a simulation, made before or now."""

    type: Literal["start_simulation"] = "start_simulation"
    data: StartData


class TickAck(_FromClient):
    """A tick was seen; not answered."""

    type: Literal["tick_ack"] = "tick_ack"
    data: requests.TickAckRequest


class OrderBatch(_FromClient):
    """Orders for the next bar; answered by `batch_ack` or `error`."""

    type: Literal["order_batch"] = "order_batch"
    data: orders.OrderBatchRequest


class CancelOrder(_FromClient):
    """Take an order back; answered by `order_cancelled` or `error`."""

    type: Literal["cancel_order"] = "cancel_order"
    data: orders.CancelOrderRequest


class ReplaceOrder(_FromClient):
    """Change an order; answered by `order_replaced` or `error`."""

    type: Literal["replace_order"] = "replace_order"
    data: orders.ReplaceOrderRequest


class QueryPositions(_FromClient):
    """Ask for the account; answered by `current_positions`."""

    type: Literal["query_positions"] = "query_positions"
    data: requests.SessionRequest = Field(default_factory=requests.SessionRequest)


class PauseSimulation(_FromClient):
    """Stop the clock; answered by `simulation_paused`."""

    type: Literal["pause_simulation"] = "pause_simulation"
    data: requests.SessionRequest = Field(default_factory=requests.SessionRequest)


class ResumeSimulation(_FromClient):
    """Let the clock go on; answered by `simulation_resumed`."""

    type: Literal["resume_simulation"] = "resume_simulation"
    data: requests.SessionRequest = Field(default_factory=requests.SessionRequest)


class GetSession(_FromClient):
    """Ask about a simulation; answered by `session_data`."""

    type: Literal["get_session"] = "get_session"
    data: requests.NamedSessionRequest


class ListSessions(_FromClient):
    """Ask for one's simulations; answered by `sessions_list`."""

    type: Literal["list_sessions"] = "list_sessions"
    data: requests.NoData = Field(default_factory=requests.NoData)


class DeleteSession(_FromClient):
    """Forget a simulation; answered by `session_deleted`."""

    type: Literal["delete_session"] = "delete_session"
    data: requests.NamedSessionRequest


class Ping(_FromClient):
    """Ask whether the server is there; answered by `pong`."""

    type: Literal["ping"] = "ping"
    data: requests.NoData = Field(default_factory=requests.NoData)


ClientMessage: TypeAlias = Annotated[
    CreateSession
    | StartSimulation
    | TickAck
    | OrderBatch
    | CancelOrder
    | ReplaceOrder
    | QueryPositions
    | PauseSimulation
    | ResumeSimulation
    | GetSession
    | ListSessions
    | DeleteSession
    | Ping,
    Field(discriminator="type"),
]
"""Any message of a client."""

CLIENT_MESSAGE: Final[TypeAdapter[ClientMessage]] = TypeAdapter(
    ClientMessage, config=ConfigDict(defer_build=True)
)
"""Parses and dumps any message of a client."""

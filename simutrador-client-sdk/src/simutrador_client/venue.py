"""The venue as the client sees it: one connection, and the simulations that run over it."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from simutrador_client.background import BackgroundTask
from simutrador_client.connection import Connection, Data, Socket
from simutrador_client.errors import (
    SessionConnectionError,
    SessionError,
    SessionProtocolError,
    from_wire,
)
from simutrador_client.messages import ERRORS
from simutrador_client.orders import AnyOrder, batch, to_wire
from simutrador_client.payloads import Payload, SimulationInfo
from simutrador_client.simulation import Simulation
from simutrador_client.strategy import OrderSpec

_CREATED: Final = frozenset({"session_created"})
_ACKED: Final = frozenset({"batch_ack"})
_ACK_FIELDS: Final[dict[str, type]] = {
    "batch_id": str,
    "accepted_orders": list,
    "rejected_orders": dict,
}

_log = logging.getLogger(__name__)


class Venue:
    """Carries requests to the server, and what the server sends to the simulation it concerns.

    Args:
        strategy: Whose callbacks the simulations call.
        timeout_s: Seconds an answer may take.
        max_bars: As of `Store`.
    """

    def __init__(self, strategy: object, *, timeout_s: float, max_bars: int | None) -> None:
        self.info: Payload | None = None
        """Plan and limits, as `connection_ready` said; None before it came."""
        self.simulations: dict[str, Simulation] = {}
        self._strategy = strategy
        self._timeout_s = timeout_s
        self._max_bars = max_bars
        self._connection: Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that is not lost."""
        return self._connection is not None and self._connection.is_open

    def use(self, socket: Socket) -> None:
        """Carry on over this socket."""
        self._connection = Connection(socket, self, timeout_s=self._timeout_s)

    async def close(self) -> None:
        """Stop all simulations and close the connection."""
        for simulation in self.simulations.values():
            await simulation.close()
        if self._connection is not None:
            await self._connection.close()
        left = [task for each in self.simulations.values() for task in each.runner.sending]
        await asyncio.gather(*left, return_exceptions=True)

    def simulation(self, session_id: str) -> Simulation:
        """Return a simulation; one that was not heard of before starts to listen."""
        simulation = self.simulations.get(session_id)
        if simulation is None:
            simulation = self.simulations[session_id] = Simulation(
                session_id,
                self._strategy,
                submit=self._submit_wanted,
                ack=self._acknowledge,
                relieve=self._relieve,
                max_bars=self._max_bars,
            )
        return simulation

    async def start(self, data: Data, *, request_id: str | None = None) -> str:
        """Have the server create and start a simulation; errors as the session's."""

        def created(answer: Data) -> None:
            # Before anything that follows the answer is handed on.
            simulation = self.simulation(_session_id(answer))
            simulation.runner.meta = data
            simulation.runner.info = SimulationInfo(answer)
            simulation.runner.acknowledges = bool(data.get("flow_control"))
            simulation.runner.may_be_silent = answer.get("queue_position") is not None

        answer = await self._open_connection().request(
            "start_simulation",
            data,
            answers=_CREATED,
            request_id=request_id,
            failure=SessionError,
            on_answer=created,
        )
        return _session_id(answer)

    async def submit(
        self,
        session_id: str,
        orders: Iterable[AnyOrder],
        *,
        batch_id: str | None = None,
        execution_mode: str = "best_effort",
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Send orders together and return the acknowledgement; errors as the session's."""
        data = batch(session_id, orders, batch_id=batch_id, execution_mode=execution_mode)
        ack = await self._open_connection().request(
            "order_batch", data, answers=_ACKED, request_id=request_id
        )
        for name, kind in _ACK_FIELDS.items():
            if not isinstance(ack.get(name), kind):
                raise SessionProtocolError(
                    f"{name} of the batch_ack is {ack.get(name)!r}, not a {kind.__name__}",
                    session_id=session_id,
                )
        return ack

    async def ask(self, kind: str, data: Data, *, answer: str) -> Data:
        """Send any other request and return the data of its answer; errors as the session's."""
        return await self._open_connection().request(kind, data, answers=frozenset({answer}))

    def in_background(
        self, session_id: str, sending: Coroutine[Any, Any, dict[str, Any]]
    ) -> Task[dict[str, Any]]:
        """Return a task that sends; the simulation sees to it that it ends, and how."""
        task = BackgroundTask(sending, loop=asyncio.get_running_loop())
        self.simulation(session_id).runner.sending.add(task)
        return task

    async def _submit_wanted(self, session_id: str, wanted: Sequence[OrderSpec]) -> None:
        """Send what a decision asked for, and tell the strategy what was refused."""
        orders = [to_wire(spec) for spec in wanted]
        simulation = self.simulation(session_id)
        for order, spec in zip(orders, wanted, strict=True):
            if spec.tag is not None:
                simulation.runner.tags[order["order_id"]] = spec.tag
        ack = await self.submit(session_id, orders)
        codes: dict[str, str] = ack.get("rejection_codes") or {}
        for order_id, reason in ack["rejected_orders"].items():
            facts = {"order_id": order_id, "reason": reason, "code": codes.get(order_id)}
            await simulation.runner.trouble(_rejected(session_id, facts))

    async def _acknowledge(self, data: Data) -> None:
        await self._open_connection().send("tick_ack", data)

    def _relieve(self) -> None:
        if self._connection is not None:
            self._connection.relieve()

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise SessionConnectionError("not connected: call connect first")
        return self._connection

    # What the connection hands on

    def on_push(self, kind: str, data: Data) -> None:
        """Take a message that answers no request."""
        session_id = data.get("session_id")
        about_connection = self._about_connection.get(kind)
        if about_connection is not None:
            about_connection(self, data)
        elif isinstance(session_id, str):
            self.simulation(session_id).put(kind, data)
        elif kind in ERRORS:
            self._on_error(from_wire(data))
        else:
            _log.debug("message of type %s names no simulation and was skipped", kind)

    def is_crowded(self) -> bool:
        """Return whether a simulation cannot keep up."""
        return any(simulation.is_crowded for simulation in self.simulations.values())

    def on_lost(self, error: SessionError) -> None:
        """Take note that the connection is gone."""
        self._tell_all(error)

    def _on_ready(self, data: Data) -> None:
        self.info = Payload(data)

    def _on_warning(self, data: Data) -> None:
        kind = data.get("warning_type")
        text = f"{kind}: {data.get('message')}"
        self._tell_all(SessionError(text, error_code=kind, details=data, recoverable=True))

    def _on_closing(self, data: Data) -> None:
        said = (data.get("reason"), data.get("message"))
        if self._connection is not None:
            self._connection.farewell = ": ".join(str(part) for part in said if part)

    _about_connection: Final[dict[str, Callable[[Venue, Data], None]]] = {
        "connection_ready": _on_ready,
        "connection_warning": _on_warning,
        "connection_closing": _on_closing,
    }

    def _on_error(self, error: SessionError) -> None:
        """Hand on an error that names neither request nor simulation: it concerns all."""
        if not self._tell_all(error) and self._connection is not None:
            self._connection.fail_requests(error)

    def _tell_all(self, error: SessionError) -> bool:
        running = [each for each in self.simulations.values() if not each.is_over]
        for simulation in running:
            simulation.put("trouble", error)
        return bool(running)


def _session_id(answer: Data) -> str:
    session_id = answer.get("session_id")
    if not isinstance(session_id, str):
        raise SessionProtocolError("session_created names no session_id")
    return session_id


def _rejected(session_id: str, facts: dict[str, Any]) -> SessionError:
    return SessionError(
        f"order {facts['order_id']} was rejected: {facts['reason']}",
        error_code="ORDER_REJECTED",
        session_id=session_id,
        details=facts,
        recoverable=True,
    )

"""Calls a strategy for what the server sends: one message, one callback, then the next.

A tick is acknowledged when everything it caused is done, so the clock waits for the strategy, and
the store never holds a bar of the future.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from asyncio import Queue, Task
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from simutrador_client.connection import Data
from simutrador_client.errors import SessionError, from_wire
from simutrador_client.payloads import (
    Account,
    End,
    Fill,
    HistorySnapshot,
    OrderUpdate,
    Payload,
    SimulationInfo,
    Tick,
)
from simutrador_client.store import Store
from simutrador_client.strategy import OrderSpec

SUBSCRIPTION: Final = 10_000
"""Messages a subscriber's queue holds; beyond it the oldest goes."""

Submit = Callable[[str, Sequence[OrderSpec]], Awaitable[None]]
Acknowledge = Callable[[Data], Awaitable[None]]

_NO_FLOW_CONTROL: Final = frozenset({"UNKNOWN_TYPE", "NOT_IMPLEMENTED"})
_log = logging.getLogger(__name__)


class StrategyRunner:
    """One strategy in one simulation.

    Args:
        session_id: The simulation.
        strategy: Whose callbacks are called.
        store: Gets the bars before the strategy hears of them.
        submit: Sends the orders that `on_tick` returned and waits for their acknowledgement.
        ack: Sends the data of a `tick_ack`.
    """

    def __init__(
        self, session_id: str, strategy: object, *, store: Store, submit: Submit, ack: Acknowledge
    ) -> None:
        self.session_id = session_id
        self.store = store
        self.meta: dict[str, Any] | None = None
        self.info = SimulationInfo({"session_id": session_id})
        self.acknowledges = False
        """Whether the server was asked to wait for acknowledgements."""
        self.may_be_silent = False
        """Whether silence is no fault: the simulation is queued or paused."""
        self.ready = asyncio.Event()
        """Set when the warm-up bars are in the store."""
        self.snapshot: HistorySnapshot | None = None
        self.end: End | None = None
        self.tags: dict[str, str] = {}
        self.sending: set[Task[Any]] = set()
        self._strategy = strategy
        self._submit = submit
        self._ack = ack
        self._started = False
        self._subscribers: dict[str, Queue[Payload]] = {}

    async def handle(self, kind: str, data: Data) -> None:
        """Work on one message; whatever the strategy raises is let through.

        Raises:
            SessionError: the message says that the simulation failed.
        """
        handler = self._handlers.get(kind)
        if handler is None:
            _log.debug("message of type %s is not known and was skipped", kind)
        else:
            await handler(self, data)

    async def trouble(self, error: SessionError) -> None:
        """Raise the error, or tell the strategy when the simulation goes on."""
        if not error.recoverable:
            raise error
        if not hasattr(self._strategy, "on_error"):
            _log.warning("simulation %s: %s", self.session_id, error)
        await self._call("on_error", error, self.store)

    def subscribe(self, topic: str) -> Queue[Any]:
        """Return the queue of a topic, made at the first call; it holds the latest 10,000."""
        return self._subscribers.setdefault(topic, Queue(SUBSCRIPTION))

    async def _on_history(self, data: Data) -> None:
        self.store.load(data.get("candles") or {})
        if self.snapshot is None:
            self.snapshot = HistorySnapshot(data)
        await self._begin()

    async def _begin(self) -> None:
        if not self._started:
            self._started = True
            self.ready.set()
            await self._call("on_session_start", self.store, self.meta)
            await self._settle()

    async def _on_tick(self, data: Data) -> None:
        self.may_be_silent = False
        await self._begin()
        tick = Tick(data)
        self.store.append(data.get("candles") or {})
        self._publish("ticks", tick)
        wanted = await self._call("on_tick", tick, self.store)
        if wanted:
            await self._submit(self.session_id, wanted)
        await self._settle()
        if self.acknowledges:
            await self._acknowledge(data.get("sequence_id"))

    async def _acknowledge(self, sequence_id: int | None) -> None:
        if sequence_id is not None:
            await self._ack(
                {
                    "session_id": self.session_id,
                    "sequence_id": sequence_id,
                    "processing_status": "ready",
                    "orders_pending": 0,
                }
            )

    async def _on_fill(self, data: Data) -> None:
        tag = self.tags.get(data.get("order_id", ""))
        fill = Fill(data if tag is None else {**data, "tag": tag})
        self._publish("fills", fill)
        await self._call("on_fill", fill, self.store)

    async def _on_account(self, data: Data) -> None:
        account = Account(data)
        self._publish("account", account)
        await self._call("on_account_snapshot", account, self.store)

    async def _on_end(self, data: Data) -> None:
        end = End(data)
        await self._call("on_session_end", end, self.store)
        await self._settle()
        self.end = end

    async def _on_order(self, data: Data) -> None:
        await self._call("on_order_update", OrderUpdate(data), self.store)

    async def _on_session_error(self, data: Data) -> None:
        # `recoverable` speaks of the connection: the simulation has failed.
        error = from_wire(data)
        error.recoverable = data.get("severity") == "warning"
        await self.trouble(error)

    async def _on_error(self, data: Data) -> None:
        error = from_wire(data)
        if self.acknowledges and error.error_code in _NO_FLOW_CONTROL:
            # So a server without flow control answers the acknowledgement: it does not wait.
            self.acknowledges = False
            return
        await self.trouble(error)

    async def _on_paused(self, data: Data) -> None:
        self.may_be_silent = True

    async def _on_resumed(self, data: Data) -> None:
        self.may_be_silent = False

    async def _call(self, name: str, *arguments: object) -> Any:
        callback = getattr(self._strategy, name, None)
        if callback is None:
            return None
        result = callback(self.session_id, *arguments)
        return await result if inspect.isawaitable(result) else result

    async def _settle(self) -> None:
        """Wait for orders sent without waiting; raise what went wrong and nobody looked at."""
        while self.sending:
            done, _ = await asyncio.wait(self.sending)
            self.sending -= done
            for task in done:
                _raise_unnoticed(task)

    def _publish(self, topic: str, payload: Payload) -> None:
        queue = self._subscribers.get(topic)
        if queue is None:
            return
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(payload)

    _handlers: Final[dict[str, Callable[[StrategyRunner, Data], Awaitable[None]]]] = {
        "history_snapshot": _on_history,
        "tick": _on_tick,
        "execution_report": _on_fill,
        "account_snapshot": _on_account,
        "simulation_end": _on_end,
        "simulation_complete": _on_end,
        "session_error": _on_session_error,
        "order_cancelled": _on_order,
        "order_replaced": _on_order,
        "validation_error": _on_error,
        "error": _on_error,
        "simulation_paused": _on_paused,
        "simulation_resumed": _on_resumed,
    }


def _raise_unnoticed(task: Task[Any]) -> None:
    if task.cancelled() or getattr(task, "looked_at", False):
        return
    error = task.exception()
    if error is not None:
        raise error

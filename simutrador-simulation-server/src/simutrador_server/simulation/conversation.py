"""`Conversation`: what is said on one connection, as a state machine. The socket carries text.

`receive` takes a frame and returns the answers, `next_tick` what the clock pushes, `check` what the
connection's own lifetime asks for. Bars are read outside: after `receive`, `wanted` may hold a
request for them, which is answered with `loaded` or `refused`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simutrador_core.models.websocket import (
    CreateAndStartRequest,
    ErrorCode,
)
from simutrador_core.models.wire import client_messages as client
from simutrador_core.models.wire.requests import ClockRequest
from simutrador_server.auth.plans import PlanLimits
from simutrador_server.auth.user import User
from simutrador_server.simulation.book import SessionBook
from simutrador_server.simulation.clock import SimulationClock
from simutrador_server.simulation.hosted import Hosted
from simutrador_server.simulation.lifetime import Closing, Lifetime
from simutrador_server.simulation.reading import (
    SESSION_TYPES,
    Envelope,
    read_envelope,
    read_message,
    request_id_of,
    with_canonical_symbols,
)
from simutrador_server.simulation.setup import CreateRequest, Defaults, Refusal
from simutrador_server.simulation.simulation import Simulation
from simutrador_server.simulation.wire import message, refusal, stamp

FEATURES = (
    "batch_orders", "flow_control", "stop_price", "notional", "cancel_order", "replace_order",
    "pause_resume", "seq",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A simulation to be made from bars that must be read first.

    Attributes:
        request: What was asked, symbols canonical.
        session_id: The id it will have.
        user_id: Whose it will be.
        clock: How to start it at once, or None to leave it ready.
        request_id: To be repeated in the answer.
    """

    request: CreateRequest
    session_id: str
    user_id: str
    clock: ClockRequest | None
    request_id: str | None


class Conversation:
    """One user's connection.

    Args:
        user: Who speaks.
        limits: Of their plan.
        book: All simulations of the venue.
        defaults: What a simulation gets where its request is silent.
        new_id: Makes a session id.
        now: When the connection was accepted, aware UTC.
    """

    def __init__(
        self,
        user: User,
        limits: PlanLimits,
        book: SessionBook,
        defaults: Defaults,
        *,
        new_id: Callable[[], str],
        now: datetime,
    ) -> None:
        self.wanted: Wanted | None = None
        self.closing: Closing | None = None
        self.stirred = False
        """Whether `wakes_at` may be earlier than it was: set by any but a plain acknowledgement."""
        self._user = user
        self._limits = limits
        self._book = book
        self._defaults = defaults
        self._new_id = new_id
        longest = timedelta(seconds=min(limits.connection_s, limits.simulation_s))
        self._life = Lifetime(now, longest, timedelta(seconds=limits.idle_s), now)
        self._hosted = Hosted(book, user.user_id)
        self._handlers = _handlers(self)

    # What the socket calls

    def greet(self, now: datetime) -> list[str]:
        """Return the first message."""
        data = {
            "user_id": self._user.user_id,
            "plan": self._user.plan.value,
            "connection_expires_at": stamp(self._life.expires_at),
            "idle_timeout_sec": self._limits.idle_s,
            "max_simulation_duration_sec": self._limits.simulation_s,
            "concurrent_connections_limit": self._limits.connections,
            "server_time": stamp(now),
            "supported_features": list(FEATURES),
        }
        return [message("connection_ready", data, now)]

    def receive(self, frame: str | bytes, now: datetime) -> list[str]:
        """Return the answers to a frame; nothing in it can raise."""
        self._life.active_at = now
        envelope: Envelope = {}
        try:
            envelope = read_envelope(frame)
            if envelope["type"] == "tick_ack" and self._hosted.acknowledged_simply(
                envelope.get("data")
            ):
                return []
            self.stirred = True
            parsed = read_message(envelope)
            return self._handlers[parsed.type](parsed, now)
        except Refusal as why:
            kind = "session_error" if envelope.get("type") in SESSION_TYPES else "error"
            return [refusal(kind, why, now, request_id=request_id_of(envelope))]

    def may_tick(self, now: datetime) -> bool:
        """Return whether `next_tick` has something to push."""
        return self._hosted.may_tick(now)

    def next_tick(self, now: datetime) -> list[str]:
        """Advance each simulation that may tick by one step and return what is pushed."""
        out = self._hosted.next_tick(now)
        if out:
            self._life.active_at = now
        if out and not len(self._hosted):
            text = "the simulation is complete"
            out.append(self._close(Closing(1000, "simulation_complete", text, "completed"), now))
        return out

    def loaded(self, wanted: Wanted, simulation: Simulation, now: datetime) -> list[str]:
        """Return the answer to a request whose simulation is ready now."""
        try:
            self._check_room(wanted, now)  # others may have been quicker meanwhile
        except Refusal as why:
            return self.refused(wanted, why, now)
        self._hosted.add(simulation)
        out = [simulation.created(now, wanted.request_id)]
        if wanted.clock is not None:
            clock = self._clock(wanted.clock, flow_control=False)
            out += self._hosted.start(simulation, clock, now, None)
        return out

    def refused(self, wanted: Wanted, why: Refusal, now: datetime) -> list[str]:
        """Return the answer to a request whose simulation cannot be made."""
        return [refusal("session_error", why, now, request_id=wanted.request_id)]

    def wakes_at(self) -> datetime:
        """Return when to call `next_tick` or `check` again if no frame comes."""
        return min([self._life.next_at(), *self._hosted.wakes_at()])

    def check(self, now: datetime) -> list[str]:
        """Return warnings about the connection's end, or its last words; then `closing` is set."""
        out = [message("connection_warning", data, now) for data in self._life.warnings(now)]
        closing = self._life.closing(now)
        return out if closing is None else [*out, self._close(closing, now)]

    def hang_up(self) -> None:
        """Take note that the connection is gone: what runs on it is lost."""
        self._hosted.hang_up()

    # What each message does

    def on_create(self, asked: client.CreateSession, now: datetime) -> list[str]:
        """Want the bars of a simulation."""
        self._want(asked.data, None, asked.request_id, now)
        return []

    def on_start(self, asked: client.StartSimulation, now: datetime) -> list[str]:
        """Start a simulation made before, or want the bars of a new one."""
        data = asked.data
        if isinstance(data, CreateAndStartRequest):
            self._want(data, data, asked.request_id, now)
            return []
        simulation = self._hosted.find(data.session_id)
        clock = self._clock(data, flow_control=True)
        return self._hosted.start(simulation, clock, now, asked.request_id)

    def on_ack(self, asked: client.TickAck, now: datetime) -> list[str]:
        """Take note that a tick was seen."""
        simulation = self._hosted.mine(asked.data.session_id)
        simulation.clock.acknowledge(asked.data, now)
        return []

    def on_orders(self, asked: client.OrderBatch, now: datetime) -> list[str]:
        """Hand in orders."""
        simulation = self._hosted.mine(asked.data.session_id)
        return [simulation.submit(asked.data, now, asked.request_id)]

    def on_cancel(self, asked: client.CancelOrder, now: datetime) -> list[str]:
        """Take an order back."""
        simulation = self._hosted.mine(asked.data.session_id)
        return simulation.cancel(asked.data.order_id, now, asked.request_id)

    def on_replace(self, asked: client.ReplaceOrder, now: datetime) -> list[str]:
        """Change an order."""
        simulation = self._hosted.mine(asked.data.session_id)
        return simulation.replace(asked.data, now, asked.request_id)

    def on_positions(self, asked: client.QueryPositions, now: datetime) -> list[str]:
        """Say what the account holds."""
        return [self._hosted.mine(asked.data.session_id).account(now, asked.request_id)]

    def on_pause(self, asked: client.PauseSimulation, now: datetime) -> list[str]:
        """Stop a clock."""
        simulation = self._hosted.mine(asked.data.session_id)
        return [simulation.set_paused(paused=True, now=now, request_id=asked.request_id)]

    def on_resume(self, asked: client.ResumeSimulation, now: datetime) -> list[str]:
        """Let a clock go on."""
        simulation = self._hosted.mine(asked.data.session_id)
        return [simulation.set_paused(paused=False, now=now, request_id=asked.request_id)]

    def on_get(self, asked: client.GetSession, now: datetime) -> list[str]:
        """Say what is known about a simulation."""
        info = self._book.record(asked.data.session_id, self._user.user_id)
        data = info.model_dump(mode="json", exclude_none=True)
        return [message("session_data", data, now, asked.request_id)]

    def on_list(self, asked: client.ListSessions, now: datetime) -> list[str]:
        """List the user's simulations."""
        known = self._book.records(self._user.user_id)
        sessions = [info.model_dump(mode="json", exclude_none=True) for info in known]
        data = {"sessions": sessions, "total_count": len(sessions)}
        return [message("sessions_list", data, now, asked.request_id)]

    def on_delete(self, asked: client.DeleteSession, now: datetime) -> list[str]:
        """Forget a simulation; one that runs here stops."""
        session_id = asked.data.session_id
        self._hosted.delete(session_id)
        data = {"session_id": session_id, "status": "deleted"}
        return [message("session_deleted", data, now, asked.request_id)]

    def on_ping(self, asked: client.Ping, now: datetime) -> list[str]:
        """Answer."""
        return [message("pong", {"server_time": stamp(now)}, now, asked.request_id)]

    # How

    def _want(
        self,
        request: CreateRequest,
        clock: ClockRequest | None,
        request_id: str | None,
        now: datetime,
    ) -> None:
        request = with_canonical_symbols(request)
        if len(request.symbols) > self._limits.symbols:
            raise Refusal(
                ErrorCode.SESSION_LIMIT_EXCEEDED,
                f"{len(request.symbols)} symbols are above the limit of {self._limits.symbols}",
                limit=self._limits.symbols,
            )
        session_id = request.session_id or self._new_id()
        wanted = Wanted(request, session_id, self._user.user_id, clock, request_id)
        self._check_room(wanted, now)
        self.wanted = wanted

    def _check_room(self, wanted: Wanted, now: datetime) -> None:
        limit = self._limits.simulations
        self._book.check_room(self._user.user_id, wanted.session_id, limit=limit, now=now)

    def _clock(self, asked: ClockRequest, *, flow_control: bool) -> SimulationClock:
        pace = asked.tick_interval_ms
        interval = self._defaults.tick_interval_ms if pace is None else pace
        return SimulationClock(
            flow_control=flow_control if asked.flow_control is None else asked.flow_control,
            max_pending=asked.max_pending_ticks,
            interval=timedelta(milliseconds=interval),
        )

    def _close(self, closing: Closing, now: datetime) -> str:
        self.closing = closing
        return message("connection_closing", closing.to_wire(), now)


Handler = Callable[[Any, datetime], list[str]]


def _handlers(on: Conversation) -> dict[str, Handler]:
    return {
        "create_session": on.on_create,
        "start_simulation": on.on_start,
        "tick_ack": on.on_ack,
        "order_batch": on.on_orders,
        "cancel_order": on.on_cancel,
        "replace_order": on.on_replace,
        "query_positions": on.on_positions,
        "pause_simulation": on.on_pause,
        "resume_simulation": on.on_resume,
        "get_session": on.on_get,
        "list_sessions": on.on_list,
        "delete_session": on.on_delete,
        "ping": on.on_ping,
    }

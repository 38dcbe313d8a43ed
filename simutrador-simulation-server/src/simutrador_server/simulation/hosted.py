"""`Hosted`: the simulations that one connection made or runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from simutrador_core.models.enums import SessionState
from simutrador_core.models.websocket import ErrorCode
from simutrador_server.simulation.book import SessionBook
from simutrador_server.simulation.clock import SimulationClock
from simutrador_server.simulation.setup import Refusal
from simutrador_server.simulation.simulation import Simulation


class Hosted:
    """What runs on a connection, and which simulation a message means that names none."""

    def __init__(self, book: SessionBook, user_id: str) -> None:
        self._book = book
        self._user_id = user_id
        self._running: dict[str, Simulation] = {}
        self._latest: str | None = None

    def __len__(self) -> int:
        """Return how many run."""
        return len(self._running)

    def add(self, simulation: Simulation) -> None:
        """Enter a simulation made here."""
        self._book.add(simulation)
        self._latest = simulation.id

    def find(self, session_id: str | None) -> Simulation:
        """Return a simulation that is not over; None stands for the one made last here.

        Raises:
            Refusal: there is none, or it belongs to another user.
        """
        wanted = session_id or self._latest
        if wanted is None:
            raise Refusal(
                ErrorCode.SESSION_NOT_FOUND,
                "no simulation was made on this connection; send create_session first",
            )
        return self._book.live(wanted, self._user_id)

    def mine(self, session_id: str | None) -> Simulation:
        """Return a simulation that runs here, or one that can still be started.

        Raises:
            Refusal: there is none, or it runs on another connection.
        """
        if session_id is None and len(self._running) == 1:
            return next(iter(self._running.values()))
        simulation = self.find(session_id)
        if simulation.is_running and simulation.id not in self._running:
            raise Refusal(
                ErrorCode.ACCESS_DENIED,
                f"session {simulation.id} runs on another connection",
                session_id=simulation.id,
            )
        return simulation

    def start(
        self, simulation: Simulation, clock: SimulationClock, now: datetime, request_id: str | None
    ) -> list[str]:
        """Start a simulation here and return what it says."""
        out = simulation.start(clock, now, request_id)
        self._running[simulation.id] = simulation
        return out

    def delete(self, session_id: str) -> None:
        """Forget a simulation; one that runs here stops.

        Raises:
            Refusal: there is none, or it belongs to another user.
        """
        live = self._book.delete(session_id, self._user_id)
        if live is not None:
            live.drop()
        self._running.pop(session_id, None)

    def hang_up(self) -> None:
        """Give up what runs."""
        for simulation in self._running.values():
            simulation.drop()
            self._book.close(simulation)
        self._running.clear()

    # Time

    def may_tick(self, now: datetime) -> bool:
        """Return whether any simulation may tick."""
        for one in self._running.values():  # noqa: SIM110 - `any` costs twice as much, per tick
            if one.clock.may_tick(now):
                return True
        return False

    def next_tick(self, now: datetime) -> list[str]:
        """Advance each simulation that may tick by one step and return what is pushed."""
        out: list[str] = []
        for simulation in list(self._running.values()):
            if simulation.state is SessionState.ERROR:
                del self._running[simulation.id]  # deleted through another connection
            elif simulation.clock.may_tick(now):
                out += simulation.next_tick(now)
                if simulation.state is SessionState.COMPLETED:
                    del self._running[simulation.id]
                    self._book.close(simulation)
        return out

    def wakes_at(self) -> list[datetime]:
        """Return when to look again if no frame comes."""
        ticks = [one.clock.wakes_at() for one in self._running.values()]
        return [at for at in ticks if at is not None]

    def acknowledged_simply(self, data: object) -> bool:
        """Take the usual acknowledgement without a model; return False for any other.

        It stands between every two ticks of a lock step, so it must cost next to nothing.
        """
        if len(self._running) != 1 or not isinstance(data, dict):
            return False
        simulation = next(iter(self._running.values()))
        fields = cast("dict[str, Any]", data)
        number = fields.get("sequence_id")
        simple = (
            type(number) is int
            and 0 <= number <= simulation.clock.sent
            and fields.get("processing_status") == "ready"
            # A tuple, not a set: the value may be a list, which has no hash.
            and fields.get("orders_pending") in (0, None)
            and fields.get("session_id") in (None, simulation.id)
        )
        if simple:
            simulation.clock.ready(cast("int", number))
        return simple

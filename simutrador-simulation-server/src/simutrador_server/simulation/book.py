"""`SessionBook`: every simulation of the venue, live or over, and whose it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from simutrador_core.models.enums import SessionState
from simutrador_core.models.websocket import ErrorCode, SessionData
from simutrador_server.simulation.setup import Refusal
from simutrador_server.simulation.simulation import Simulation

UNSTARTED_LIFETIME: Final = timedelta(minutes=60)
KEPT_RECORDS: Final = 100


class SessionBook:
    """Simulations by id. Those that are over keep their record, not their bars."""

    def __init__(self) -> None:
        self._live: dict[str, Simulation] = {}
        self._over: dict[str, SessionData] = {}

    def check_room(
        self, user_id: str, session_id: str | None, *, limit: int, now: datetime
    ) -> None:
        """Refuse one simulation more than a user may have, or an id that is in use.

        Raises:
            Refusal: `SESSION_LIMIT_EXCEEDED` or `SESSION_CREATE_FAILED`.
        """
        self._forget_unstarted(now)
        own = self._open(user_id)
        if len(own) >= limit:
            raise Refusal(
                ErrorCode.SESSION_LIMIT_EXCEEDED,
                f"{len(own)} simulations are open, the limit is {limit}; "
                "end one or send delete_session",
                limit=limit,
                sessions=own,
            )
        if session_id is not None and (session_id in self._live or session_id in self._over):
            raise Refusal(
                ErrorCode.SESSION_CREATE_FAILED,
                f"session_id {session_id} is in use; choose another, or none",
                session_id=session_id,
            )

    def open_count(self, user_id: str) -> int:
        """Return how many simulations of a user are not over."""
        return len(self._open(user_id))

    def add(self, simulation: Simulation) -> None:
        """Enter a simulation."""
        self._live[simulation.id] = simulation

    def live(self, session_id: str, user_id: str) -> Simulation:
        """Return a user's simulation that is not over.

        Raises:
            Refusal: `SESSION_NOT_FOUND` or `ACCESS_DENIED`.
        """
        self.record(session_id, user_id)
        if session_id not in self._live:
            raise _not_found(session_id)
        return self._live[session_id]

    def record(self, session_id: str, user_id: str) -> SessionData:
        """Return what is known about a user's simulation.

        Raises:
            Refusal: `SESSION_NOT_FOUND` or `ACCESS_DENIED`.
        """
        simulation = self._live.get(session_id)
        found = simulation.info if simulation else self._over.get(session_id)
        if found is None:
            raise _not_found(session_id)
        if found.user_id != user_id:
            raise Refusal(
                ErrorCode.ACCESS_DENIED,
                f"session {session_id} belongs to another user",
                session_id=session_id,
            )
        return found

    def records(self, user_id: str) -> list[SessionData]:
        """Return what is known about a user's simulations, newest first."""
        known = [*self._over.values(), *(one.info for one in self._live.values())]
        own = [info for info in known if info.user_id == user_id]
        return sorted(own, key=lambda info: info.created_at, reverse=True)

    def close(self, simulation: Simulation) -> None:
        """Keep only the record of a simulation that is over."""
        if self._live.pop(simulation.id, None) is None:
            return  # deleted meanwhile
        self._over[simulation.id] = simulation.info
        own = [info for info in self._over.values() if info.user_id == simulation.info.user_id]
        for info in own[:-KEPT_RECORDS]:
            del self._over[info.session_id]

    def delete(self, session_id: str, user_id: str) -> Simulation | None:
        """Forget a user's simulation and return it if it was live.

        Raises:
            Refusal: `SESSION_NOT_FOUND` or `ACCESS_DENIED`.
        """
        self.record(session_id, user_id)
        self._over.pop(session_id, None)
        return self._live.pop(session_id, None)

    def _open(self, user_id: str) -> list[str]:
        return [one.id for one in self._live.values() if one.info.user_id == user_id]

    def _forget_unstarted(self, now: datetime) -> None:
        for simulation in list(self._live.values()):
            old = now - simulation.info.created_at >= UNSTARTED_LIFETIME
            if old and simulation.state is SessionState.READY:
                del self._live[simulation.id]


def _not_found(session_id: str) -> Refusal:
    return Refusal(
        ErrorCode.SESSION_NOT_FOUND, f"there is no session {session_id}", session_id=session_id
    )

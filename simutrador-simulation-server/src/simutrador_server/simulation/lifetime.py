"""`Lifetime`: how long a connection may last, and what is said before it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from simutrador_server.simulation.wire import stamp

_WARNINGS: Final = (
    (timedelta(minutes=5), "approaching_timeout"),
    (timedelta(minutes=1), "imminent_closure"),
)


@dataclass(frozen=True, slots=True)
class Closing:
    """Why the server ends a connection."""

    code: int
    reason: str
    message: str
    session_state: str

    def to_wire(self) -> dict[str, Any]:
        """Return the data of `connection_closing`."""
        return {
            "reason": self.reason,
            "message": self.message,
            "close_code": self.code,
            "reconnect_allowed": True,
            "session_state": self.session_state,
        }


@dataclass(slots=True)
class Lifetime:
    """The two ends a connection can meet: its time is over, or nothing happens on it.

    Attributes:
        opened_at: When it was accepted.
        longest: How long it may last.
        idle: How long it may be silent.
        active_at: When something last happened; a message, or a tick that went out.
    """

    opened_at: datetime
    longest: timedelta
    idle: timedelta
    active_at: datetime
    _due: list[tuple[timedelta, str]] = field(default_factory=lambda: list(_WARNINGS))

    @property
    def expires_at(self) -> datetime:
        """When its time is over."""
        return self.opened_at + self.longest

    def next_at(self) -> datetime:
        """Return when to look again."""
        warning = [self.expires_at - before for before, _ in self._due[:1]]
        return min(self.expires_at, self.active_at + self.idle, *warning)

    def warnings(self, now: datetime) -> list[dict[str, Any]]:
        """Return the data of each `connection_warning` that is due; each comes once."""
        out: list[dict[str, Any]] = []
        while self._due and now >= self.expires_at - self._due[0][0]:
            before, kind = self._due.pop(0)
            if before >= self.longest:
                continue  # the connection is shorter than the warning is early
            left = int((self.expires_at - now).total_seconds())
            out.append(
                {
                    "warning_type": kind,
                    "message": f"the connection ends in {left} seconds",
                    "expires_at": stamp(self.expires_at),
                    "action_required": "reconnect",
                    "seconds_remaining": left,
                }
            )
        return out

    def closing(self, now: datetime) -> Closing | None:
        """Return why the connection must end now, or None."""
        if now >= self.expires_at:
            text = f"a connection lasts at most {self.longest}"
            return Closing(4000, "max_duration", text, "lost")
        if now >= self.active_at + self.idle:
            return Closing(4000, "idle_timeout", f"nothing happened for {self.idle}", "lost")
        return None

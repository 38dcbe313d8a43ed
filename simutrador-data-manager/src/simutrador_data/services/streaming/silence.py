"""`Silence`: is a connection still alive? Ask after one interval, give it up before two. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ANSWER_SHARE: Final = 0.8
"""How much of an interval a ping may take: the rest is room, so that two are never exceeded."""


class Step(StrEnum):
    """What to do about a silence."""

    WAIT = "wait"
    PING = "ping"
    STALE = "stale"


@dataclass(slots=True)
class Silence:
    """Since when a peer is silent. Instants are seconds of one monotonic clock.

    A peer that is gone without a word (half-open TCP) and one that is mute look the same from here,
    and are found the same way. It is never given up unasked: after a pause of our own, in which
    nothing could be heard, it is asked first.

    Attributes:
        interval_s: The longest silence of a healthy peer.
        heard_at: When it last gave a sign of life.
        pinged_at: When it was asked since, or None.
    """

    interval_s: float
    heard_at: float
    pinged_at: float | None = None

    def hear(self, at: float) -> None:
        """Note a sign of life: data, a ping or a pong."""
        if at > self.heard_at:
            self.heard_at, self.pinged_at = at, None

    def ping(self, at: float) -> None:
        """Note that the peer is asked."""
        self.pinged_at = at

    def step(self, at: float) -> tuple[Step, float]:
        """Return what to do now, and in how many seconds to look again if nothing is heard."""
        if self.pinged_at is None:
            left = self.heard_at + self.interval_s - at
            return (Step.WAIT, left) if left > 0 else (Step.PING, self.answer_s)
        left = self.pinged_at + self.answer_s - at
        return (Step.WAIT, left) if left > 0 else (Step.STALE, 0.0)

    @property
    def answer_s(self) -> float:
        """How long an answer to a ping may take."""
        return _ANSWER_SHARE * self.interval_s

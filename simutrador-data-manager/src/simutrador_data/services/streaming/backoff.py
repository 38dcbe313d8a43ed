"""`Backoff`: how long to wait before trying again: 1, 2, 4 ... 60 s, each by chance. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Waits that grow with each failure, and a floor that holds for every one of them.

    A wait is drawn from all of `[0, ceiling)`, so that clients who lost the same server do not come
    back together. The ceiling falls back only after a connection was healthy for as long as the
    last one: a server that accepts and drops at once is not hammered.

    Attributes:
        first_s: The first ceiling.
        most_s: The highest one.
        floor_s: Two attempts are never closer.
        ceiling_s: The latest one; 0.0 while nothing has failed.
    """

    first_s: float
    most_s: float
    floor_s: float
    ceiling_s: float = 0.0

    def next_wait(self, *, since_s: float, jitter: float) -> float:
        """Return the seconds to wait after a failure.

        Args:
            since_s: How long ago the last attempt ended.
            jitter: A random number in [0, 1).
        """
        self.ceiling_s = min(self.most_s, max(self.first_s, 2 * self.ceiling_s))
        return max(self.ceiling_s * jitter, self.floor_wait(since_s=since_s))

    def floor_wait(self, *, since_s: float) -> float:
        """Return the seconds that must pass before any attempt, also after no failure."""
        return max(0.0, self.floor_s - since_s)

    def note_healthy(self, seconds: float) -> None:
        """Begin anew if things went well for as long as the last ceiling."""
        if seconds >= self.ceiling_s:
            self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.ceiling_s = 0.0

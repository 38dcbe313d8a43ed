"""`MarketClock`: the time of a market in which a minute passes in an instant, or when told to."""

from __future__ import annotations

import time
from datetime import datetime, timedelta


class MarketClock:
    """Counts market minutes from `start`; `now` may be handed to whatever wants a clock.

    Two clocks with the same arguments show the same time, in different processes too (Linux).

    Attributes:
        start: The first instant, aware UTC.
        minute_s: How many seconds a minute lasts; None stands still.
        begun: When it was `start`, seconds of `time.monotonic()`.
    """

    def __init__(
        self, start: datetime, minute_s: float | None, *, begun: float | None = None
    ) -> None:
        """Start now, unless it begun earlier."""
        self.start = start
        self.minute_s = minute_s
        self.begun = time.monotonic() if begun is None else begun
        self._moved = timedelta()

    def now(self) -> datetime:
        """Return the market's present instant, aware UTC."""
        if self.minute_s is None:
            return self.start + self._moved
        passed = (time.monotonic() - self.begun) / self.minute_s
        return self.start + self._moved + timedelta(minutes=passed)

    def advance(self, minutes: int) -> None:
        """Let minutes pass at once."""
        self._moved += timedelta(minutes=minutes)

    def seconds_until(self, at: datetime) -> float:
        """Return how long to wait for an instant; infinity while the clock stands still."""
        if self.minute_s is None:
            return float("inf")
        return max(0.0, (at - self.now()) / timedelta(minutes=1) * self.minute_s)

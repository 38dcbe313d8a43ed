"""`LiveWatch`: who is told what happens to a stream."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class LiveWatch(Protocol):
    """Someone who looks on; called in the event loop, so it must be quick."""

    def connected(self) -> None:
        """The stream is open; what was missed is asked for next."""
        ...

    def stale(self, after_s: float) -> None:
        """Nothing was heard for so long; the connection is given up."""
        ...

    def refused(self, status: int) -> None:
        """The vendor refused, with an HTTP status or its own code."""
        ...

    def backoff(self, wait_s: float) -> None:
        """The next attempt to connect is so far away."""
        ...

    def backfilled(self, symbol: str, rows: int) -> None:
        """What a symbol lacked was asked for over REST; so many bars were written."""
        ...

    def bar(self, symbol: str, opened_at: datetime) -> None:
        """A bar of the stream is stored; it opened then, aware UTC."""
        ...


class NobodyWatches:
    """Satisfies `LiveWatch` and does nothing."""

    def connected(self) -> None:
        """Do nothing."""

    def stale(self, after_s: float) -> None:
        """Do nothing."""

    def refused(self, status: int) -> None:
        """Do nothing."""

    def backoff(self, wait_s: float) -> None:
        """Do nothing."""

    def backfilled(self, symbol: str, rows: int) -> None:
        """Do nothing."""

    def bar(self, symbol: str, opened_at: datetime) -> None:
        """Do nothing."""

"""`Connections`: how many WebSocket connections each user has open."""

from __future__ import annotations

from collections import Counter


class Connections:
    """Counts connections by user."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, user_id: str, *, limit: int) -> bool:
        """Count one connection more, or return False when the user has as many as allowed."""
        if self._open[user_id] >= limit:
            return False
        self._open[user_id] += 1
        return True

    def leave(self, user_id: str) -> None:
        """Count one connection less."""
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]

    def count(self, user_id: str) -> int:
        """Return how many connections a user has."""
        return self._open[user_id]

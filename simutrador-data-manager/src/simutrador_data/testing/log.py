"""`Log`: what a server noted, to be read and waited for in another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Log(Generic[T]):
    """Entries, oldest first; any thread may note, read and wait."""

    def __init__(self) -> None:
        """Begin without an entry."""
        self._news = threading.Condition()
        self._entries: list[T] = []

    def note(self, entry: T) -> None:
        """Add an entry and wake those who wait."""
        with self._news:
            self._entries.append(entry)
            self._news.notify_all()

    def all(self) -> tuple[T, ...]:
        """Return every entry so far."""
        with self._news:
            return tuple(self._entries)

    def forget(self) -> None:
        """Drop every entry so far."""
        with self._news:
            self._entries.clear()

    def wait_for(self, enough: Callable[[list[T]], bool], timeout_s: float) -> bool:
        """Wait until the entries are enough; False when time is over first."""
        with self._news:
            return self._news.wait_for(lambda: enough(self._entries), timeout_s)

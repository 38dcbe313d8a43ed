"""`Recent`: what was true a moment ago, for at most a few seconds and entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A bounded memory that forgets by itself, safe for threads."""

    def __init__(
        self, *, size: int, keep_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep at most `size` values, each for at most `keep_s`; `clock` only moves on."""
        self._size = size
        self._keep_s = keep_s
        self._clock = clock
        self._lock = Lock()
        self._values: dict[str, tuple[T, float]] = {}
        self._age = 0

    def get(self, name: str) -> T | None:
        """Return a value that still counts, or None."""
        with self._lock:
            found = self._values.get(name)
            if found is None or found[1] <= self._clock():
                return None
            return found[0]

    def mark(self) -> int:
        """Return a mark to take before looking something up, and to hand to `put`."""
        return self._age

    def put(self, name: str, value: T, *, mark: int, keep_s: float) -> None:
        """Keep a value, unless everything was forgotten since `mark`: it may be out of date."""
        with self._lock:
            if mark != self._age:
                return
            self._values.pop(name, None)
            while len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            self._values[name] = (value, self._clock() + min(keep_s, self._keep_s))

    def forget(self) -> None:
        """Forget everything, also what is being looked up right now."""
        with self._lock:
            self._age += 1
            self._values.clear()

"""Requests remembered in this process alone."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from threading import Lock
from typing import Final

from simutrador_service.limits.rules import Rule, Verdict, judge

MOST_KEYS: Final = 10_000


class MemoryCounts:
    """When requests of each key were allowed; the key not asked for longest is forgotten first."""

    def __init__(
        self, *, most_keys: int = MOST_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember at most `most_keys` keys; `clock` only moves on."""
        self._most_keys = most_keys
        self._clock = clock
        self._lock = Lock()
        self._times: dict[str, list[float]] = {}

    def hit(self, key: str, rule: Rule) -> Verdict:
        """Count a request unless it is refused."""
        now = self._clock()
        with self._lock:
            times = self._current(key, rule, now)
            verdict = judge(times, rule, now=now)
            if verdict.allowed:
                times.append(now)
        return verdict

    def note(self, key: str, rule: Rule) -> None:
        """Count a request that was allowed elsewhere."""
        now = self._clock()
        with self._lock:
            self._current(key, rule, now).append(now)

    def _current(self, key: str, rule: Rule, now: float) -> list[float]:
        times = self._times.pop(key, [])
        del times[: bisect_right(times, now - rule.longest_s)]
        while len(self._times) >= self._most_keys:
            del self._times[next(iter(self._times))]
        self._times[key] = times
        return times

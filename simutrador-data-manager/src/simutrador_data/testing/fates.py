"""`Fates`: what happens to each question: what was injected, else always, else by chance."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass

from simutrador_data.testing.asking import Question, Reply
from simutrador_data.testing.faults import Fault, Schedule

Fate = Fault | Reply | None


@dataclass(frozen=True, slots=True)
class _Injected:
    what: Fate
    symbol: str | None


class Fates:
    """Decides; any thread may ask and tell."""

    def __init__(self, schedule: Schedule | None) -> None:
        """Leave to the schedule what nothing else decides."""
        self._schedule = schedule
        self._lock = threading.Lock()
        self._queue: deque[_Injected] = deque()
        self._always: Fate = None
        self._asked: Counter[str] = Counter()

    @property
    def always(self) -> Fate:
        """What every question meets that meets nothing injected."""
        with self._lock:
            return self._always

    @always.setter
    def always(self, what: Fate) -> None:
        with self._lock:
            self._always = what

    def inject(self, *what: Fate, symbol: str | None) -> None:
        """Let the next questions, or the next about a symbol, meet these in order."""
        with self._lock:
            self._queue.extend(_Injected(one, symbol) for one in what)

    def of(self, question: Question) -> Fate:
        """Return what happens to a question now."""
        with self._lock:
            for one in self._queue:
                if one.symbol in {None, question.symbol}:
                    self._queue.remove(one)
                    return one.what
            if self._always is not None or self._schedule is None:
                return self._always
            attempt = self._asked[question.text]
            self._asked[question.text] += 1
            return self._schedule.draw(question.text, attempt)

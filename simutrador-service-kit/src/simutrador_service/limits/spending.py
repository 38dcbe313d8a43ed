"""When a budget lets the next request out: the rule, and the memory of one process.

Every place that keeps a budget (this process, `spent_in_file`, `spent_in_database`,
`spent_in_redis`) reserves in one step: it finds the first free instant, keeps it, and says how long
to wait for it. So waiters stand in line, each sleeps once, and nobody asks again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from simutrador_service.limits.rules import Rule

MARGIN_S: Final = 0.05
SPREAD_S: Final = 0.2
MOST_WAIT_S: Final = 600.0  # nobody may choose to wait longer


class Spending(Protocol):
    """Where the instants of one budget are kept."""

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out; one beyond the bound is not kept.

        Raises:
            UnavailableError: the place does not answer.
        """
        ...


def next_grant(grants: Sequence[float], rule: Rule, *, now: float) -> float:
    """Return the first instant, now or later, at which one more request fits.

    Every window is a little longer than the rule says, and requests of a short one are spread:
    what leaves here in time may arrive there early or late.

    Args:
        grants: Instants already given, ascending, those to come included.
        rule: The windows.
        now: The present, on the same clock.
    """
    at = now
    for window in rule.windows:
        if grants:
            at = max(at, grants[-1] + spread_of(window.seconds, window.limit))
        if len(grants) >= window.limit:
            at = max(at, grants[-window.limit] + window.seconds + MARGIN_S)
    return at


def spread_of(seconds: float, limit: int) -> float:
    """Return the least time between two requests of a window."""
    return min(SPREAD_S, seconds / limit)


def spend(
    grants: list[float], rule: Rule, *, now: float, longest_wait_s: float
) -> tuple[float, list[float]]:
    """Return how long to wait, and what to keep; nothing more when the wait is too long."""
    # An instant further ahead than anybody waits was written before the clock was set back.
    known = [at for at in grants if at <= now + MOST_WAIT_S]
    at = next_grant(known, rule, now=now)
    if at - now > longest_wait_s:
        return at - now, known
    most = max(window.limit for window in rule.windows)
    return at - now, [*known, at][-most:]


class MemorySpending:
    """One process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` only moves on."""
        self._clock = clock
        self._grants: dict[str, list[float]] = {}

    async def reserve(self, name: str, rule: Rule, *, longest_wait_s: float) -> float:
        """Return the seconds until this request may go out."""
        wait, self._grants[name] = spend(
            self._grants.get(name, []), rule, now=self._clock(), longest_wait_s=longest_wait_s
        )
        return wait

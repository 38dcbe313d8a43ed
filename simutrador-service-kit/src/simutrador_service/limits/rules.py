"""Rules of limits as functions of values: how many, in which time, and when the next may come.

A window slides: at every instant the last `seconds` are looked at, so there is no boundary at
which twice as many fit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from simutrador_core.errors import InputError
from simutrador_service.errors import TooManyRequestsError

UNITS: Final = {"s": 1, "min": 60, "h": 3_600, "day": 86_400}
MOST: Final = 100_000
_PART: Final = re.compile(r"\s*([1-9][0-9]{0,5})\s*/\s*([1-9][0-9]{0,3})?\s*(s|min|h|day)\s*")


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` in any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Windows that hold together, the longest first."""

    windows: tuple[Window, ...]

    @classmethod
    def of(cls, text: str) -> Rule:
        """Return the rule that a text like `5/min, 20/h` or `40/10s` says.

        Raises:
            InputError: it says none.
        """
        found = [_PART.fullmatch(part) for part in text.split(",")]
        windows = [
            Window(int(match[1]), int(match[2] or 1) * UNITS[match[3]]) for match in found if match
        ]
        if len(windows) != len(found) or any(window.limit > MOST for window in windows):
            raise InputError(
                f"{text[:100]!r} is no limit; write for instance 5/min, 20/h or 40/10s, each at "
                f"most {MOST}",
                field="limit",
            )
        return cls(tuple(sorted(windows, key=lambda window: -window.seconds)))

    @property
    def longest_s(self) -> float:
        """How long a request is remembered."""
        return self.windows[0].seconds

    def __str__(self) -> str:
        """Return a name that two rules share only when they are the same."""
        return ",".join(f"{window.limit}/{window.seconds:g}s" for window in self.windows)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a limit says of one request.

    Attributes:
        allowed: Whether it may go on; one that may not is not counted.
        limit: Requests allowed in the tightest window.
        remaining: How many more are allowed now.
        reset_s: Seconds until the oldest request of that window is forgotten.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_s: float

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until the next one is allowed; 0 where it is allowed now."""
        return 0 if self.remaining or self.allowed else max(1, ceil(self.reset_s))

    @property
    def headers(self) -> dict[str, str]:
        """The documented headers; the reset is in seconds from now, rounded up."""
        shown = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(max(0, ceil(self.reset_s))),
        }
        return shown if self.allowed else {"Retry-After": str(self.retry_after_s), **shown}

    def check(self) -> None:
        """Let an allowed request pass.

        Raises:
            TooManyRequestsError: it is not allowed.
        """
        if not self.allowed:
            raise TooManyRequestsError(limit=self.limit, retry_after_s=self.retry_after_s)


def judge(times: Sequence[float], rule: Rule, *, now: float) -> Verdict:
    """Return whether one more request is allowed at `now`.

    Args:
        times: When earlier ones were allowed, ascending, seconds on the clock of `now`; at least
            all of the longest window.
        rule: The windows.
        now: The present.
    """
    verdicts: list[Verdict] = []
    for window in rule.windows:
        first = bisect_right(times, now - window.seconds)
        count = len(times) - first
        if count >= window.limit:
            leaves = times[-window.limit] + window.seconds - now
            verdicts.append(Verdict(False, window.limit, 0, leaves))
        else:
            oldest = times[first] if count else now
            left = window.limit - count - 1
            verdicts.append(Verdict(True, window.limit, left, oldest + window.seconds - now))
    return tightest(verdicts)


def tightest(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the one to tell: the longest refusal, else the one with the fewest left."""
    refused = [verdict for verdict in verdicts if not verdict.allowed]
    if refused:
        return max(refused, key=lambda verdict: verdict.reset_s)
    return min(verdicts, key=lambda verdict: verdict.remaining)

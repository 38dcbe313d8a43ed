"""When to ask again, as pure rules: which answers, and after how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

ASK_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""Statuses after which the same question may be answered later; 52x are Cloudflare's."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long one question is asked again.

    Attributes:
        attempts: Requests at most, the first one included; redirects are not counted.
        first_wait_s: Longest wait before the second; each further one may be twice as long.
        longest_wait_s: No wait of our own choice is longer.
        patience_s: All attempts and waits together; a vendor that wants a longer wait is reported.
    """

    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    patience_s: float = 180.0

    def wait_after(self, attempt: int, *, asked_s: float | None, jitter: float) -> float:
        """Return how long to wait after a failed attempt, in seconds.

        Args:
            attempt: Which one failed, from 1.
            asked_s: What the vendor asked for; it is kept, and a little more.
            jitter: A random number in [0, 1), so that processes do not come back together.
        """
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        if asked_s is not None:
            return asked_s + min(longest, 0.1 * asked_s + 0.05) * jitter
        return longest * (0.5 + 0.5 * jitter)


def retry_after_s(header: str | None, *, now: datetime) -> float | None:
    """Return the seconds a `Retry-After` asks for, whole seconds or an HTTP date; None without.

    A date in the past asks for nothing: 0.0. What cannot be read counts as absent.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())

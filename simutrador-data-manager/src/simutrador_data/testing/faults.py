"""The ways in which a vendor fails, and a schedule that mixes them by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """One way in which a vendor fails. The docs have a line on each (docs/testing-providers.md)."""

    RATE_LIMIT = "429"
    RATE_LIMIT_WITH_WAIT = "429 with Retry-After"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    REFUSED = "connection refused"
    RESET = "reset mid-body"
    CONNECT_TIMEOUT = "timeout on connect"
    READ_TIMEOUT = "timeout on read"
    TOTAL_TIMEOUT = "timeout on total"
    TRUNCATED_JSON = "truncated JSON"
    WRONG_CONTENT_TYPE = "wrong content type"
    HTML = "HTML with status 200"
    EMPTY = "empty with status 200"
    GZIP_BOMB = "gzip bomb"
    SLOW_DRIP = "slow drip"
    REDIRECT_LOOP = "redirect loop"
    TLS_ERROR = "TLS error"
    DUPLICATE_PAGE = "duplicate page"
    MISSING_PAGE = "missing page"
    NEVER_ADVANCES = "page that never advances"
    WRONG_SYMBOL = "another symbol's bars"
    FUTURE_BARS = "future bars"

    NO_BODY = "no body with status 200"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    KEY_IN_ERROR = "error that repeats the key"
    REDIRECT_AWAY = "redirect to another host"
    HOST_SWITCH = "next page on another host"
    OVERLAP = "overlapping page"
    OUT_OF_ORDER = "out-of-order page"
    OFF_BY_ONE = "bar lost between two pages"
    UNFINISHED = "unfinished last bar"


PAGE_FAULTS: Final = frozenset(
    {
        Fault.EMPTY,
        Fault.DUPLICATE_PAGE,
        Fault.MISSING_PAGE,
        Fault.NEVER_ADVANCES,
        Fault.WRONG_SYMBOL,
        Fault.FUTURE_BARS,
        Fault.OVERLAP,
        Fault.OUT_OF_ORDER,
        Fault.OFF_BY_ONE,
        Fault.UNFINISHED,
    }
)
"""Faults of the bars alone: status, headers and JSON are in order."""

P1_FAULTS: Final = tuple(Fault)[: list(Fault).index(Fault.FUTURE_BARS) + 1]
"""Every fault that a provider and a download must survive (acceptance P1)."""

GONE_FAULTS: Final = frozenset({Fault.REFUSED, Fault.CONNECT_TIMEOUT})
"""Faults that a client meets before it has asked anything."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Faults by chance: the same seed gives the same question the same fate, in any order.

    Attributes:
        share: How many of the requests fail, 0 to 1.
        seed: Any number.
        faults: What may happen, each as likely as the others.
        in_a_row: A question that failed so often one after the other is then answered.
    """

    share: float
    seed: int
    faults: tuple[Fault, ...] = P1_FAULTS
    in_a_row: int = 3

    def draw(self, question: str, attempt: int) -> Fault | None:
        """Return what happens when a question is asked for the `attempt`-th time (0, 1, ...)."""
        fates = [self._chance(question, n) for n in range(attempt - self.in_a_row, attempt + 1)]
        return None if all(fates) else fates[-1]

    def _chance(self, question: str, attempt: int) -> Fault | None:
        if attempt < 0:
            return None
        chance = random.Random(f"{self.seed} {question} {attempt}")  # noqa: S311 - no secret
        return chance.choice(self.faults) if chance.random() < self.share else None

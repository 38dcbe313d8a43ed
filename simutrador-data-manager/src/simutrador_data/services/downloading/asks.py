"""What is asked of a provider, what an answer gave or failed to, and how patient we are."""

from __future__ import annotations

from dataclasses import dataclass

from simutrador_core.models.bars import Bars
from simutrador_data.services.data_providers.files import RejectedRow
from simutrador_data.services.validation.spans import Spans


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one range is asked for again before it counts as failed.

    Attributes:
        silences: Answers without news, the first one included.
        faults: Answers that cannot be right, one after the other.
        outages: Times that the vendor gave no answer after all retries of one request.
        first_wait_s: Wait after the first of them; each further one is twice as long.
        longest_wait_s: No wait is longer; a rate limit that asks for more is a failure.
    """

    silences: int = 3
    faults: int = 6
    outages: int = 3
    first_wait_s: float = 0.25
    longest_wait_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A range `[start, end)` to ask for, int us UTC; anchors are known bars beside a doubt."""

    start: int
    end: int
    left: int | None = None
    right: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What a page gave.

    Attributes:
        bars: Those that were still to be settled.
        covered: The ranges the page settles.
        repeated: Bars that earlier pages gave already.
        rejected: Rows that break a rule, where none did before.
        unfinished: Bars that were still forming.
        outside: Bars outside the range asked for.
    """

    bars: Bars
    covered: Spans
    repeated: int
    rejected: tuple[RejectedRow, ...]
    unfinished: int
    outside: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A range `[start, end)`, int us UTC, that the provider did not give, and why."""

    start: int
    end: int
    reason: str

"""Gaps joined for people: 1,122 absent days before a listing are one line, not 1,122."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from simutrador_core.interfaces.validation import Gap
from simutrador_core.models.enums import GapReason
from simutrador_data.services.validation.ledger import Ledger


@dataclass(frozen=True, slots=True)
class GapSpan:
    """Runs that follow each other without a stored bar between, for one reason.

    Attributes:
        gap: The first run, with the end of the last one and the sum of expected bars.
        last_session: Session of the last run.
        runs: How many runs are joined.
    """

    gap: Gap
    last_session: date
    runs: int = 1

    @property
    def days(self) -> str:
        """The sessions as shown to people: `2001-09-11 to 2001-09-14`."""
        first = self.gap.session
        return f"{first}" if first == self.last_session else f"{first} to {self.last_session}"


def joined_gaps(ledger: Ledger) -> list[GapSpan]:
    """Return the gaps of a ledger, joined where they follow each other, by start.

    Runs with the same reason and evidence are joined when one begins where the other ends, or when
    their sessions follow each other and neither has a stored bar. Closed days with the same name
    are joined when there is no session between them.
    """
    joiner = _Joiner(ledger)
    latest: dict[tuple[GapReason, str], GapSpan] = {}
    found: list[GapSpan] = []
    for gap in ledger.gaps:
        key = (gap.reason, gap.evidence)
        before = latest.get(key)
        if before is not None and joiner.follows(before, gap):
            latest[key] = _longer(before, gap)
        else:
            found += [before] if before is not None else []
            latest[key] = GapSpan(gap, gap.session)
    return sorted([*found, *latest.values()], key=lambda span: span.gap.start)


def spans_of(gaps: list[Gap]) -> Iterator[GapSpan]:
    """Yield each gap as a span of its own."""
    for gap in gaps:
        yield GapSpan(gap, gap.session)


class _Joiner:
    def __init__(self, ledger: Ledger) -> None:
        self._sessions = ledger.counts.sessions
        self._present = ledger.counts.present

    def follows(self, before: GapSpan, gap: Gap) -> bool:
        """Return whether a gap goes on where the span ended."""
        if gap.reason is GapReason.CLOSED:
            between = np.searchsorted(
                self._sessions, np.array([before.last_session, gap.session], dtype="datetime64[D]")
            )
            return bool(between[0] == between[1])
        if before.gap.end == gap.start:
            return True
        first, second = self._place(before.last_session), self._place(gap.session)
        return second == first + 1 and self._is_empty(first) and self._is_empty(second)

    def _place(self, session: date) -> int:
        return int(np.searchsorted(self._sessions, np.datetime64(session, "D")))

    def _is_empty(self, place: int) -> bool:
        return place < len(self._present) and not self._present[place]


def _longer(span: GapSpan, gap: Gap) -> GapSpan:
    joined = replace(span.gap, end=gap.end, expected=span.gap.expected + gap.expected)
    return GapSpan(joined, gap.session, span.runs + 1)

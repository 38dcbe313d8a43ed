"""The shape of a gap: a run of calendar or expected bars that are absent, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import GapReason, Timeframe


@dataclass(frozen=True, slots=True)
class Gap:
    """One run of absent bars.

    Attributes:
        symbol: Canonical symbol.
        timeframe: Timeframe of the absent bars.
        session: Session the run belongs to; a run never crosses a session.
        start: First absent bar's open, aware UTC.
        end: End of the last absent bar (exclusive), aware UTC.
        expected: How many bars the calendar expects in the run; 0 for `closed`.
        reason: Exactly one, by the precedence of `GapReason`.
        evidence: What shows it, for people: the holiday's name, who was asked and when.
    """

    symbol: str
    timeframe: Timeframe
    session: date
    start: datetime
    end: datetime
    expected: int
    reason: GapReason
    evidence: str = ""


@runtime_checkable
class DataValidator(Protocol):
    """Something that finds the gaps of a series against its exchange's calendar."""

    def gaps(self, query: BarQuery, bars: Bars) -> Sequence[Gap]:
        """Return every run of absent bars inside the query's range, in time order."""
        ...

"""Which absent bars somebody could still give, period by period. Pure rules.

A period is a run of absent bars of one session. All instants are int64 microseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simutrador_core.models.bars import I64, BoolArray
from simutrador_core.models.enums import GapReason
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.validation.reasons import Codes, code_of
from simutrador_data.services.validation.spans import Spans

FILLABLE: Final = (GapReason.VENDOR_HOLE, GapReason.NOT_FETCHED, GapReason.UNEXPLAINED)
"""Reasons that say only who has no bar, not that there can be none."""


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Periods `[starts, ends)` as columns, ascending and apart; `expected` bars in each.

    `codes` says why, as indexes of `reasons.PRECEDENCE`.
    """

    starts: I64
    ends: I64
    expected: I64
    codes: Codes

    def __len__(self) -> int:
        """Return the number of periods."""
        return len(self.starts)

    @classmethod
    def of(cls, ledger: Ledger) -> Periods:
        """Return the periods of a ledger that could be filled."""
        runs = ledger.runs
        kept = np.isin(runs.codes, [code_of(reason) for reason in FILLABLE])
        return cls(runs.starts[kept], runs.ends[kept], runs.expected[kept], runs.codes[kept])

    @property
    def spans(self) -> Spans:
        """The periods as ranges; those that touch are joined."""
        return Spans.of(self.starts, self.ends)

    def take(self, index: BoolArray | I64) -> Periods:
        """Return the periods at `index`, which must keep their order."""
        return Periods(
            self.starts[index], self.ends[index], self.expected[index], self.codes[index]
        )

    def touched(self, spans: Spans) -> BoolArray:
        """Return for each period whether one of the ranges overlaps it."""
        first = np.searchsorted(spans.ends, self.starts, side="right")
        last = np.searchsorted(spans.starts, self.ends, side="left")
        return first < last

    def touched_by(self, starts: I64, ends: I64) -> I64:
        """Return the places of the ranges given, ascending and apart, that overlap a period."""
        first = np.searchsorted(self.ends, starts, side="right")
        last = np.searchsorted(self.starts, ends, side="left")
        return np.flatnonzero(first < last)

    def count(self, opens: I64) -> I64:
        """Return how many of the bars that open then, ascending, lie in each period."""
        return np.searchsorted(opens, self.ends) - np.searchsorted(opens, self.starts)

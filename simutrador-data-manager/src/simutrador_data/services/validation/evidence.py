"""What shows the reason of an absent run, in words: who was asked and when, whose notice."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.models.bars import I64, to_us
from simutrador_core.models.enums import GapReason
from simutrador_data.services.validation.reasons import Known
from simutrador_data.services.validation.spans import settled

_WORDS: Final = {
    GapReason.CLOSED: "closed",
    GapReason.NOT_LISTED: "listed on {known.listed}",
    GapReason.DELISTED: "delisted on {known.delisted}",
    GapReason.HALTED: "halted",
    GapReason.NO_TRADE: "no trades",
    GapReason.NOT_FETCHED: "no source was asked for this range",
    GapReason.UNEXPLAINED: "bars around it are stored without a record of what was asked",
}


class Evidence:
    """Words for the runs of one series; columns of the coverage are made once."""

    def __init__(self, known: Known) -> None:
        """Keep what is known besides the bars."""
        self._known = known
        self._starts, self._ends = settled(known.coverage)
        self._notes = [
            (e.reason, to_us(e.start), to_us(e.end), e.evidence) for e in known.explanations
        ]
        self._columns: dict[GapReason, tuple[I64, I64, list[str]]] = {}

    def of(self, reason: GapReason, start: datetime, end: datetime) -> str:
        """Return what shows why `[start, end)` is absent; `closed` runs carry their own name."""
        noted = self._noted(reason, to_us(start), to_us(end))
        if noted:
            return "; ".join(dict.fromkeys(noted))
        if reason is GapReason.VENDOR_HOLE:
            return self._who_was_asked(start, end)
        return _WORDS[reason].format(known=self._known)

    def _noted(self, reason: GapReason, start: int, end: int) -> list[str]:
        if reason not in self._columns:
            held = [note for note in self._notes if note[0] is reason]
            starts, ends = ([note[at] for note in held] for at in (1, 2))
            columns = (np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))
            self._columns[reason] = (*columns, [note[3] for note in held])
        starts, ends, words = self._columns[reason]
        touching = np.flatnonzero((starts < end) & (ends > start))
        return [words[at] for at in touching.tolist()]

    def _who_was_asked(self, start: datetime, end: datetime) -> str:
        touching = (self._starts < to_us(end)) & (self._ends > to_us(start))
        latest: dict[str, datetime] = {}
        for at in touching.nonzero()[0].tolist():
            record = self._known.coverage[at]
            before = latest.get(record.provider, record.asked_at)
            latest[record.provider] = max(before, record.asked_at)
        asked = [f"{name} (asked {at:%Y-%m-%d})" for name, at in sorted(latest.items())]
        return f"absent from {', '.join(asked)}"

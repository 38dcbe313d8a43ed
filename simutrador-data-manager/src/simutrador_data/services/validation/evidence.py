"""What shows the reason of an absent run, in words: who was asked and when, whose notice."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from simutrador_core.models.bars import to_us
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

    def of(self, reason: GapReason, start: datetime, end: datetime) -> str:
        """Return what shows why `[start, end)` is absent; `closed` runs carry their own name."""
        noted = [
            e.evidence
            for e in self._known.explanations
            if e.reason is reason and e.start < end and start < e.end
        ]
        if noted:
            return "; ".join(dict.fromkeys(noted))
        if reason is GapReason.VENDOR_HOLE:
            return self._who_was_asked(start, end)
        return _WORDS[reason].format(known=self._known)

    def _who_was_asked(self, start: datetime, end: datetime) -> str:
        touching = (self._starts < to_us(end)) & (self._ends > to_us(start))
        latest: dict[str, datetime] = {}
        for at in touching.nonzero()[0].tolist():
            record = self._known.coverage[at]
            before = latest.get(record.provider, record.asked_at)
            latest[record.provider] = max(before, record.asked_at)
        asked = [f"{name} (asked {at:%Y-%m-%d})" for name, at in sorted(latest.items())]
        return f"absent from {', '.join(asked)}"

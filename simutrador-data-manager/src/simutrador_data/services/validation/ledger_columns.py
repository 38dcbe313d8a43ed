"""The columns a ledger is made of: counts per session, and runs of absent bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from simutrador_core.models.bars import D64, I64
from simutrador_data.services.validation.reasons import PRECEDENCE, Codes


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many bars one session should have and has."""

    session: date
    expected: int
    present: int


@dataclass(frozen=True, slots=True, eq=False)
class SessionCounts:
    """Counts as columns, one row a session (or week, or month) in which bars are expected.

    Attributes:
        sessions: datetime64[D] (n,), ascending.
        expected: int64 (n,), bars the calendar expects inside the range judged.
        present: int64 (n,), how many of them are stored.
        reasons: int64 (n, 8), absent bars by reason, columns in the order of `GapReason`.
    """

    sessions: D64
    expected: I64
    present: I64
    reasons: I64

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.sessions)

    def __iter__(self) -> Iterator[SessionCount]:
        """Yield one `SessionCount` a session, in order."""
        columns = zip(
            self.sessions.tolist(), self.expected.tolist(), self.present.tolist(), strict=True
        )
        for session, expected, present in columns:
            yield SessionCount(session, expected, present)

    @classmethod
    def joined(cls, parts: Sequence[SessionCounts]) -> SessionCounts:
        """Return the rows of parts given in time order; they share no session."""
        return cls(
            np.concatenate([part.sessions for part in parts]),
            np.concatenate([part.expected for part in parts]),
            np.concatenate([part.present for part in parts]),
            np.concatenate([part.reasons for part in parts]),
        )

    @classmethod
    def empty(cls) -> SessionCounts:
        """Return counts of no session."""
        none = np.empty(0, dtype=np.int64)
        days = np.empty(0, dtype="datetime64[D]")
        return cls(days, none, none, np.empty((0, len(PRECEDENCE)), dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Runs of absent bars as columns, in time order; none crosses a session or mixes reasons.

    Instants int64 us UTC; `expected` int64 bars; `codes` int8, indexes of `PRECEDENCE`.
    """

    sessions: D64
    starts: I64
    ends: I64
    expected: I64
    codes: Codes

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.starts)

    @classmethod
    def joined(cls, parts: Sequence[Runs]) -> Runs:
        """Return the runs of parts given in time order."""
        return cls(
            np.concatenate([part.sessions for part in parts]),
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
            np.concatenate([part.expected for part in parts]),
            np.concatenate([part.codes for part in parts]),
        )

    @classmethod
    def empty(cls) -> Runs:
        """Return no runs."""
        none = np.empty(0, dtype=np.int64)
        return cls(np.empty(0, dtype="datetime64[D]"), none, none, none, none.astype(np.int8))


@dataclass(frozen=True, slots=True)
class Strays:
    """Stored bars that nothing expects: outside of trading hours, or inside but off the grid."""

    outside: int = 0
    off_grid: int = 0


@dataclass(frozen=True, slots=True)
class ReasonTotal:
    """How many bars are absent for one reason, in how many runs."""

    bars: int
    runs: int

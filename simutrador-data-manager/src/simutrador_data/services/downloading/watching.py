"""How far a download has come, symbol by symbol, for whoever looks on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from simutrador_data.services.progress.waits import Wait


class Stage(StrEnum):
    """What is being done about a symbol."""

    QUEUED = "queued"
    PLANNING = "planning"
    FETCHING = "fetching"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SymbolProgress:
    """How far one symbol has come.

    Attributes:
        symbol: Which one.
        stage: What is being done.
        provider: Who is being asked, `` before anybody is.
        rows: Bars written so far.
        share: How much of the time asked for is settled, 0.0 to 1.0.
        elapsed_s: Seconds since this symbol's turn began.
        wait: What is being waited for, None while bars flow.
        note: How it ended, or ``.
    """

    symbol: str
    stage: Stage
    provider: str = ""
    rows: int = 0
    share: float = 0.0
    elapsed_s: float = 0.0
    wait: Wait | None = None
    note: str = ""

    @property
    def rows_per_s(self) -> float:
        """Bars written a second since the symbol's turn began; 0.0 before."""
        return self.rows / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left at the pace so far; None while nothing tells."""
        if self.stage is Stage.DONE:
            return 0.0
        return self.elapsed_s * (1 - self.share) / self.share if self.share > 0 else None


class Watch(Protocol):
    """Someone who looks on; called in the event loop, so it must be quick."""

    def tell(self, progress: SymbolProgress) -> None:
        """Take the latest of one symbol."""
        ...


class NobodyWatches:
    """Satisfies `Watch` and does nothing."""

    def tell(self, progress: SymbolProgress) -> None:
        """Do nothing."""

"""`Answer`: what stands once in an answer of many bars, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from simutrador_core.models.enums import Adjustment, Timeframe


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer.

    Attributes:
        symbols: The symbols asked for, canonical, in the order asked for.
        timeframe: How long each bar lasts.
        adjustment: What the prices were corrected for.
        dataset_id: Hash of the exact rows that follow.
        as_of: The version they are of: the commit to name to read them again.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe
    adjustment: Adjustment
    dataset_id: str
    as_of: int

    @property
    def has_sessions(self) -> bool:
        """Whether each bar carries the date of its session: daily bars and longer."""
        return not self.timeframe.is_intraday

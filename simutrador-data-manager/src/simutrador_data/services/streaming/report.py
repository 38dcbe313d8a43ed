"""What following a stream did, symbol by symbol. A part is never called the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class FollowStatus(StrEnum):
    """How it ended."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Written(NamedTuple):
    """Bars written of one symbol: those the stream brought, and those asked for over REST."""

    live: int
    backfilled: int


@dataclass(frozen=True, slots=True)
class FollowReport:
    """What became of a stream.

    Attributes:
        symbols: Bars written by symbol.
        connections: How often the stream was connected.
        refused: How often the vendor refused, at the door or over an open connection.
        stale: Connections given up because nothing was heard.
        cut: Connections that the vendor or the network ended.
        status: `completed` when every bar until the end asked for is settled, `partial` when some
            were not to be had, `failed` when the stream never opened, `cancelled` when stopped.
        owing: Symbols of which closed bars are still absent, in the order they were named.
        message: What there is to say beside the figures.
    """

    symbols: Mapping[str, Written]
    connections: int
    refused: int
    stale: int
    cut: int
    status: FollowStatus
    owing: tuple[str, ...] = ()
    message: str = ""

    @property
    def exit_code(self) -> int:
        """0 when nothing is owing, 1 failed, 3 partly done."""
        if self.status is FollowStatus.FAILED:
            return 1
        return 3 if self.owing else 0

    def document(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        counts = ("connections", "refused", "stale", "cut")
        return {
            "status": str(self.status),
            "message": self.message,
            **{name: getattr(self, name) for name in counts},
            "symbols": [
                {"symbol": symbol, **written._asdict(), "owing": symbol in self.owing}
                for symbol, written in self.symbols.items()
            ],
        }

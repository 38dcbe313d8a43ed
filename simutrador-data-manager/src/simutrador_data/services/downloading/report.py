"""What a download did, symbol by symbol. A partial one is never called a success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simutrador_core.interfaces.data_provider import FetchResult
from simutrador_core.models.bars import SeriesKey
from simutrador_data.services.data_providers.files import RejectedRow


class DownloadStatus(StrEnum):
    """How a download ended, of one symbol or as a whole."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FailedRange:
    """A range `[start, end)`, aware UTC, that a provider did not give, and why."""

    start: datetime
    end: datetime
    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceTally:
    """What one provider contributed.

    Attributes:
        provider: Its name.
        requests: How often it was asked; pages of one answer and retries are not counted.
        pages: Pages that came.
        fetched: Sound bars that came and were still to be settled.
        added: Bars that were new.
        restated: Bars of its own that it gave anew with other numbers.
        kept: Bars of other sources that differ and were kept.
    """

    provider: str
    requests: int = 0
    pages: int = 0
    fetched: int = 0
    added: int = 0
    restated: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """What became of one symbol.

    Attributes:
        series: Which series.
        status: `completed` only when nothing that was asked for is outstanding.
        result: Ranges requested and failed, rows fetched, written and rejected.
        sources: What each provider contributed, in the order they were asked.
        failures: What each provider did not give; another one may have.
        repeated: Bars that came more than once.
        unfinished: Bars that were still forming and were left for later.
        examples: The first rejected rows.
        commits: Ids of the commits made.
        seconds: How long it took.
        message: What there is to say beside the figures.
        quarantine: The file that lists every rejected row, where one was written.
    """

    series: SeriesKey
    status: DownloadStatus
    result: FetchResult
    sources: tuple[SourceTally, ...] = ()
    failures: tuple[FailedRange, ...] = ()
    repeated: int = 0
    unfinished: int = 0
    examples: tuple[RejectedRow, ...] = ()
    commits: tuple[int, ...] = ()
    seconds: float = 0.0
    message: str = ""
    quarantine: str | None = None

    def to_document(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        result = self.result
        return {
            "symbol": self.series.symbol,
            "timeframe": str(self.series.timeframe),
            "adjustment": str(self.series.adjustment),
            "status": str(self.status),
            "message": self.message,
            "requested": _ranges(result.requested),
            "fetched": result.fetched,
            "written": result.written,
            "rejected": result.rejected,
            "failed": _ranges(result.failed),
            "failures": [
                {
                    "start": one.start,
                    "end": one.end,
                    "provider": one.provider,
                    "reason": one.reason,
                }
                for one in self.failures
            ],
            "sources": [
                {name: getattr(one, name) for name in SourceTally.__slots__} for one in self.sources
            ],
            "repeated": self.repeated,
            "unfinished": self.unfinished,
            "examples": [
                {"line": row.line, "kind": row.kind, "reason": row.reason, "text": row.text}
                for row in self.examples
            ],
            "commits": list(self.commits),
            "seconds": round(self.seconds, 3),
            "quarantine": self.quarantine,
        }


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """What became of every symbol, in the order they were named."""

    symbols: tuple[SymbolReport, ...]

    @property
    def status(self) -> DownloadStatus:
        """`completed` only when every symbol is; `failed` only when every one is."""
        states = {one.status for one in self.symbols}
        if DownloadStatus.CANCELLED in states:
            return DownloadStatus.CANCELLED
        if len(states) == 1:
            return states.pop()
        return DownloadStatus.PARTIAL if states else DownloadStatus.COMPLETED

    @property
    def exit_code(self) -> int:
        """0 completed, 1 failed, 3 partly done or cancelled."""
        return {DownloadStatus.COMPLETED: 0, DownloadStatus.FAILED: 1}.get(self.status, 3)

    def total(self, name: str) -> int:
        """Return the sum of a count of `FetchResult` over all symbols: `fetched`, `written`, ..."""
        return sum(getattr(one.result, name) for one in self.symbols)

    def to_document(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            "status": str(self.status),
            **{name: self.total(name) for name in ("fetched", "written", "rejected")},
            "symbols": [one.to_document() for one in self.symbols],
        }


def _ranges(ranges: Sequence[tuple[datetime, datetime]]) -> list[dict[str, datetime]]:
    return [{"start": start, "end": end} for start, end in ranges]

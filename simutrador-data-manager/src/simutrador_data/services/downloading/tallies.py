"""Counts of one symbol's download while it runs, and the report they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from simutrador_core.interfaces.data_provider import FetchResult
from simutrador_core.models.bars import SeriesKey, from_us
from simutrador_data.services.data_providers.files import RejectedRow
from simutrador_data.services.downloading.asks import Failure, Taken
from simutrador_data.services.downloading.committing import Written
from simutrador_data.services.downloading.report import (
    DownloadStatus,
    FailedRange,
    SourceTally,
    SymbolReport,
)
from simutrador_data.services.validation.spans import Spans

EXAMPLES: Final = 100
"""How many rejected rows a report carries; the quarantine file has them all."""


@dataclass(slots=True)
class Contribution:
    """What one provider has given so far."""

    provider: str
    requests: int = 0
    pages: int = 0
    fetched: int = 0
    added: int = 0
    restated: int = 0
    kept: int = 0

    def count(self, taken: Taken, written: Written) -> None:
        """Count a page."""
        self.pages += 1
        self.fetched += len(taken.bars)
        self.count_written(written)

    def count_written(self, written: Written) -> None:
        """Count a commit."""
        self.added += written.added
        self.restated += written.restated
        self.kept += written.kept

    def frozen(self) -> SourceTally:
        """Return it as a record."""
        return SourceTally(
            self.provider,
            self.requests,
            self.pages,
            self.fetched,
            self.added,
            self.restated,
            self.kept,
        )


@dataclass(slots=True)
class Tally:
    """What has become of one symbol so far."""

    requested: Spans = field(default_factory=lambda: Spans.range(0, 0))
    sources: list[Contribution] = field(default_factory=list[Contribution])
    failures: list[FailedRange] = field(default_factory=list[FailedRange])
    failed: Spans = field(default_factory=lambda: Spans.range(0, 0))
    rejected: int = 0
    examples: list[RejectedRow] = field(default_factory=list[RejectedRow])
    repeated: int = 0
    unfinished: int = 0
    commits: list[int] = field(default_factory=list[int])

    @property
    def written(self) -> int:
        """Bars written, new ones and restated ones."""
        return sum(one.added + one.restated for one in self.sources)

    def count(self, taken: Taken, written: Written, *, of: Contribution) -> None:
        """Count a page and its commit."""
        of.count(taken, written)
        self.rejected += len(taken.rejected)
        self.examples += taken.rejected[: EXAMPLES - len(self.examples)]
        self.repeated += taken.repeated
        self.unfinished = taken.unfinished
        if written.commit is not None:
            self.commits.append(written.commit)

    def fail(self, failures: Sequence[Failure], *, provider: str) -> None:
        """Note what a provider did not give."""
        self.failures += [
            FailedRange(from_us(one.start), from_us(one.end), provider, one.reason)
            for one in failures
        ]

    def report(
        self,
        series: SeriesKey,
        *,
        status: DownloadStatus | None = None,
        seconds: float = 0.0,
        message: str = "",
        quarantine: str | None = None,
    ) -> SymbolReport:
        """Return the report; the status follows from what failed unless it is given."""
        result = FetchResult(
            requested=_ranges(self.requested),
            fetched=sum(one.fetched for one in self.sources),
            written=self.written,
            rejected=self.rejected,
            failed=_ranges(self.failed),
        )
        return SymbolReport(
            series=series,
            status=status or self._status(),
            result=result,
            sources=tuple(one.frozen() for one in self.sources),
            failures=tuple(self.failures),
            repeated=self.repeated,
            unfinished=self.unfinished,
            examples=tuple(self.examples),
            commits=tuple(self.commits),
            seconds=seconds,
            message=message,
            quarantine=quarantine,
        )

    def _status(self) -> DownloadStatus:
        if not len(self.failed):
            return DownloadStatus.COMPLETED
        settled = len(self.requested.without(self.failed)) > 0
        some = settled or self.written > 0
        return DownloadStatus.PARTIAL if some else DownloadStatus.FAILED


def _ranges(spans: Spans) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((from_us(start), from_us(end)) for start, end in spans.pairs())

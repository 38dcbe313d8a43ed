"""The job `fill_gaps`: fills the gaps of stored series, with progress, until it is cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.choosing_providers import chain_of
from simutrador_data.services.downloading import DownloadStatus, Stage, SymbolProgress
from simutrador_data.services.gap_filling.engine import MAX_ATTEMPTS, FillRequest, fill_gaps
from simutrador_data.services.gap_filling.opening import opened_for_gaps
from simutrador_data.services.gap_filling.report import FillReport
from simutrador_data.services.jobs.cancelling import cancel_event
from simutrador_data.services.jobs.work import OpenWork, Work
from simutrador_data.services.serving.ranges import Range, next_day
from simutrador_service.jobs import JobContext, JobKind, Partly, job

KIND: Final = "fill_gaps"
MOST_SYMBOLS: Final = 10_000

Word = Annotated[str, Field(min_length=1, max_length=300)]


class FillParams(BaseModel):
    """Parameters of the job.

    Attributes:
        symbols: Whose gaps.
        timeframe: Of the bars.
        adjustment: Of the series.
        start_date, end_date: First and last trading day; all that is stored when left out.
        provider: Whom to ask; that of the settings when left out.
        fallback: Whom to ask then; those of the settings when left out.
        max_gap_fill_attempts: Periods of absent bars asked for, per symbol.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[Word, ...] = Field(min_length=1, max_length=MOST_SYMBOLS)
    timeframe: Word = Timeframe.MINUTE_1
    adjustment: Adjustment = Adjustment.RAW
    start_date: date | None = None
    end_date: date | None = None
    provider: Word | None = None
    fallback: tuple[Word, ...] | None = None
    max_gap_fill_attempts: int = Field(default=MAX_ATTEMPTS, ge=1, le=10_000)

    @field_validator("symbols")
    @classmethod
    def _canonical(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(parse_symbol(symbol) for symbol in symbols)

    @model_validator(mode="after")
    def _is_a_request(self) -> FillParams:
        first, last = self.start_date, self.end_date
        if first is not None and last is not None and last < first:
            raise ValueError(f"end_date {last} is before start_date {first}")
        self.to_request()
        return self

    def to_request(self) -> FillRequest:
        """Return what is wanted."""
        end = None if self.end_date is None else next_day(self.end_date)
        return FillRequest(
            self.symbols,
            timeframe=parse_timeframe(self.timeframe),
            range=Range(self.start_date, end),
            adjustment=self.adjustment,
            max_attempts=self.max_gap_fill_attempts,
        )


def fill_gaps_job(work: OpenWork) -> JobKind[FillParams, Any]:
    """Return the kind of job; `work` lends each run the store."""

    @job(KIND, version=1, time_limit=timedelta(hours=12))
    async def run(params: FillParams, ctx: JobContext) -> Any:
        with work() as at:
            report = await _fill(params, at, ctx)
        document = report.to_document()
        # Also where nothing came: what was tried, and why it failed, stays in the result.
        return document if report.status is DownloadStatus.COMPLETED else Partly(document)

    return run


async def _fill(params: FillParams, at: Work, ctx: JobContext) -> FillReport:
    names = chain_of(params.provider, params.fallback, at.settings)
    async with (
        opened_for_gaps(names, at.settings, registry=at.registry) as asked,
        cancel_event(ctx) as cancel,
    ):
        return await fill_gaps(
            replace(params.to_request(), at_once=asked.at_once),
            providers=asked.providers,
            trades_from=asked.trades_from,
            store=at.store,
            registry=at.registry,
            watch=_Progress(ctx, len(params.symbols)),
            cancel=cancel,
            quarantine=at.settings.data_storage.root / "quarantine",
        )


class _Progress:
    """Satisfies `Watch`: tells the job how many symbols are done, and what is being done."""

    def __init__(self, ctx: JobContext, symbols: int) -> None:
        """Begin with nothing done."""
        self._ctx = ctx
        self._total = symbols
        self._begun: list[str] = []

    def tell(self, progress: SymbolProgress) -> None:
        """Take the latest of one symbol; each is asked for by every provider in turn."""
        if progress.stage is Stage.QUEUED:
            return
        if progress.symbol not in self._begun:
            self._begun.append(progress.symbol)
        provider = f" from {progress.provider}" if progress.provider else ""
        self._ctx.progress(
            max(0, len(self._begun) - 1), self._total, f"{progress.symbol}{provider}"
        )

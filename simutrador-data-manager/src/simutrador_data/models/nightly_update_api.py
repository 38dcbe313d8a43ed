"""The nightly update on the wire, in its documented words; what was added stands last in each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from simutrador_core.models.enums import Timeframe
from simutrador_data.models.analysis import SymbolText, ValidationResultModel
from simutrador_data.models.responses import Answer

MOST_SYMBOLS: Final = 10_000


class RunStatus(StrEnum):
    """Where a run stands; the last four are final."""

    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self not in {RunStatus.STARTING, RunStatus.RUNNING}


class SymbolStatus(StrEnum):
    """Where one symbol stands; the last four are final."""

    PENDING = "pending"
    VALIDATING = "validating"
    DOWNLOADING = "downloading"
    RESAMPLING = "resampling"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the symbol in its run."""
        return self in {
            SymbolStatus.COMPLETED,
            SymbolStatus.PARTIAL,
            SymbolStatus.FAILED,
            SymbolStatus.CANCELLED,
        }


class NightlyUpdateRequest(BaseModel):
    """Start a nightly update."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: list[SymbolText] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_SYMBOLS,
        description="Whose bars; those of the settings when left out",
        examples=[["AAPL", "MSFT"]],
    )
    force_validation: bool = Field(
        default=True, description="Judge what is stored before and after"
    )
    max_concurrent: int | None = Field(
        default=None,
        gt=0,
        le=100,
        description="Symbols worked on side by side; that of the settings when left out",
    )
    enable_resampling: bool = Field(default=True, description="Make the longer timeframes")
    start_date: date | None = Field(
        default=None, description="First session; that of the last stored bar when left out"
    )
    end_date: date | None = Field(
        default=None, description="Last session; the last one that is over when left out"
    )


class StartedUpdate(Answer):
    """A run was asked for; it survives every crash from here on."""

    request_id: str
    status: str = Field(default="started", examples=["started"])
    message: str


class ProgressInfo(Answer):
    """How far a run has come."""

    total_symbols: int
    completed_symbols: int = Field(description="Symbols that have ended, failed ones included")
    current_symbol: str | None = None
    current_step: str
    progress_percentage: float = Field(ge=0, le=100)
    estimated_time_remaining_seconds: float | None = None
    symbols_in_progress: list[str]
    failed_symbols: int = Field(default=0, description="Symbols that failed or are partial")


class SymbolProgress(Answer):
    """How far one symbol has come."""

    symbol: str
    status: SymbolStatus
    progress_percentage: float = Field(ge=0, le=100)
    current_step: str
    error_message: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class ValidationSummary(Answer):
    """What judging some sessions of a symbol found."""

    total_validations: int = 0
    valid_days: int = 0
    invalid_days: int = 0
    total_errors: int = 0
    total_warnings: int = 0


class SymbolUpdateResult(Answer):
    """What became of one symbol.

    Attributes:
        start_date, end_date: Sessions that were updated; null where there was nothing to do.
        candles_updated: Bars written, new ones and restated ones.
        error_message: Why `success` is false.
        status: `partial` where some of it came.
        validation_before: What judging the same sessions found before anything was fetched.
        resampling_errors: Why a timeframe was not made.
        attempts: How often the symbol was tried.
    """

    symbol: str
    start_date: date | None
    end_date: date | None
    success: bool
    candles_updated: int
    update_duration_seconds: float | None
    validation_results: list[ValidationResultModel]
    validation_summary: ValidationSummary
    resampling_results: dict[Timeframe, int]
    total_resampled_candles: int
    error_message: str | None = None
    warnings: list[str] = Field(default_factory=list[str])
    status: SymbolStatus
    validation_before: ValidationSummary | None = None
    resampling_errors: dict[Timeframe, str] = Field(default_factory=dict[Timeframe, str])
    attempts: int = 1


class NightlyUpdateSummary(Answer):
    """The sums of a run."""

    total_symbols: int
    successful_updates: int
    failed_updates: int = Field(description="Symbols without success, partial ones included")
    total_candles_updated: int
    total_resampled_candles: int
    update_duration_seconds: float
    earliest_start_date: date | None = None
    latest_end_date: date | None = None
    symbols_with_validation_errors: int
    total_validation_errors: int
    resampling_summary: dict[Timeframe, int]
    partial_updates: int = 0


class UpdateStatus(Answer):
    """Where a run stands."""

    request_id: str
    status: RunStatus
    started_at: datetime
    symbols_count: int
    is_complete: bool
    progress: ProgressInfo
    completed_at: datetime | None = None
    summary: NightlyUpdateSummary | None = None
    overall_success: bool | None = None
    error: str | None = Field(default=None, description="Why the run as a whole failed")
    retry_of: str | None = Field(default=None, description="The run whose rest this one does")


class UpdateProgress(Answer):
    """How far a run and each of its symbols have come."""

    request_id: str
    overall_progress: ProgressInfo
    symbol_progress: dict[str, SymbolProgress]


class NightlyUpdateResponse(Answer):
    """What a run did."""

    request_id: str
    started_at: datetime
    completed_at: datetime
    summary: NightlyUpdateSummary
    symbol_results: dict[str, SymbolUpdateResult]
    symbols_requested: list[str] | None = None
    symbols_processed: list[str]
    max_concurrent_used: int
    overall_success: bool
    global_errors: list[str]
    status: RunStatus


class StillRunning(Answer):
    """There are no details yet (status 202)."""

    detail: str = "Update is still in progress"
    request_id: str
    status: RunStatus


class ActiveUpdate(Answer):
    """One line of the list of runs that have not ended."""

    request_id: str
    status: RunStatus
    started_at: datetime
    symbols_count: int
    duration_seconds: float


class PastUpdate(Answer):
    """One line of the history."""

    request_id: str
    status: RunStatus
    started_at: datetime
    completed_at: datetime | None
    symbols_count: int
    overall_success: bool | None
    failed_symbols: list[str] = Field(description="Symbols that failed or are partial")
    candles_updated: int
    scheduled: bool = Field(description="Whether nobody asked for it")
    retry_of: str | None = None
    error: str | None = None


class UpdateHistory(Answer):
    """Runs, newest first; `next_cursor` is null on the last page."""

    runs: list[PastUpdate]
    next_cursor: str | None

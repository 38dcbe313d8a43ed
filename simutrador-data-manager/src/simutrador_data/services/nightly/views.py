"""A run as clients see it, from its job and the rows of its symbols. Pure.

A run that ended without finishing a symbol (cancelled, lost, out of time) shows that symbol as
cancelled or failed: nobody has to come back and write so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from simutrador_core.models.enums import Timeframe
from simutrador_data.models.nightly_update_api import (
    ActiveUpdate,
    NightlyUpdateResponse,
    NightlyUpdateSummary,
    PastUpdate,
    ProgressInfo,
    RunStatus,
    SymbolProgress,
    SymbolStatus,
    SymbolUpdateResult,
    UpdateProgress,
    UpdateStatus,
)
from simutrador_data.models.nightly_update_api import ValidationSummary as Judged
from simutrador_data.services.nightly.progress import DONE, to_progress
from simutrador_data.services.nightly.run import NightlyRun
from simutrador_data.services.nightly.table import SymbolRow
from simutrador_service.jobs import Job, JobState

_STATUS: Final = {
    JobState.PENDING: RunStatus.STARTING,
    JobState.RUNNING: RunStatus.RUNNING,
    JobState.COMPLETED: RunStatus.COMPLETED,
    JobState.PARTIAL: RunStatus.PARTIAL,
    JobState.FAILED: RunStatus.FAILED,
    JobState.CANCELLED: RunStatus.CANCELLED,
}
_STEPS: Final = {
    RunStatus.STARTING: "Waiting for a worker",
    RunStatus.RUNNING: "Working",
    RunStatus.COMPLETED: "Completed",
    RunStatus.PARTIAL: "Completed in part",
    RunStatus.FAILED: "Failed",
    RunStatus.CANCELLED: "Cancelled",
}
_TROUBLE: Final = frozenset({SymbolStatus.FAILED, SymbolStatus.PARTIAL})


def status_of(job: Job) -> RunStatus:
    """Return the state of a run in the documented words; one that waits again is running."""
    status = _STATUS[JobState(job.state)]
    again = status is RunStatus.STARTING and job.started_at is not None
    return RunStatus.RUNNING if again else status


def to_status(
    job: Job, rows: Sequence[SymbolRow], *, left: timedelta | None, now: datetime
) -> UpdateStatus:
    """Return where a run stands."""
    run, status = run_of(job), status_of(job)
    summary = _summary(job, rows, now) if status.is_final else None
    return UpdateStatus(
        request_id=job.id,
        status=status,
        started_at=job.started_at or job.created_at,
        symbols_count=len(rows),
        is_complete=status.is_final,
        progress=overall(job, rows, left=left),
        completed_at=job.ended_at,
        summary=summary,
        overall_success=status is RunStatus.COMPLETED if status.is_final else None,
        error=job.error,
        retry_of=run.retry_of,
    )


def to_progress_of_symbols(
    job: Job, rows: Sequence[SymbolRow], *, left: timedelta | None
) -> UpdateProgress:
    """Return how far a run and each of its symbols are."""
    return UpdateProgress(
        request_id=job.id,
        overall_progress=overall(job, rows, left=left),
        symbol_progress={row.symbol: symbol_progress(job, row) for row in rows},
    )


def to_response(job: Job, rows: Sequence[SymbolRow], *, now: datetime) -> NightlyUpdateResponse:
    """Return what a run did."""
    run, status = run_of(job), status_of(job)
    results = {row.symbol: _result(job, row) for row in rows}
    return NightlyUpdateResponse(
        request_id=job.id,
        started_at=job.started_at or job.created_at,
        completed_at=job.ended_at or now,
        summary=_summary(job, rows, now),
        symbol_results=results,
        symbols_requested=list(run.symbols),
        symbols_processed=[row.symbol for row in rows if row.attempts],
        max_concurrent_used=run.at_once,
        overall_success=status is RunStatus.COMPLETED,
        global_errors=[job.error] if job.error else [],
        status=status,
    )


def to_active(job: Job, *, now: datetime) -> ActiveUpdate:
    """Return one line of the list of runs that have not ended."""
    began = job.started_at or job.created_at
    return ActiveUpdate(
        request_id=job.id,
        status=status_of(job),
        started_at=began,
        symbols_count=len(run_of(job).symbols),
        duration_seconds=round(max(0.0, (now - began).total_seconds()), 3),
    )


def to_past(job: Job, rows: Sequence[SymbolRow]) -> PastUpdate:
    """Return one line of the history."""
    run, status = run_of(job), status_of(job)
    return PastUpdate(
        request_id=job.id,
        status=status,
        started_at=job.started_at or job.created_at,
        completed_at=job.ended_at,
        symbols_count=len(run.symbols),
        overall_success=status is RunStatus.COMPLETED if status.is_final else None,
        failed_symbols=[row.symbol for row in rows if _ended_status(job, row) in _TROUBLE],
        candles_updated=sum(row.candles for row in rows),
        scheduled=run.scheduled,
        retry_of=run.retry_of,
        error=job.error,
    )


def unfinished(job: Job, rows: Sequence[SymbolRow]) -> tuple[str, ...]:
    """Return the symbols of an ended run that were not updated whole, in their order."""
    done = {row.symbol for row in rows if row.status == SymbolStatus.COMPLETED}
    return tuple(symbol for symbol in run_of(job).symbols if symbol not in done)


def run_of(job: Job) -> NightlyRun:
    """Return the parameters of a run."""
    return NightlyRun.model_validate(job.params)


def overall(job: Job, rows: Sequence[SymbolRow], *, left: timedelta | None) -> ProgressInfo:
    """Return how far a run is as a whole."""
    symbols = [symbol_progress(job, row) for row in rows]
    return to_progress(symbols, step=_STEPS[status_of(job)], left=left)


def symbol_progress(job: Job, row: SymbolRow) -> SymbolProgress:
    """Return how far one symbol is."""
    status = _ended_status(job, row)
    final = status.is_final
    return SymbolProgress(
        symbol=row.symbol,
        status=status,
        progress_percentage=DONE if final else round(row.percent, 1),
        current_step=row.step if status == row.status else _unfinished_text(job),
        error_message=row.error or (_unfinished_text(job) if status != row.status else None),
        started_at=row.started_at,
        completed_at=row.ended_at or (job.ended_at if final else None),
    )


def _ended_status(job: Job, row: SymbolRow) -> SymbolStatus:
    status, run = SymbolStatus(row.status), status_of(job)
    if status.is_final or not run.is_final:
        return status
    return SymbolStatus.CANCELLED if run is RunStatus.CANCELLED else SymbolStatus.FAILED


def _unfinished_text(job: Job) -> str:
    why = "cancelled" if status_of(job) is RunStatus.CANCELLED else job.error or "the run ended"
    return f"not finished: {why}; retry the run for the rest"


def _result(job: Job, row: SymbolRow) -> SymbolUpdateResult:
    if row.result is not None and SymbolStatus(row.status).is_final:
        return SymbolUpdateResult.model_validate(row.result)
    status = _ended_status(job, row)
    return SymbolUpdateResult(
        symbol=row.symbol,
        start_date=row.first_session,
        end_date=row.last_session,
        success=False,
        candles_updated=row.candles,
        update_duration_seconds=None,
        validation_results=[],
        validation_summary=Judged(),
        resampling_results={},
        total_resampled_candles=0,
        error_message=row.error or _unfinished_text(job),
        status=status,
        attempts=row.attempts,
    )


def _summary(job: Job, rows: Sequence[SymbolRow], now: datetime) -> NightlyUpdateSummary:
    results = [_result(job, row) for row in rows]
    began, ended = job.started_at or job.created_at, job.ended_at or now
    starts = [one.start_date for one in results if one.start_date is not None]
    ends = [one.end_date for one in results if one.end_date is not None]
    made: dict[Timeframe, int] = {}
    for one in results:
        for timeframe, count in one.resampling_results.items():
            made[timeframe] = made.get(timeframe, 0) + count
    good = sum(one.success for one in results)
    return NightlyUpdateSummary(
        total_symbols=len(results),
        successful_updates=good,
        failed_updates=len(results) - good,
        total_candles_updated=sum(one.candles_updated for one in results),
        total_resampled_candles=sum(one.total_resampled_candles for one in results),
        update_duration_seconds=round((ended - began).total_seconds(), 3),
        earliest_start_date=min(starts, default=None),
        latest_end_date=max(ends, default=None),
        symbols_with_validation_errors=sum(
            one.validation_summary.total_errors > 0 for one in results
        ),
        total_validation_errors=sum(one.validation_summary.total_errors for one in results),
        resampling_summary=made,
        partial_updates=sum(one.status is SymbolStatus.PARTIAL for one in results),
    )

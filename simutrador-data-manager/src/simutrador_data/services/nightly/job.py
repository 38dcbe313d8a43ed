"""The job `nightly_update`: symbols side by side, those that failed once more, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Final

from simutrador_data.models.nightly_update_api import (
    SymbolStatus,
    SymbolUpdateResult,
    ValidationSummary,
)
from simutrador_data.services.choosing_providers import at_once_of, chain_of
from simutrador_data.services.downloading import Patience
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.downloading.engine import utc_now
from simutrador_data.services.jobs.cancelling import cancel_event
from simutrador_data.services.jobs.work import OpenWork, Work
from simutrador_data.services.nightly.desk import Desk
from simutrador_data.services.nightly.errors import NothingUpdatedError
from simutrador_data.services.nightly.run import KIND, NightlyRun
from simutrador_data.services.nightly.state import RunState, Standing, tried_again
from simutrador_data.services.nightly.symbol import SymbolUpdate, finished_values
from simutrador_data.services.opening_providers import opened_providers
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_service.jobs import JobContext, JobKind, Partly, job

TIME_LIMIT: Final = timedelta(hours=23)
"""A run ends before the next one is due."""

Ends = dict[str, SymbolStatus]
"""How each symbol ended."""

Counts = dict[str, int]
"""How many symbols ended in each way: the result of the job."""

_WAYS: Final = (SymbolStatus.COMPLETED, SymbolStatus.PARTIAL, SymbolStatus.FAILED)


def nightly_kind(
    work: OpenWork,
    *,
    now: Callable[[], datetime] = utc_now,
    patience: Patience | None = None,
) -> JobKind[NightlyRun, Counts]:
    """Return the kind of job that a nightly update is.

    Args:
        work: Lends each run the store, the settings and the registry.
        now: The clock, aware.
        patience: How often a range is asked for again; None takes the usual.
    """

    @job(KIND, version=1, time_limit=TIME_LIMIT)
    async def nightly_update(run: NightlyRun, ctx: JobContext) -> Counts | Partly[Counts]:
        with work() as lent:
            return await _update(run, ctx, lent, now=now, patience=patience)

    return nightly_update


async def _update(
    run: NightlyRun,
    ctx: JobContext,
    work: Work,
    *,
    now: Callable[[], datetime],
    patience: Patience | None,
) -> Counts | Partly[Counts]:
    state = RunState(ctx, run, now)
    standings, busy = await in_thread(state.open)
    async with AsyncExitStack() as opened:
        cancel = await opened.enter_async_context(cancel_event(ctx))
        chain = chain_of(None, None, work.settings)
        at_once = await asyncio.to_thread(at_once_of, chain[0], work.settings)
        providers = await opened.enter_async_context(
            opened_providers(chain, work.settings, registry=work.registry)
        )
        store = work.store
        desk = Desk(
            run=run,
            section=work.settings.nightly_update,
            store=store,
            registry=work.registry,
            providers=providers,
            state=state,
            turns=asyncio.Semaphore(at_once),
            cancel=cancel,
            now=now,
            quarantine=(
                work.settings.data_storage.root / "quarantine"
                if isinstance(store, ParquetStore)
                else None
            ),
            patience=patience,
        )
        ends = await _all(desk, standings, busy)
    return _ended(ends)


async def _all(desk: Desk, standings: Sequence[Standing], busy: Mapping[str, str]) -> Ends:
    """Update every symbol that is not done, and those that fail again after a wait."""
    ends = {one.symbol: one.status for one in standings if one.status.is_final}
    todo = [one for one in standings if one.symbol not in ends]
    for one in [one for one in todo if one.symbol in busy]:
        await _refuse(desk, one, busy[one.symbol])
        ends[one.symbol] = SymbolStatus.FAILED
    todo = [one for one in todo if one.symbol not in busy]
    while todo and not desk.cancel.is_set():
        again = await _side_by_side(desk, todo, ends)
        if again:
            await _pause(desk)
        todo = again
    return ends


async def _side_by_side(desk: Desk, todo: Sequence[Standing], ends: Ends) -> list[Standing]:
    """Update symbols, as many at once as the run allows; return those to try again."""
    waiting, again = iter(todo), list[Standing]()

    async def work() -> None:
        for standing in waiting:
            if desk.cancel.is_set():
                return
            result = await SymbolUpdate(desk, standing).run()
            await _note(desk, standing, result, ends, again)

    workers = [asyncio.create_task(work()) for _ in range(min(desk.run.at_once, len(todo)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return again


async def _note(
    desk: Desk,
    standing: Standing,
    result: SymbolUpdateResult,
    ends: Ends,
    again: list[Standing],
) -> None:
    """Write how an attempt ended."""
    symbol, values = standing.symbol, finished_values(result, desk.now())
    if result.success or result.attempts >= desk.section.retry_attempts:
        ends[symbol] = result.status
        step = {SymbolStatus.COMPLETED: "Completed", SymbolStatus.PARTIAL: "Completed in part"}
        said = step.get(result.status, "Failed")
        await in_thread(lambda: desk.state.write(symbol, result.status, said, **values))
        return
    again.append(tried_again(standing, candles=result.candles_updated, percent=0.0))
    wait = f"{desk.section.retry_delay_seconds:g} s"
    said = f"Attempt {result.attempts} failed; tried again in {wait}"
    values |= {"percent": 0.0, "ended_at": None}
    await in_thread(lambda: desk.state.write(symbol, SymbolStatus.PENDING, said, **values))


async def _refuse(desk: Desk, standing: Standing, run_id: str) -> None:
    text = f"nightly update {run_id} is at work on {standing.symbol}; retry when it has ended"
    result = SymbolUpdateResult(
        symbol=standing.symbol,
        start_date=None,
        end_date=None,
        success=False,
        candles_updated=standing.candles,
        update_duration_seconds=0.0,
        validation_results=[],
        validation_summary=ValidationSummary(),
        resampling_results={},
        total_resampled_candles=0,
        error_message=text,
        status=SymbolStatus.FAILED,
    )
    values = finished_values(result, desk.now())
    await in_thread(
        lambda: desk.state.write(standing.symbol, SymbolStatus.FAILED, "Failed", **values)
    )


async def _pause(desk: Desk) -> None:
    """Wait before symbols are tried again, or until the run is to stop."""
    try:
        async with asyncio.timeout(desk.section.retry_delay_seconds):
            await desk.cancel.wait()
    except TimeoutError:
        return


def _ended(ends: Ends) -> Counts | Partly[Counts]:
    """Return the result of the job, which says by its kind whether all went well.

    Raises:
        NothingUpdatedError: not one symbol was updated.
    """
    counts = {str(status): 0 for status in _WAYS}
    for status in ends.values():
        counts[str(status)] += 1
    if counts[SymbolStatus.COMPLETED] == len(ends):
        return counts
    if ends and counts[SymbolStatus.FAILED] == len(ends):
        symbols = "1 symbol" if len(ends) == 1 else f"{len(ends)} symbols"
        raise NothingUpdatedError(
            f"not one of {symbols} was updated; the details name the reason of each"
        )
    return Partly(counts)

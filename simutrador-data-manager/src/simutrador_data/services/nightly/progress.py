"""How far a run is, from how far its symbols are. Pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from simutrador_data.models.nightly_update_api import ProgressInfo, SymbolProgress, SymbolStatus

QUEUED: Final = "Queued for processing"
CHECKING: Final = 10.0
VALIDATING: Final = 20.0
DOWNLOADING: Final = 40.0
RESAMPLING: Final = 70.0
DONE: Final = 100.0

LEAST_FOR_ETA: Final = 5.0
"""Percent done from which on the time left can be told."""

UNITS: Final = 100
"""Units of work of one symbol, in the progress of the job."""

_TROUBLE: Final = frozenset({SymbolStatus.FAILED, SymbolStatus.PARTIAL})


def downloading_percent(share: float) -> float:
    """Return the percentage of a symbol of whose download a share from 0.0 to 1.0 is done."""
    return round(DOWNLOADING + (RESAMPLING - DOWNLOADING) * min(1.0, max(0.0, share)), 1)


def overall_percent(symbols: Sequence[SymbolProgress]) -> float:
    """Return the mean of the symbols' percentages, one decimal; 100.0 without symbols."""
    if not symbols:
        return DONE
    return round(sum(one.progress_percentage for one in symbols) / len(symbols), 1)


def units_done(symbols: Sequence[SymbolProgress]) -> int:
    """Return the units done of `UNITS` a symbol; all of them only when every symbol has ended."""
    done = sum(int(one.progress_percentage * UNITS / DONE) for one in symbols)
    over = all(one.status.is_final for one in symbols)
    return len(symbols) * UNITS if over else min(done, len(symbols) * UNITS - 1)


def to_progress(
    symbols: Sequence[SymbolProgress], *, step: str, left: timedelta | None
) -> ProgressInfo:
    """Return how far a run is.

    Args:
        symbols: Its symbols, in their order.
        step: What is being done, where no symbol is worked on.
        left: Time left at the pace so far, None where nothing tells.
    """
    active = [one for one in symbols if one.status not in _RESTING]
    percent = overall_percent(symbols)
    told = left if percent > LEAST_FOR_ETA else None
    return ProgressInfo(
        total_symbols=len(symbols),
        completed_symbols=sum(one.status.is_final for one in symbols),
        current_symbol=active[0].symbol if active else None,
        current_step=f"{active[0].symbol}: {active[0].current_step}" if active else step,
        progress_percentage=percent,
        estimated_time_remaining_seconds=None if told is None else round(told.total_seconds(), 1),
        symbols_in_progress=[one.symbol for one in active],
        failed_symbols=sum(one.status in _TROUBLE for one in symbols),
    )


_RESTING: Final = frozenset(
    {status for status in SymbolStatus if status.is_final} | {SymbolStatus.PENDING}
)

"""How far a run is."""

from __future__ import annotations

from datetime import timedelta

from simutrador_data.models.nightly_update_api import SymbolProgress, SymbolStatus
from simutrador_data.services.nightly.progress import (
    downloading_percent,
    overall_percent,
    to_progress,
    units_done,
)


def at(symbol: str, status: str, percent: float) -> SymbolProgress:
    return SymbolProgress(
        symbol=symbol,
        status=SymbolStatus(status),
        progress_percentage=percent,
        current_step=f"doing {status}",
    )


def test_the_whole_is_the_mean_of_the_symbols_with_one_decimal() -> None:
    symbols = [at("A", "completed", 100), at("B", "downloading", 40), at("C", "pending", 0)]
    told = to_progress(symbols, step="Working", left=timedelta(seconds=90))
    assert (told.progress_percentage, told.total_symbols, told.completed_symbols) == (46.7, 3, 1)
    assert (told.current_symbol, told.symbols_in_progress) == ("B", ["B"])
    assert told.current_step == "B: doing downloading"
    assert told.estimated_time_remaining_seconds == 90.0


def test_symbols_that_failed_count_as_done_and_are_named_as_failed() -> None:
    told = to_progress([at("A", "failed", 100), at("B", "partial", 100)], step="Failed", left=None)
    assert (told.completed_symbols, told.failed_symbols) == (2, 2)
    assert (told.current_symbol, told.current_step) == (None, "Failed")


def test_the_time_left_is_not_told_before_a_twentieth_is_done() -> None:
    left = timedelta(seconds=90)
    early = to_progress([at("A", "validating", 5)], step="", left=left)
    later = to_progress([at("A", "validating", 5.1)], step="", left=left)
    assert early.estimated_time_remaining_seconds is None
    assert later.estimated_time_remaining_seconds == 90.0
    over = to_progress([at("A", "completed", 100)], step="", left=timedelta(0))
    assert over.estimated_time_remaining_seconds == 0.0


def test_a_job_is_done_only_when_every_symbol_has_ended() -> None:
    assert units_done([at("A", "resampling", 100), at("B", "completed", 100)]) == 199
    assert units_done([at("A", "failed", 40), at("B", "completed", 100)]) == 200


def test_a_download_moves_a_symbol_from_40_to_70_percent() -> None:
    assert [downloading_percent(share) for share in (0.0, 0.5, 1.0, 1.5)] == [40, 55, 70, 70]
    assert overall_percent([]) == 100.0

"""The sums of a completeness report, and what it advises. Pure rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from simutrador_data.models.analysis import (
    AnalysisPeriod,
    CompletenessResponse,
    OverallStatistics,
    SymbolCompleteness,
)
from simutrador_data.services.analysis.completeness import percentage

ATTENTION: Final = 95
"""A symbol less complete than this, in percent, needs attention."""
UPDATE: Final = 98
"""Below it, all symbols together, an update is advised."""
VALID_DAYS: Final = 0.9
"""Sessions that must be whole, as a fraction, before errors are called many."""
_NAMED: Final = 10


def completeness_report(
    start: date, end: date, found: Mapping[str, SymbolCompleteness]
) -> CompletenessResponse:
    """Return the report on some symbols over the trading days `start` to `end`, both included."""
    overall = _sums(found)
    weak = [symbol for symbol, one in found.items() if _is_below(ATTENTION, one)]
    return CompletenessResponse(
        analysis_period=AnalysisPeriod(start_date=start, end_date=end),
        symbol_completeness=dict(found),
        overall_statistics=overall,
        symbols_needing_attention=weak,
        recommendations=list(_advice(found, overall, weak)),
    )


def _is_below(limit: int, one: SymbolCompleteness) -> bool:
    # Not by the rounded percentage: 94.996 is below 95.
    complete = one.total_expected_candles - one.missing_candles
    return 100 * complete < limit * one.total_expected_candles


def _sums(found: Mapping[str, SymbolCompleteness]) -> OverallStatistics:
    every = found.values()
    expected = sum(one.total_expected_candles for one in every)
    missing = sum(one.missing_candles for one in every)
    return OverallStatistics(
        total_symbols=len(found),
        total_trading_days=sum(one.total_trading_days for one in every),
        total_valid_days=sum(one.valid_days for one in every),
        overall_completeness_percentage=percentage(expected - missing, expected),
        total_expected_candles=expected,
        total_actual_candles=sum(one.total_actual_candles for one in every),
        total_missing_candles=missing,
        total_no_trade_candles=sum(one.no_trade_candles for one in every),
    )


def _advice(
    found: Mapping[str, SymbolCompleteness], overall: OverallStatistics, weak: list[str]
) -> Iterator[str]:
    nothing = [
        symbol
        for symbol, one in found.items()
        if one.total_expected_candles and one.missing_candles == one.total_expected_candles
    ]
    if nothing:
        yield f"Nothing is stored in this period of {_named(nothing)}: import or update"
    if weak:
        yield (
            f"{len(weak)} of {len(found)} symbols are less than {ATTENTION}% complete: "
            f"{_named(weak)}; fill their gaps"
        )
    expected, missing = overall.total_expected_candles, overall.total_missing_candles
    if 100 * (expected - missing) < UPDATE * expected:
        yield (
            f"Overall completeness is {overall.overall_completeness_percentage:.2f}%, less than "
            f"{UPDATE}%: run an update"
        )
    days, valid = overall.total_trading_days, overall.total_valid_days
    if valid < VALID_DAYS * days:
        yield f"High number of validation errors: {valid} of {days} sessions are whole"


def _named(symbols: list[str]) -> str:
    more = len(symbols) - _NAMED
    return ", ".join(symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")


__all__ = ["completeness_report"]

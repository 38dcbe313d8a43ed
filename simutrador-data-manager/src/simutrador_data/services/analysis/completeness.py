"""How complete one series is, session by session, from its gap ledger. Pure rules.

An expected bar is in one of three states: stored; absent with evidence that none can exist (no
trade, a halt), which is complete; or missing. Sessions before a listing and after a delisting are
none of the symbol's and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

import numpy as np

from simutrador_core.models.bars import D64, I64, from_us
from simutrador_core.models.enums import GapReason
from simutrador_data.models.analysis import SymbolCompleteness, ValidationResultModel
from simutrador_data.services.validation.ledger import Ledger
from simutrador_data.services.validation.ledger_columns import SessionCounts
from simutrador_data.services.validation.reasons import code_of

NO_TRADE: Final = [code_of(reason) for reason in (GapReason.NO_TRADE, GapReason.HALTED)]
NOT_TRADED: Final = [code_of(reason) for reason in (GapReason.NOT_LISTED, GapReason.DELISTED)]
MISSING: Final = [
    code_of(reason)
    for reason in (GapReason.VENDOR_HOLE, GapReason.NOT_FETCHED, GapReason.UNEXPLAINED)
]

Address: TypeAlias = Callable[[datetime, datetime], str]
"""Gives the address at which a vendor answers for a period `[start, end)`."""


@dataclass(frozen=True, slots=True, eq=False)
class DayCounts:
    """The sessions of a symbol as columns, int64 (n,): bars expected, stored and without a trade.

    None has nothing to expect.
    """

    sessions: D64
    expected: I64
    present: I64
    no_trade: I64

    @property
    def missing(self) -> I64:
        """How many bars of each session are neither stored nor shown to be without a trade."""
        return self.expected - self.present - self.no_trade


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Runs of missing bars as columns, int64 us UTC and bars; those that touch are one."""

    sessions: D64
    starts: I64
    ends: I64
    bars: I64

    def __len__(self) -> int:
        """Return the number of periods."""
        return len(self.starts)


def day_counts(counts: SessionCounts) -> DayCounts:
    """Return the sessions in which there can be bars of the symbol."""
    expected = counts.expected - counts.reasons[:, NOT_TRADED].sum(axis=1)
    no_trade = counts.reasons[:, NO_TRADE].sum(axis=1)
    kept = expected > 0
    return DayCounts(counts.sessions[kept], expected[kept], counts.present[kept], no_trade[kept])


def missing_periods(ledger: Ledger) -> Periods:
    """Return the runs of missing bars, whatever they are missing for; none crosses a session."""
    runs = ledger.runs
    kept = np.isin(runs.codes, MISSING)
    days, starts, ends = runs.sessions[kept], runs.starts[kept], runs.ends[kept]
    if not len(days):
        return Periods(days, starts, ends, starts)
    apart = (starts[1:] != ends[:-1]) | (days[1:] != days[:-1])
    first = np.append(0, np.flatnonzero(apart) + 1)
    last = np.append(first[1:] - 1, len(days) - 1)
    bars = np.add.reduceat(runs.expected[kept], first)
    return Periods(days[first], starts[first], ends[last], bars)


def completeness_of(
    ledger: Ledger,
    *,
    half_days: Container[date],
    details: bool = False,
    address: Address | None = None,
) -> SymbolCompleteness:
    """Return how complete a series is.

    Args:
        ledger: Of its minutes, over whole sessions.
        half_days: The sessions of its calendar that close early.
        details: Whether to list every session.
        address: Where people can look a missing period up; it holds no key.
    """
    days, periods = day_counts(ledger.counts), missing_periods(ledger)
    missing = days.missing
    shares = 100.0 * (days.expected - missing) / days.expected
    expected, absent = int(days.expected.sum()), int(missing.sum())
    half = sum(day in half_days for day in days.sessions.tolist())
    valid = int((missing == 0).sum())
    return SymbolCompleteness(
        total_trading_days=len(missing),
        valid_days=valid,
        invalid_days=len(missing) - valid,
        completeness_percentage=percentage(expected - absent, expected),
        total_expected_candles=expected,
        total_actual_candles=int(days.present.sum()),
        missing_candles=absent,
        full_days_count=len(missing) - half,
        half_days_count=half,
        days_with_gaps=len(missing) - valid,
        total_missing_periods=len(periods),
        average_daily_completeness=round(float(shares.mean()), 2) if len(shares) else 100.0,
        worst_day_completeness=round(float(shares.min(initial=100.0)), 2),
        best_day_completeness=round(float(shares.max(initial=0.0)), 2),
        validation_results=(
            list(_sessions(ledger.query.symbol, days, periods, half_days, address))
            if details
            else None
        ),
        total_gaps_found=len(periods),
        no_trade_candles=int(days.no_trade.sum()),
    )


def percentage(part: int, whole: int) -> float:
    """Return a part of a hundred rounded to two decimals; 100.0 of nothing."""
    return round(100.0 * part / whole, 2) if whole else 100.0


def _sessions(
    symbol: str,
    days: DayCounts,
    periods: Periods,
    half_days: Container[date],
    address: Address | None,
) -> Iterator[ValidationResultModel]:
    first = np.searchsorted(periods.sessions, days.sessions, side="left").tolist()
    last = np.searchsorted(periods.sessions, days.sessions, side="right").tolist()
    columns = zip(
        days.sessions.tolist(),
        days.expected.tolist(),
        days.present.tolist(),
        days.no_trade.tolist(),
        days.missing.tolist(),
        strict=True,
    )
    for at, (day, expected, present, no_trade, missing) in enumerate(columns):
        mine = slice(first[at], last[at])
        runs = list(zip(periods.starts[mine].tolist(), periods.ends[mine].tolist(), strict=True))
        yield ValidationResultModel(
            symbol=symbol,
            validation_date=day,
            is_valid=not missing,
            expected_candles=expected,
            actual_candles=present,
            missing_candles=missing,
            completeness_percentage=percentage(expected - missing, expected),
            is_half_day=day in half_days,
            missing_periods=[f"{_text(start)} to {_text(end)}" for start, end in runs],
            missing_periods_count=len(runs),
            largest_gap_minutes=int(periods.bars[mine].max(initial=0)),
            polygon_urls_for_missing_periods=[
                address(from_us(start), from_us(end)) for start, end in runs if address is not None
            ],
            errors=_errors(day, expected, missing, runs),
            warnings=[f"{no_trade} minutes had no trade"] if no_trade else [],
            no_trade_candles=no_trade,
        )


def _errors(day: date, expected: int, missing: int, runs: list[tuple[int, int]]) -> list[str]:
    if not missing:
        return []
    if missing == expected:
        return [f"No data found for {day}"]
    return [
        f"Missing {missing} candles (expected {expected}, got {expected - missing})",
        *(f"Missing data from {_text(start)} to {_text(end)}" for start, end in runs),
    ]


def _text(us: int) -> str:
    return f"{from_us(us):%Y-%m-%dT%H:%M:%SZ}"


__all__ = [
    "Address",
    "DayCounts",
    "Periods",
    "completeness_of",
    "day_counts",
    "missing_periods",
    "percentage",
]

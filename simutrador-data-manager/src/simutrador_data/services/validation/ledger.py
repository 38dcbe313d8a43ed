"""The gap ledger: what a calendar expects of a series, what is stored, and why the rest is absent.

`build_ledger` is pure and works on columns; `workflows.validate_store` feeds it from a store.
"""

from __future__ import annotations

from calendar import MONDAY
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.interfaces.validation import Gap
from simutrador_core.models.bars import BarQuery, Bars, from_us, to_us
from simutrador_core.models.enums import Alignment, GapReason, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.validation.closed import Closure, closed_days, early_tails
from simutrador_data.services.validation.comparing import (
    compare,
    count_sessions,
    find_alignment,
    find_runs,
)
from simutrador_data.services.validation.evidence import Evidence
from simutrador_data.services.validation.expected import (
    expected_bars,
    first_weekday,
    sessions_around,
    trading_time,
)
from simutrador_data.services.validation.ledger_columns import (
    ReasonTotal,
    Runs,
    SessionCount,
    SessionCounts,
    Strays,
)
from simutrador_data.services.validation.reasons import (
    PRECEDENCE,
    Explanation,
    Known,
    code_of,
    reason_codes,
)
from simutrador_data.services.validation.spans import asked_spans

EXCUSED: Final = (
    GapReason.NOT_LISTED,
    GapReason.DELISTED,
    GapReason.HALTED,
    GapReason.NO_TRADE,
)
"""Reasons for which no bar can exist: such bars are neither expected nor missing."""


@dataclass(frozen=True, eq=False)
class Ledger:
    """What is expected of one series in one range, what is stored, and why the rest is absent.

    Attributes:
        query: The series and range judged.
        alignment: Where intraday bars were taken to start.
        rows: How many bars were judged.
        counts: Expected, present and absent bars by session.
        runs: Every run of absent bars.
        closures: Holidays and tails of early closes, with their names.
        strays: Stored bars outside of trading hours or off the grid; not gaps.
        evidence: What puts the runs' reasons into words.
    """

    query: BarQuery
    alignment: Alignment
    rows: int
    counts: SessionCounts
    runs: Runs
    closures: tuple[Closure, ...]
    strays: Strays
    evidence: Evidence

    @property
    def expected(self) -> int:
        """How many bars there can be: those the calendar expects, without the excused ones."""
        return int(self.counts.expected.sum()) - self.excused

    @property
    def present(self) -> int:
        """How many of the expected bars are stored."""
        return int(self.counts.present.sum())

    @property
    def excused(self) -> int:
        """How many absent bars cannot exist: not listed, delisted, halted, without trades."""
        return sum(int(self.counts.reasons[:, code_of(reason)].sum()) for reason in EXCUSED)

    @property
    def completeness(self) -> float:
        """Present bars as a fraction of those expected, 1.0 when none is."""
        return self.present / self.expected if self.expected else 1.0

    @property
    def is_explained(self) -> bool:
        """Whether every absent bar has a reason other than `unexplained`."""
        return not bool(np.any(self.runs.codes == code_of(GapReason.UNEXPLAINED)))

    @cached_property
    def gaps(self) -> list[Gap]:
        """Every absent run and closure in time order; built at first use."""
        return sorted([*self._closed_gaps(), *self._run_gaps()], key=lambda gap: gap.start)

    def by_reason(self) -> dict[GapReason, ReasonTotal]:
        """Return bars and runs of each reason that occurs, in order of precedence."""
        bars = np.bincount(self.runs.codes, weights=self.runs.expected, minlength=len(PRECEDENCE))
        runs = np.bincount(self.runs.codes, minlength=len(PRECEDENCE))
        runs[code_of(GapReason.CLOSED)] += len(self.closures)
        return {
            reason: ReasonTotal(int(bars[code]), int(runs[code]))
            for code, reason in enumerate(PRECEDENCE)
            if runs[code]
        }

    def _closed_gaps(self) -> Iterator[Gap]:
        for closure in self.closures:
            yield Gap(
                self.query.symbol,
                self.query.timeframe,
                closure.session,
                closure.start,
                closure.end,
                0,
                GapReason.CLOSED,
                closure.name or "closed",
            )

    def _run_gaps(self) -> Iterator[Gap]:
        runs = self.runs
        for at, session in enumerate(runs.sessions.tolist()):
            reason = PRECEDENCE[int(runs.codes[at])]
            start, end = from_us(runs.starts[at]), from_us(runs.ends[at])
            yield Gap(
                self.query.symbol,
                self.query.timeframe,
                session,
                start,
                end,
                int(runs.expected[at]),
                reason,
                self.evidence.of(reason, start, end),
            )


def build_ledger(
    query: BarQuery,
    bars: Bars,
    *,
    calendar: Calendar,
    known: Known,
    alignment: Alignment | None = None,
) -> Ledger:
    """Return the ledger of one series over the query's range.

    Args:
        query: The series and the range `[start, end)` judged: bars that open inside it.
        bars: What is stored of it; bars outside the range count as strays.
        calendar: The exchange's calendar; it reaches over the range.
        known: Listing dates, coverage, halts and confirmations.
        alignment: Where intraday bars start; None finds out from the bars.

    Raises:
        InvalidBarsError: the bars are of another series.
        CalendarError: the range reaches beyond what the calendar knows.
    """
    if bars.series != query.series:
        raise InvalidBarsError(f"asked to judge {query.series}, given bars of {bars.series}")
    timeframe = query.timeframe
    schedule = sessions_around(calendar, query.start, query.end, timeframe)
    time = trading_time(schedule)
    alignment = alignment or find_alignment(bars, schedule)
    weekday = first_weekday(calendar) if timeframe is Timeframe.WEEKLY else MONDAY
    expected = expected_bars(schedule, timeframe, alignment, first_weekday=weekday)
    expected = expected.between(to_us(query.start), to_us(query.end))
    present, strays = compare(expected, bars, time, weekday)
    absent = np.flatnonzero(~present)
    missing = expected.take(absent)
    asked = asked_spans(known.coverage, time)
    codes = reason_codes(missing, timeframe=timeframe, known=known, asked=asked)
    return Ledger(
        query=query,
        alignment=alignment,
        rows=len(bars),
        counts=count_sessions(expected, present, absent, codes),
        runs=find_runs(missing, absent, codes),
        closures=_closures(query, calendar, schedule),
        strays=strays,
        evidence=Evidence(known),
    )


def _closures(query: BarQuery, calendar: Calendar, schedule: Schedule) -> tuple[Closure, ...]:
    days = closed_days(calendar, query.start, query.end)
    if not query.timeframe.is_intraday:
        return tuple(days)
    tails = early_tails(calendar, schedule, query.start, query.end)
    return tuple(sorted([*days, *tails], key=lambda closure: closure.start))


def join_ledgers(parts: Iterable[Ledger]) -> Ledger:
    """Return ledgers of touching ranges of one series, given in time order, as one.

    Raises:
        InvalidBarsError: no part is given, or the series differ.
    """
    ledgers = list(parts)
    if not ledgers or any(part.query.series != ledgers[0].query.series for part in ledgers):
        raise InvalidBarsError("only ledgers of one series can be joined, at least one")
    strays = Strays(
        outside=sum(part.strays.outside for part in ledgers),
        off_grid=sum(part.strays.off_grid for part in ledgers),
    )
    return Ledger(
        query=replace(ledgers[0].query, end=ledgers[-1].query.end),
        alignment=ledgers[0].alignment,
        rows=sum(part.rows for part in ledgers),
        counts=SessionCounts.joined([part.counts for part in ledgers]),
        runs=Runs.joined([part.runs for part in ledgers]),
        closures=tuple(closure for part in ledgers for closure in part.closures),
        strays=strays,
        evidence=ledgers[0].evidence,
    )


__all__ = [
    "Explanation",
    "Known",
    "Ledger",
    "ReasonTotal",
    "SessionCount",
    "SessionCounts",
    "Strays",
    "build_ledger",
    "join_ledgers",
]

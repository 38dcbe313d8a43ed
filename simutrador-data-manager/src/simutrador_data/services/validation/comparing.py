"""What is expected against what is stored: present, absent and stray bars, as columns."""

from __future__ import annotations

import numpy as np

from simutrador_core.models.bars import I64, Bars, BoolArray
from simutrador_core.models.enums import Alignment, GapReason, Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_data.services.validation.expected import (
    ExpectedBars,
    TradingTime,
    expected_bars,
    period_of,
)
from simutrador_data.services.validation.ledger_columns import Runs, SessionCounts, Strays
from simutrador_data.services.validation.reasons import PRECEDENCE, Codes, code_of


def find_alignment(bars: Bars, schedule: Schedule) -> Alignment:
    """Return the alignment more of the bars lie on; the session's where both fit alike.

    Sources that cut hours on the clock (09:00 holding 09:30 to 10:00) differ from the session's
    grid in intraday bars of an hour and more.
    """
    if not bars.timeframe.is_intraday or bars.timeframe is Timeframe.MINUTE_1:
        return Alignment.SESSION
    fits = {
        alignment: np.isin(
            bars.opened_at, expected_bars(schedule, bars.timeframe, alignment).opens
        ).sum()
        for alignment in Alignment
    }
    return max(fits, key=lambda a: (fits[a], a is Alignment.SESSION))


def compare(
    expected: ExpectedBars, bars: Bars, time: TradingTime, weekday: int
) -> tuple[BoolArray, Strays]:
    """Return which expected bars are stored, and the stored bars that nothing expects."""
    if bars.timeframe.is_intraday:
        wanted, stored = expected.opens, bars.opened_at
        if len(wanted) == len(stored) and np.array_equal(wanted, stored):
            return np.ones(len(wanted), dtype=np.bool_), Strays()
    else:
        sessions = np.empty(0, dtype="datetime64[D]") if bars.sessions is None else bars.sessions
        wanted = period_of(expected.sessions, bars.timeframe, first_weekday=weekday)
        stored = period_of(sessions, bars.timeframe, first_weekday=weekday)
    present = _among(wanted, stored)
    if int(present.sum()) == len(stored):
        return present, Strays()
    stray = bars.opened_at[~_among(stored, wanted)]
    trading = int((time.stretch_of(stray, stray + 1) >= 0).sum())
    repeated = len(stored) - len(stray) - int(present.sum())
    return present, Strays(outside=len(stray) - trading, off_grid=trading + repeated)


def _among(values: I64, others: I64) -> BoolArray:
    """Return whether each value occurs among `others`, which ascend."""
    if not len(others):
        return np.zeros(len(values), dtype=np.bool_)
    at = np.minimum(np.searchsorted(others, values), len(others) - 1)
    return others[at] == values


def count_sessions(
    expected: ExpectedBars, present: BoolArray, absent: I64, codes: Codes
) -> SessionCounts:
    """Return the counts of each session; `absent` indexes `expected`, `codes` are the reasons."""
    days = expected.sessions.view(np.int64)
    first = np.flatnonzero(np.append(True, days[1:] != days[:-1])) if len(days) else absent[:0]
    if not len(days):
        return SessionCounts.empty()
    total = np.diff(np.append(first, len(days)))
    stored = np.add.reduceat(present.astype(np.int64), first)
    width = len(PRECEDENCE)
    place = np.searchsorted(first, absent, side="right") - 1
    reasons = np.bincount(place * width + codes, minlength=len(first) * width)
    reasons = reasons.reshape(len(first), width).astype(np.int64)
    closed = reasons[:, code_of(GapReason.CLOSED)].copy()
    reasons[:, code_of(GapReason.CLOSED)] = 0
    return SessionCounts(expected.sessions[first], total - closed, stored, reasons)


def find_runs(missing: ExpectedBars, absent: I64, codes: Codes) -> Runs:
    """Return the runs of absent bars; `absent` are their indexes among the expected ones."""
    if not len(absent):
        return Runs.empty()
    days = missing.sessions.view(np.int64)
    broken = (np.diff(absent) != 1) | (days[1:] != days[:-1]) | (codes[1:] != codes[:-1])
    first = np.append(0, np.flatnonzero(broken) + 1)
    last = np.append(first[1:] - 1, len(absent) - 1)
    expected = np.where(codes[first] == code_of(GapReason.CLOSED), 0, last - first + 1)
    return Runs(
        missing.sessions[first], missing.opens[first], missing.ends[last], expected, codes[first]
    )

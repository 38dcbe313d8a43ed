"""When each bar closes, and the one sequence of instants that all symbols share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from simutrador_core.errors import InputError
from simutrador_core.models.bars import I64, Bars, from_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.utils.timeframe_utils import timeframe_us

DAY_US: Final = 86_400_000_000


def bar_closes(bars: Bars, schedule: Schedule | None) -> I64:
    """Return the instant each bar closes, int64 microseconds UTC, same shape as the bars.

    An intraday bar never outlives its session; a daily bar closes with its session. Without a
    schedule a bar lasts its timeframe.

    Raises:
        InputError: weekly or monthly bars, a daily bar whose session the schedule lacks, or a bar
            that opens before the one before it closed.
    """
    closes = _closes(bars, schedule)
    early = np.flatnonzero(closes[:-1] > bars.opened_at[1:])
    if len(early):
        row = int(early[0])
        raise InputError(
            f"the bar of {bars.symbol} at {from_us(int(bars.opened_at[row + 1]))} opens before the "
            f"one before it closed, {from_us(int(closes[row]))}; give the hours of its sessions"
        )
    return closes


def _closes(bars: Bars, schedule: Schedule | None) -> I64:
    if bars.timeframe in {Timeframe.WEEKLY, Timeframe.MONTHLY}:
        raise InputError(f"{bars.timeframe} bars cannot be traded; use daily or finer bars")
    closes = bars.opened_at + timeframe_us(bars.timeframe)
    if schedule is None or not len(schedule):
        return closes
    if bars.timeframe is Timeframe.DAILY:
        return _session_closes(bars, schedule)
    at = np.maximum(np.searchsorted(schedule.opens, bars.opened_at, side="right") - 1, 0)
    inside = (schedule.opens[at] <= bars.opened_at) & (bars.opened_at < schedule.closes[at])
    return np.where(inside, np.minimum(closes, schedule.closes[at]), closes)


def _session_closes(bars: Bars, schedule: Schedule) -> I64:
    sessions = bars.sessions
    assert sessions is not None, "daily bars carry their sessions"
    at = np.minimum(np.searchsorted(schedule.sessions, sessions), len(schedule) - 1)
    strange = np.flatnonzero(schedule.sessions[at] != sessions)
    if len(strange):
        raise InputError(f"{bars.symbol} has a bar on {sessions[strange[0]]}, which is no session")
    return schedule.closes[at]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The instants of a run.

    Attributes:
        instants: int64 (n,), every bar close of any symbol, ascending and unique.
        rows: By symbol, int64 (n,): the row of the bar that closes then, -1 where there is none.
        closes: By symbol, int64 (rows,): when each bar closes.
    """

    instants: I64
    rows: Mapping[str, I64]
    closes: Mapping[str, I64]

    @classmethod
    def of(cls, bars: Mapping[str, Bars], schedules: Mapping[str, Schedule]) -> Timeline:
        """Return the shared timeline of several symbols."""
        closes = {name: bar_closes(own, schedules.get(name)) for name, own in bars.items()}
        first, *others = closes.values()
        alike = all(np.array_equal(first, other) for other in others)
        instants = first if alike else np.unique(np.concatenate([first, *others]))
        rows: dict[str, I64] = {}
        for name, own in closes.items():
            row = np.full(len(instants), -1, dtype=np.int64)
            row[np.searchsorted(instants, own)] = np.arange(len(own))
            rows[name] = row
        return cls(instants, rows, closes)


def session_end(now: int, *, schedule: Schedule | None, bars: Bars, closes: I64) -> int | None:
    """Return when an order accepted at `now` as a day order expires, microseconds UTC.

    The first session close after `now`; with daily bars that of the first session that opens at
    `now` or later, as nothing can act before. Without a schedule: the end of the UTC day, or the
    close of the next daily bar. None when nothing is known to follow.
    """
    daily = bars.timeframe is Timeframe.DAILY
    if schedule is not None and len(schedule):
        opens, closes = schedule.opens, schedule.closes
    elif daily:
        opens = bars.opened_at
    else:
        return (now // DAY_US + 1) * DAY_US
    at = int(np.searchsorted(opens, now) if daily else np.searchsorted(closes, now, side="right"))
    return int(closes[at]) if at < len(closes) else None

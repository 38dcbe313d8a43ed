"""Minutes summed up against the stored daily bars. Pure.

An exchange's official daily bar holds its auctions, which minutes of the regular session need not:
the closing auction prints at or just after the close. So of shares the daily bar may say

- a close, and an open, up to 0.5 % from those of the minutes,
- a high and low as wide as those of the minutes, the open and the close of the day span together,
- as much volume as the minutes, and up to as much again on top.

What trades around the clock, and FX, has no auctions: there both sides must agree, prices within
0.01 % and volume within 1 %. In a session that lacks minutes the daily bar may be wider and larger,
never narrower or smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64, I64, Bars, BoolArray
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.comparing import Tolerance
from simutrador_data.services.workflows.resampling import resample

EXACT: Final = Tolerance()
AUCTION: Final = Tolerance(price=0.005, volume=0.5)
"""What auctions may add: to prices as a fraction, to volume as a fraction of the day's."""

WITHOUT_AUCTIONS: Final = frozenset({"24/7", "24/5"})
"""Calendars of markets that hold none."""

_RULE: Final = "{name} of the daily bar is that of its minutes within {limit:.2%}{auctions}"
_AUCTIONS: Final = ", auctions allowed for"


def find_timeframe_differences(
    daily: Bars, minutes: Bars, *, calendar: Calendar, schedule: Schedule
) -> Iterator[Finding]:
    """Yield the daily bars that differ most from what their minutes make, column by column.

    Args:
        daily: Stored daily bars.
        minutes: Stored minutes of the same symbol and sessions; those outside of trading hours
            are left out.
        calendar: By which they trade.
        schedule: The sessions that both reach over.
    """
    end = int(schedule.closes[-1]) if len(schedule) else None
    made = resample(minutes, to=Timeframe.DAILY, calendar=calendar, source_end_us=end)
    assert daily.sessions is not None
    assert made.sessions is not None
    _, here, there = np.intersect1d(
        daily.sessions, made.sessions, assume_unique=True, return_indices=True
    )
    one, other = daily.take(here), made.take(there)
    whole = _whole(other, minutes, schedule)
    has_auctions = calendar.name not in WITHOUT_AUCTIONS
    for name, apart, limit in _measures(one, other, whole, has_auctions=has_auctions):
        auctions = _AUCTIONS if has_auctions else ""
        rule = _RULE.format(name=name, limit=limit, auctions=auctions)
        for at in np.flatnonzero(apart > limit).tolist():
            cut = slice(at, at + 1)
            yield Finding(
                Check.CROSS_TIMEFRAME, rule, float(apart[at]), limit, one.take(cut), other.take(cut)
            )


def _measures(
    day: Bars, made: Bars, whole: BoolArray, *, has_auctions: bool
) -> Iterator[tuple[str, F64, float]]:
    """Yield how far each column lies from where it may, as a fraction, and the limit."""
    edges = AUCTION.price if has_auctions else EXACT.price
    for name in ("open", "close"):
        apart = np.abs(getattr(day, name) / getattr(made, name) - 1)
        yield name, np.where(whole, apart, 0.0), edges
    highest, lowest = made.high, made.low
    if has_auctions:
        highest = np.maximum(made.high, np.maximum(day.open, day.close))
        lowest = np.minimum(made.low, np.minimum(day.open, day.close))
    over, under = day.high / highest - 1, 1 - day.high / made.high
    yield "high", np.maximum(under, np.where(whole, over, 0.0)), EXACT.price
    over, under = 1 - day.low / lowest, day.low / made.low - 1
    yield "low", np.maximum(under, np.where(whole, over, 0.0)), EXACT.price
    if not (day.volume.any() and made.volume.any()):
        return
    larger = np.maximum(np.maximum(day.volume, made.volume), 1e-300)
    yield "volume", np.maximum((made.volume - day.volume) / larger, 0.0), EXACT.volume
    most = AUCTION.volume if has_auctions else EXACT.volume
    above = np.where(whole, (day.volume - made.volume) / larger, 0.0)
    yield "volume", np.maximum(above, 0.0), most


def _whole(made: Bars, minutes: Bars, schedule: Schedule) -> BoolArray:
    """Return of which sessions every minute is stored."""
    counts = _minutes_of(minutes, schedule)
    assert made.sessions is not None
    at: I64 = np.searchsorted(schedule.sessions, made.sessions)
    return (counts >= schedule.minutes())[at]


def _minutes_of(minutes: Bars, schedule: Schedule) -> I64:
    opened = minutes.opened_at
    before = np.searchsorted(opened, schedule.breaks_start) - np.searchsorted(
        opened, schedule.opens
    )
    after = np.searchsorted(opened, schedule.closes) - np.searchsorted(opened, schedule.breaks_end)
    return before + after

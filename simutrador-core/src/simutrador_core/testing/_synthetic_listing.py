"""What is invented about one symbol, and how its minutes become bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import F64, I64, Bars, BoolArray, from_us, to_us
from simutrador_core.models.enums import Adjustment, GapReason, Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us

INTRADAY: Final = frozenset(timeframe for timeframe in Timeframe if timeframe.is_intraday)
MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Hole:
    """Minutes `[start, end)` that the vendor does not give, aware, and why.

    `HALTED` and `NO_TRADE` did not trade; `VENDOR_HOLE` did, and only this vendor lacks it.
    """

    start: datetime
    end: datetime
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Split:
    """New shares for one old, from `session` on: 2 halves the raw price."""

    session: date
    ratio: int | Fraction


@dataclass(frozen=True, slots=True)
class Listing:
    """One invented symbol.

    Attributes:
        symbol: Canonical symbol.
        first_ticks: The split-adjusted price, in ticks, at the calendar's first session.
        ticks_per_unit: How many ticks make one unit of currency: 100 for cents.
        listed: First session that trades; None means the calendar's first.
        delisted: First session that no longer trades; None means never.
        holes: What the vendor does not give.
        splits: Splits, oldest first.
    """

    symbol: str
    first_ticks: int = 10_000
    ticks_per_unit: int = 100
    listed: date | None = None
    delisted: date | None = None
    holes: tuple[Hole, ...] = ()
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SessionMinutes:
    """Minutes of one session that traded, in split-adjusted ticks and units: int64 arrays (n,)."""

    session: date
    session_open: int
    session_close: int
    opened_at: I64
    open: I64
    high: I64
    low: I64
    close: I64
    volume: I64

    def take(self, index: BoolArray) -> SessionMinutes:
        """Return the minutes that `index` marks."""
        return replace(
            self,
            opened_at=self.opened_at[index],
            open=self.open[index],
            high=self.high[index],
            low=self.low[index],
            close=self.close[index],
            volume=self.volume[index],
        )


def to_actions(listing: Listing) -> list[CorporateAction]:
    """Return the corporate actions of a listing, oldest first."""
    splits = [
        CorporateAction(
            listing.symbol,
            ActionKind.SPLIT,
            split.session,
            ratio=Decimal(split.ratio.numerator) / Decimal(split.ratio.denominator),
        )
        for split in listing.splits
    ]
    if listing.delisted is None:
        return splits
    return [*splits, CorporateAction(listing.symbol, ActionKind.DELISTING, listing.delisted)]


def is_listed(listing: Listing, session: date) -> bool:
    """Return whether the symbol trades in a session."""
    begun = listing.listed is None or session >= listing.listed
    return begun and (listing.delisted is None or session < listing.delisted)


def without_idle(minutes: SessionMinutes, holes: Sequence[Hole]) -> SessionMinutes:
    """Return the minutes without those in which nothing traded."""
    idle = [hole for hole in holes if hole.reason is not GapReason.VENDOR_HOLE]
    return minutes.take(~_inside(minutes.opened_at, minutes.opened_at + MINUTE_US, idle))


def to_bars(
    minutes: SessionMinutes,
    timeframe: Timeframe,
    listing: Listing,
    adjustment: Adjustment,
    *,
    hidden: bool,
) -> Bars:
    """Return the bars of a session, anchored at its open, made of every minute that traded.

    With `hidden`, bars that lie wholly in a vendor's hole are left out.
    """
    if not len(minutes.opened_at):
        return Bars.empty(listing.symbol, timeframe, adjustment)
    step_us = minutes.session_close - minutes.session_open
    if timeframe.is_intraday:
        step_us = timeframe_us(timeframe)
    bucket = (minutes.opened_at - minutes.session_open) // step_us
    firsts = np.flatnonzero(np.diff(bucket, prepend=-1))
    lasts = np.append(firsts[1:], len(bucket)) - 1
    opened_at = minutes.session_open + bucket[firsts] * step_us
    price, volume = _scales(listing, minutes.session, adjustment)
    bars = Bars(
        listing.symbol,
        timeframe,
        adjustment,
        opened_at,
        open=price(minutes.open[firsts]),
        high=price(np.maximum.reduceat(minutes.high, firsts)),
        low=price(np.minimum.reduceat(minutes.low, firsts)),
        close=price(minutes.close[lasts]),
        volume=volume(np.add.reduceat(minutes.volume, firsts)),
        sessions=None
        if timeframe.is_intraday
        else np.full(len(firsts), np.datetime64(minutes.session, "D")),
        synthetic=np.ones(len(firsts), dtype=np.bool_),
    )
    if not hidden:
        return bars
    holes = [hole for hole in listing.holes if hole.reason is GapReason.VENDOR_HOLE]
    ends = np.minimum(opened_at + step_us, minutes.session_close)
    return bars.take(~_inside(opened_at, ends, holes))


def _scales(
    listing: Listing, session: date, adjustment: Adjustment
) -> tuple[Callable[[I64], F64], Callable[[I64], F64]]:
    """Return how split-adjusted ticks become prices, and units become volume."""
    factor = Fraction(1)
    if adjustment is Adjustment.RAW:
        for split in listing.splits:
            factor *= split.ratio if session < split.session else 1
    up, down = factor.numerator, factor.denominator

    def price(ticks: I64) -> F64:
        return np.maximum(ticks * up // down, 1) / float(listing.ticks_per_unit)

    def volume(units: I64) -> F64:
        return np.maximum(units * down // up, 1).astype(np.float64)

    return price, volume


def _inside(starts: I64, ends: I64, holes: Sequence[Hole]) -> BoolArray:
    """Return which of the ranges `[start, end)` lie wholly in a hole, bool (n,)."""
    found = np.zeros(len(starts), dtype=np.bool_)
    if not len(starts):
        return found
    first, last = from_us(starts[0]), from_us(ends[-1])
    for hole in (hole for hole in holes if hole.start < last and first < hole.end):
        found |= (starts >= to_us(hole.start)) & (ends <= to_us(hole.end))
    return found

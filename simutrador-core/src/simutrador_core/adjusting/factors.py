"""Adjustment factors: what prices and volumes before a corporate action are multiplied by.

With `R` new shares for one old, cash `A` a share and `C` the raw close of the last session before,
prices before the action are multiplied by `1/R` for a split, `(C - A)/C` for a dividend. Where both
take effect on one day the cash is paid on the new shares, so it is `(C/R - A) / C`. Volumes are
multiplied by `R`. Factors of several actions multiply; the newest bars keep their prices.

The same rule as CRSP's and Yahoo's adjusted close; docs/decisions/0021 has the alternatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import prod
from typing import NamedTuple

import numpy as np

from simutrador_core.adjusting.companies import Tenure
from simutrador_core.errors import InvalidActionError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import D64, F64, I64, PRICE_FIELDS, Bars
from simutrador_core.models.enums import Adjustment


class Step(NamedTuple):
    """What bars before `effective` are multiplied by."""

    effective: date
    price: float
    volume: float


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """The factors of one symbol over time.

    Attributes:
        edges: datetime64[D] (n,), ascending: the sessions from which on other factors hold.
        price: float64 (n + 1,): of sessions before the first edge, ..., from the last edge on.
        volume: float64 (n + 1,), likewise.
    """

    edges: D64
    price: F64
    volume: F64


def steps_of(
    actions: Iterable[CorporateAction],
    *,
    to: Adjustment,
    close_before: Callable[[date], float],
) -> list[Step]:
    """Return the steps of one company's actions, oldest first, one for each date.

    Args:
        actions: Splits and dividends in any order; others, and dividends for `SPLIT`, count for
            nothing.
        to: What is adjusted for; `RAW` gives no step.
        close_before: Gives the raw close of the last session before a date; asked for the dates of
            dividends only.

    Raises:
        InvalidActionError: a day's cash is not below that close.
    """
    splits: dict[date, Decimal] = {}
    cash: dict[date, Decimal] = {}
    for action in actions:
        if action.kind is ActionKind.SPLIT and action.ratio and to is not Adjustment.RAW:
            splits[action.effective] = splits.get(action.effective, Decimal(1)) * action.ratio
        if action.kind is ActionKind.DIVIDEND and action.amount and to is Adjustment.TOTAL:
            cash[action.effective] = cash.get(action.effective, Decimal(0)) + action.amount
    steps: list[Step] = []
    for day in sorted({*splits, *cash}):
        ratio = float(splits.get(day, 1))
        price = 1 / ratio
        if day in cash:
            price = _after_cash(day, float(cash[day]), ratio, close_before(day))
        steps.append(Step(day, price, ratio))
    return steps


def _after_cash(day: date, cash: float, ratio: float, close: float) -> float:
    left = close / ratio - cash
    if not left > 0:
        raise InvalidActionError(
            f"the cash of {cash:g} a share on {day} is not below {close / ratio:g}, the close "
            "before it; correct the dividend (simutrador-data actions import) or ask for "
            "split-adjusted prices",
            field="adjustment",
        )
    return left / close


def factors_of(tenures: Sequence[tuple[Tenure, Sequence[Step]]]) -> Factors:
    """Return the factors of a symbol from its tenures, oldest first, and their companies' steps.

    A bar is multiplied by the steps its own company takes after it, under whatever symbol.
    """
    edges: list[date] = []
    price: list[float] = []
    volume: list[float] = []
    for tenure, steps in tenures:
        inside = [s.effective for s in steps if _lies_inside(tenure, s.effective)]
        starts = [tenure.start, *inside]
        edges.extend(start for start in starts if start is not None)
        for start in starts:
            later = [s for s in steps if start is None or s.effective > start]
            price.append(prod(step.price for step in later))
            volume.append(prod(step.volume for step in later))
    return Factors(np.array(edges, dtype="datetime64[D]"), np.array(price), np.array(volume))


def _lies_inside(tenure: Tenure, day: date) -> bool:
    return tenure.holds(day) and day != tenure.start


def adjust(
    bars: Bars, factors: Factors, *, to: Adjustment, day_starts: Callable[[D64], I64]
) -> Bars:
    """Return raw bars with their prices and volumes multiplied.

    Args:
        bars: Raw bars; daily and longer ones by the session they carry.
        factors: What to multiply by.
        to: What the result is called.
        day_starts: Gives the instants at which trading days begin, microseconds UTC, for the edges;
            asked for intraday bars only.
    """
    if not len(bars):
        return replace(bars, adjustment=to)
    if bars.timeframe.is_intraday:
        at = np.searchsorted(day_starts(factors.edges), bars.opened_at, side="right")
    else:
        assert bars.sessions is not None  # checked by Bars
        at = np.searchsorted(factors.edges, bars.sessions, side="right")
    price, volume = factors.price[at], factors.volume[at]
    columns = {name: getattr(bars, name) * price for name in PRICE_FIELDS}
    return replace(bars, adjustment=to, **columns, volume=bars.volume * volume)


__all__ = ["Step", "Factors", "steps_of", "factors_of", "adjust"]

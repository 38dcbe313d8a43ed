"""Which bars of two accounts differ beyond a tolerance, as columns. Pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simutrador_core.errors import InputError, InvalidBarsError
from simutrador_core.models.bars import F64, I64, OHLCV, Bars, BoolArray, concat

_VOLUME: Final = OHLCV.index("volume")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart, as a fraction of the larger one.

    Attributes:
        price: Of open, high, low and close; 0.0001 is a cent in a hundred dollars.
        volume: Of the volume; vendors count odd lots and late trades differently.

    Raises:
        InputError: one is not within 0 and 1.
    """

    price: float = 0.0001
    volume: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what is no fraction."""
        for name in ("price", "volume"):
            value: float = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise InputError(
                    f"{name} tolerance {value:g} is not within 0 and 1; 0.01 is one percent",
                    field=f"{name}_tolerance",
                )


@dataclass(frozen=True, slots=True, eq=False)
class BarDifferences:
    """What differs between two accounts of one series.

    Attributes:
        both: How many bars stand in both.
        one: The bars that differ beyond the tolerance, as the first account has them.
        other: The same bars as the second has them.
        fields: bool (n, 5), which of open, high, low, close and volume differ, for each of them.
        only_one: Bars that only the first account has.
        only_other: Bars that only the second has.
    """

    both: int
    one: Bars
    other: Bars
    fields: BoolArray
    only_one: Bars
    only_other: Bars

    @property
    def is_empty(self) -> bool:
        """Whether both accounts say the same."""
        return not (len(self.one) or len(self.only_one) or len(self.only_other))

    def largest(self) -> dict[str, float]:
        """Return how far each column lies apart at most, as a fraction; 0.0 where none differs."""
        return {
            name: float(_apart(getattr(self.one, name), getattr(self.other, name)).max(initial=0.0))
            for name in OHLCV
        }


def differences(one: Bars, other: Bars, tolerance: Tolerance) -> BarDifferences:
    """Return which bars differ.

    Intraday bars are paired by the instant they open, daily and longer ones by their session:
    vendors label these by midnight or by the open.

    Raises:
        InvalidBarsError: the accounts are of different series.
    """
    if one.series != other.series:
        raise InvalidBarsError(f"cannot compare {one.series} with {other.series}")
    mine, theirs = _keys(one), _keys(other)
    _, here, there = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    fields = np.empty((len(here), len(OHLCV)), dtype=np.bool_)
    for column, name in enumerate(OHLCV):
        bound = tolerance.volume if column == _VOLUME else tolerance.price
        fields[:, column] = _apart(getattr(one, name)[here], getattr(other, name)[there]) > bound
    differ = fields.any(axis=1)
    return BarDifferences(
        both=len(here),
        one=one.take(here[differ]),
        other=other.take(there[differ]),
        fields=fields[differ],
        only_one=one.take(~np.isin(mine, theirs, assume_unique=True)),
        only_other=other.take(~np.isin(theirs, mine, assume_unique=True)),
    )


def joined_differences(parts: Sequence[BarDifferences]) -> BarDifferences:
    """Return differences of parts of one series, given in time order, as one.

    Raises:
        InvalidBarsError: no part is given.
    """
    return BarDifferences(
        both=sum(part.both for part in parts),
        one=concat([part.one for part in parts]),
        other=concat([part.other for part in parts]),
        fields=np.concatenate([part.fields for part in parts]),
        only_one=concat([part.only_one for part in parts]),
        only_other=concat([part.only_other for part in parts]),
    )


def _keys(bars: Bars) -> I64:
    if bars.timeframe.is_intraday or bars.sessions is None:
        return bars.opened_at
    return bars.sessions.astype(np.int64)


def _apart(one: F64, other: F64) -> F64:
    """Return how far numbers lie apart, as a fraction of the larger one; 0.0 for equal ones."""
    larger = np.maximum(np.abs(one), np.abs(other))
    gap = np.abs(one - other)
    # A tolerance of one cent in a hundred dollars must hold for 100.00 and 100.01 too, whose
    # difference has no exact float64.
    return np.where(gap > 0, np.round(gap / np.where(larger > 0, larger, 1.0), 12), 0.0)

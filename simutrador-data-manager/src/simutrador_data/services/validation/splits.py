"""Splits that adjusted prices give away: where the factor between adjusted and raw prices jumps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import F64, Bars

EXACTNESS: Final = 0.002
DIVIDEND: Final = 0.015
"""How far a jump may lie above its ratio: a dividend can go ex on the day of a split."""

_NOISE_LIMIT: Final = 0.03
_MOVE: Final = 0.15


def _ratios() -> tuple[Fraction, ...]:
    whole = [Fraction(n) for n in (*range(2, 31), *range(35, 105, 5))]
    broken = [Fraction(*pair) for pair in ((3, 2), (5, 2), (7, 2), (4, 3), (5, 3), (5, 4), (6, 5))]
    up = {*whole, *broken}
    return tuple(sorted(up | {1 / ratio for ratio in up}))


RATIOS: Final = _ratios()
"""New shares for one old in the splits that are recognised: 2:1, 3:2, 7:1, 1:10, ...

None is below 6:5. Smaller jumps are taken for dividends: special ones reach 11 % (Microsoft,
November 2004).
"""

_LOG_RATIOS: Final = np.log([float(ratio) for ratio in RATIOS])


def find_splits(raw: Bars, adjusted: Bars) -> list[CorporateAction]:
    """Return the splits between two bars of one symbol that its adjusted prices show, oldest first.

    A split is a jump of the factor raw / adjusted near a simple ratio that the raw price answers
    in kind. Ordinary dividends jump too little; a special dividend of a fifth of the price and more
    that hits a simple ratio would be taken for a split.

    Args:
        raw: Bars as traded, daily or shorter.
        adjusted: The same symbol and timeframe, adjusted for splits or for splits and dividends;
            its prices may be rounded (to cents, say). Bars at other instants are ignored.

    Raises:
        InvalidBarsError: the bars are of different symbols or timeframes.
    """
    if (raw.symbol, raw.timeframe) != (adjusted.symbol, adjusted.timeframe):
        raise InvalidBarsError(f"cannot compare {raw.series} with {adjusted.series}")
    _, mine, theirs = np.intersect1d(
        raw.opened_at, adjusted.opened_at, assume_unique=True, return_indices=True
    )
    both = raw.take(mine)
    days = both.opened_at.view("datetime64[us]") if both.sessions is None else both.sessions
    dates: list[date] = days.astype("datetime64[D]").tolist()
    found = _ratio_of_jump(both, adjusted.close[theirs])
    return [
        CorporateAction(
            raw.symbol,
            ActionKind.SPLIT,
            effective=dates[at],
            ratio=Decimal(RATIOS[k].numerator) / Decimal(RATIOS[k].denominator),
        )
        for at, k in found
    ]


def _ratio_of_jump(raw: Bars, adjusted: F64) -> list[tuple[int, int]]:
    """Return the bars that a split precedes, each with the index of its ratio."""
    if len(raw) < 2:
        return []
    factor = raw.close / adjusted
    jump = np.log(factor[:-1] / factor[1:])
    noise = np.minimum(_noise(adjusted), _NOISE_LIMIT)
    near = np.abs(jump[:, None] - _LOG_RATIOS - DIVIDEND / 2).argmin(axis=1)
    above = jump - _LOG_RATIOS[near]
    fits = (above > -EXACTNESS - noise) & (above < EXACTNESS + DIVIDEND + noise)
    move = np.log(raw.open[1:] / raw.close[:-1])
    answered = np.abs(move + jump) < np.maximum(_MOVE, np.abs(jump) / 2)
    at = np.flatnonzero(fits & answered)
    return list(zip((at + 1).tolist(), near[at].tolist(), strict=True))


def _noise(adjusted: F64) -> F64:
    """Return how far rounding of the adjusted prices can move each jump."""
    for decimals in range(7):
        if np.allclose(adjusted, np.round(adjusted, decimals), rtol=1e-12, atol=0):
            half = 0.5 * 10.0**-decimals
            return half / adjusted[:-1] + half / adjusted[1:]
    return np.zeros(len(adjusted) - 1)

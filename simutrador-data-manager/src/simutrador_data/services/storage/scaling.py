"""Scaled integers: a column of decimals as whole numbers of its smallest step, exactly.

A vendor's prices are decimals of few places, so 185.5 and 185.51 are 18550 and 18551 hundredths.
The integers are small, change little from bar to bar and pack into a few bits. A column is scaled
only when dividing each integer by the power of ten gives back each float64 to the bit; the test is
that division, not a multiplication: 18551 x 0.01 is another number than 18551 / 100.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simutrador_core.models.bars import F64

Integers: TypeAlias = NDArray[np.signedinteger]

MOST_PLACES: Final = 12
SMALL: Final = 10**9
"""Integers below this have at most nine digits."""
_EXACT: Final = float(2**53)  # up to here each integer is a float64 of its own
_SAMPLE: Final = 64


class Scaled(NamedTuple):
    """Integers, the number of decimal places they are shifted by, and the largest magnitude.

    They are int32 where that is below `SMALL`, else int64.
    """

    integers: Integers
    places: int
    largest: int


def scale(column: F64, *, least_places: int = 0) -> Scaled | None:
    """Return a column as integers, or None when that would change a value.

    Args:
        column: Shape (n,), float64, finite, without -0.0.
        least_places: Fewest decimal places to try.

    Returns:
        The integers with the fewest places that are exact, at most `MOST_PLACES`.
    """
    sample = column[:: max(1, len(column) // _SAMPLE)]
    for places in range(least_places, MOST_PLACES + 1):
        if _exactly(sample, places) is not None:
            scaled = _exactly(column, places)
            if scaled is not None:
                return scaled
    return None


def unscale(integers: Integers, places: int) -> F64:
    """Return the float64 values of scaled integers."""
    return np.divide(integers, 10.0**places)


def _exactly(column: F64, places: int) -> Scaled | None:
    power = 10.0**places
    with np.errstate(over="ignore"):
        shifted = column * power
    np.rint(shifted, out=shifted)
    largest = float(max(shifted.max(), -shifted.min())) if len(shifted) else 0.0
    if largest > _EXACT:
        return None
    integers = shifted.astype(np.int32 if largest < SMALL else np.int64)
    np.divide(shifted, power, out=shifted)
    return Scaled(integers, places, int(largest)) if bool((shifted == column).all()) else None


__all__ = ["Scaled", "scale", "unscale", "MOST_PLACES", "SMALL"]

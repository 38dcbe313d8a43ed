"""Columns of numpy values: their types, and the small rules `Bars` is built from."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simutrador_core.errors import InvalidBarsError

I64: TypeAlias = NDArray[np.int64]
F64: TypeAlias = NDArray[np.float64]
D64: TypeAlias = NDArray[np.datetime64]
BoolArray: TypeAlias = NDArray[np.bool_]

PRICE_FIELDS: Final = ("open", "high", "low", "close")
OHLCV: Final = (*PRICE_FIELDS, "volume")

_KINDS: Final = {"i": "iu", "f": "fiu", "M": "M", "b": "b"}


def read_only(values: object, dtype: str, *, rows: int | None, label: str) -> NDArray[np.generic]:
    """Return values as a contiguous read-only array, uncopied where they already are one.

    Args:
        values: An array or a sequence of numbers.
        dtype: The type wanted; integers pass for floats, nothing else is converted across kinds.
        rows: The length wanted, or None for any.
        label: What an error calls the column: `open of AAPL`.

    Raises:
        InvalidBarsError: the shape or the kind is another.
    """
    given = np.asarray(values)
    wanted = np.dtype(dtype)
    expected = given.size if rows is None else rows
    if given.shape != (expected,):
        raise InvalidBarsError(f"column {label} has shape {given.shape}, expected ({expected},)")
    # datetime64[ns] read as int64 would be a thousand times too late, so nothing is guessed.
    if expected and given.dtype.kind not in _KINDS[wanted.kind]:
        raise InvalidBarsError(f"column {label} is {given.dtype}, expected {wanted}")
    column = np.ascontiguousarray(given, dtype=wanted).view()
    column.flags.writeable = False
    return column


def increases(column: NDArray[Any]) -> bool:
    """Return whether each value is above the one before; NaT is above nothing."""
    return len(column) < 2 or bool(np.all(column[1:] > column[:-1]))


def same(left: F64 | D64 | None, right: F64 | D64 | None) -> bool:
    """Return whether two columns are equal, NaN and NaT equal to themselves, or both absent."""
    if left is None or right is None:
        return left is right
    return bool(np.array_equal(left, right, equal_nan=True))

"""The edges of rows that stand off by the ratio of a split. Pure, on logarithms of prices."""

from __future__ import annotations

from typing import Final

import numpy as np

from simutrador_core.models.bars import F64

NEARLY: Final = 0.3
"""How far from the split's a jump may lie, as a part of it, where a second sign agrees."""

EXACTLY: Final = 0.05
"""How far where nothing else agrees."""

LARGE: Final = float(np.log(4))
"""Prices can fall or rise by less than fourfold in a session for other reasons."""

_VOLUMES: Final = 5


def find_run(
    jumps: F64, log: float, window: range, *, longest: int
) -> tuple[int, int, bool] | None:
    """Return `[first, last)` of rows between a jump of a split's size and the one back.

    Args:
        jumps: How far each close lies above the one before, as a logarithm; the first is 0.
        log: Logarithm of new shares for one old.
        window: Where the run may begin.
        longest: How many rows it may have.

    Returns:
        The rows, and whether the split was left out there (else it is in there twice); None where
        there are none.
    """
    for first in window:
        for sign in (1, -1):
            step = sign * log
            if abs(jumps[first] - step) > NEARLY * abs(log):
                continue
            back = np.abs(jumps[first + 1 : first + 1 + longest] + step) <= NEARLY * abs(log)
            if back.any():
                return first, first + 1 + int(back.argmax()), sign > 0
    return None


def find_prefix(jumps: F64, volume: F64, log: float, window: range) -> tuple[int, bool] | None:
    """Return the row before which all stand off by a split, and whether it was left out there.

    One jump alone may be the market's. It counts when it is the split's to 5 % and closes a gap
    that a split left out makes, or when it is at least fourfold and volume jumps the other way.
    """
    for at in window:
        for sign in (1, -1):
            apart = abs(jumps[at] + sign * log)
            is_exact = sign > 0 and apart <= EXACTLY
            if is_exact or (
                abs(log) >= LARGE
                and apart <= NEARLY * abs(log)
                and _volume_answers(volume, at, jumps[at])
            ):
                return at, sign > 0
    return None


def _volume_answers(volume: F64, at: int, jump: float) -> bool:
    """Return whether the median volume after a place moved against the price, half as far."""
    before, after = volume[max(0, at - _VOLUMES) : at], volume[at : at + _VOLUMES]
    left, right = float(np.median(before)), float(np.median(after))
    if left <= 0 or right <= 0:
        return False
    return float(np.log(right / left)) * -np.sign(jump) >= abs(jump) / 2


__all__ = ["find_run", "find_prefix"]

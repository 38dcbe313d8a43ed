"""Number texts to float64, correctly rounded; NaN where a text is no number."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from simutrador_core.models.bars import F64
from simutrador_data.services.data_providers.files._arrow import Strings, pa, pc, real_numbers

_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$|^[+-]?(nan|inf|infinity|NaN|Inf)$"
_THOUSANDS: Final = r"^([+-]?\d{1,3})((?:,\d{3})+)(\.\d+)?$"
_DRESSING: Final = r"[\s$€£_]"


def parse_numbers(texts: Strings, *, decimal_comma: bool = False) -> F64:
    """Return the numbers of texts, float64 (n,), each the nearest double of its decimal text.

    Blanks, currency signs and thousands separators around digits are taken off; `-`, `N/A` and an
    empty text give NaN.
    """
    if decimal_comma:
        texts = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
    try:
        return _cast(texts)
    except pa.ArrowInvalid:
        return _parse_mixed(texts)


def _parse_mixed(texts: Strings) -> F64:
    bare = pc.replace_substring_regex(texts, _DRESSING, "")
    grouped = pc.match_substring_regex(bare, _THOUSANDS)
    bare = pc.if_else(grouped, pc.replace_substring(bare, ",", ""), bare)
    is_number = pc.match_substring_regex(bare, _NUMBER)
    kept = pc.if_else(is_number, bare, pa.scalar(None, pa.string()))
    try:
        return _cast(kept)
    except pa.ArrowInvalid:  # an exponent beyond float64
        return np.array([_one(text) for text in kept.to_pylist()], dtype=np.float64)


def _cast(texts: Strings) -> F64:
    return real_numbers(pc.cast(texts, pa.float64()))


def _one(text: str | None) -> float:
    return math.nan if text is None else float(text)


def mid(bid: F64, ask: F64) -> F64:
    """Return the exact middle of two decimal columns: of 1.38700 and 1.38791 it is 1.387455.

    Sums of floats would add noise in the 17th digit; whole units of the last decimal do not.
    """
    scale = decimal_scale(bid, ask)
    if math.isnan(scale):
        return (bid + ask) / 2
    return (np.rint(bid * scale) + np.rint(ask * scale)) / (2 * scale)


def decimal_scale(*columns: F64) -> float:
    """Return the least power of ten that makes all finite values whole; NaN beyond 8 decimals."""
    values = np.concatenate(columns)
    values = values[np.isfinite(values)]
    for power in range(9):
        scale = 10.0**power
        units = np.rint(values * scale)
        if bool(np.all(np.abs(units) < 2.0**52)) and bool(np.all(units / scale == values)):
            return scale
    return math.nan

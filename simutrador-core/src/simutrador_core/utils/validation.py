"""Rules for what comes from outside: symbols, and the rows of bars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from simutrador_core.errors import InvalidSymbolError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.uint8]

MAX_SYMBOL_LENGTH: Final = 40
MAX_MAGNITUDE: Final = 1e15
"""Largest price or volume accepted; above it float64 no longer holds 15 digits and a decimal."""
MIN_PRICE: Final = 1e-15
"""Smallest price accepted."""

_ALLOWED: Final = re.compile(r"[A-Z0-9./^=_:&+$@-]")
_FIRST: Final = re.compile(r"[A-Z0-9^$@]")
_LAST: Final = re.compile(r"[A-Z0-9]")


def parse_symbol(text: str) -> str:
    """Return the canonical symbol: upper case, otherwise as given (`brk.b` gives `BRK.B`).

    Letters, digits and `. - / ^ = _ : & + $ @`, at most 40; it begins with a letter, a digit or one
    of `^ $ @`, ends with a letter or digit, and no two of `.` `/` follow each other.

    Raises:
        InvalidSymbolError: a rule is broken; the text names the rule.
    """
    if not text.isascii():  # checked before upper(): no look-alike or composed letter gets in
        raise _refused(text, "only ASCII letters, digits and . - / ^ = _ : & + $ @ are allowed")
    symbol = text.upper()
    if not symbol:
        raise _refused(text, "it is empty")
    if len(symbol) > MAX_SYMBOL_LENGTH:
        raise _refused(
            text, f"its {len(symbol)} characters are above the limit of {MAX_SYMBOL_LENGTH}"
        )
    wrong = next((letter for letter in symbol if not _ALLOWED.match(letter)), None)
    if wrong is not None:
        raise _refused(text, f"the character {wrong!r} is not allowed; leave it out")
    if not _FIRST.match(symbol):
        raise _refused(text, "it must begin with a letter, a digit, ^, $ or @")
    if not _LAST.match(symbol[-1]):
        raise _refused(text, "it must end with a letter or a digit")
    if re.search(r"[./]{2}", symbol):
        raise _refused(text, "two of . and / follow each other")
    return symbol


def _refused(text: str, rule: str) -> InvalidSymbolError:
    shown = text if len(text) <= MAX_SYMBOL_LENGTH else f"{text[:MAX_SYMBOL_LENGTH]}..."
    return InvalidSymbolError(f"{shown!r} is not a symbol: {rule}", field="symbol")


class RowFault(IntEnum):
    """What is wrong with a row of bars; the first that applies, in this order. 0 is a sound row."""

    NONE = 0
    NOT_A_NUMBER = 1
    INFINITE = 2
    NOT_POSITIVE = 3
    NEGATIVE_VOLUME = 4
    TOO_LARGE = 5
    TOO_SMALL = 6
    HIGH_BELOW_LOW = 7
    OPEN_OUTSIDE = 8
    CLOSE_OUTSIDE = 9


REASONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        RowFault.NONE: "",
        RowFault.NOT_A_NUMBER: "a price or the volume is missing or not a number",
        RowFault.INFINITE: "a price or the volume is infinite",
        RowFault.NOT_POSITIVE: "a price is zero or negative",
        RowFault.NEGATIVE_VOLUME: "the volume is negative",
        RowFault.TOO_LARGE: "a price or the volume is above the limit of 1e15",
        RowFault.TOO_SMALL: "a price is below the limit of 1e-15",
        RowFault.HIGH_BELOW_LOW: "the high is below the low",
        RowFault.OPEN_OUTSIDE: "the open is outside low to high",
        RowFault.CLOSE_OUTSIDE: "the close is outside low to high",
    }
)
"""What each code of `check_bars` means, for people."""


def check_bars(open_: Column, high: Column, low: Column, close: Column, volume: Column) -> Codes:
    """Return what is wrong with each row of bars; rows are judged one by one, in any order.

    Args:
        open_: First price of each bar, shape (n,), float64, quote currency; likewise the others.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Units traded, shape (n,), float64; 0.0 where the source has none.

    Returns:
        Shape (n,), uint8: 0 for a sound row, else a `RowFault`; `REASONS` has the text.
    """
    import numpy as np

    # Each comparison with NaN is False, and low <= open <= high puts the low below the high.
    sound = (low >= MIN_PRICE) & (high <= MAX_MAGNITUDE)
    sound &= (open_ >= low) & (open_ <= high) & (close >= low) & (close <= high)
    sound &= (volume >= 0.0) & (volume <= MAX_MAGNITUDE)
    codes = np.zeros(len(sound), dtype=np.uint8)
    if not sound.all():
        bad = ~sound
        codes[bad] = _faults(np.stack([open_, high, low, close, volume])[:, bad])
    return codes


def _faults(rows: Column) -> Codes:
    import numpy as np

    opens, high, low, close, volume = rows
    prices = rows[:4]
    rules = {
        RowFault.NOT_A_NUMBER: np.isnan(rows).any(axis=0),
        RowFault.INFINITE: np.isinf(rows).any(axis=0),
        RowFault.NOT_POSITIVE: (prices <= 0.0).any(axis=0),
        RowFault.NEGATIVE_VOLUME: volume < 0.0,
        RowFault.TOO_LARGE: (rows > MAX_MAGNITUDE).any(axis=0),
        RowFault.TOO_SMALL: (prices < MIN_PRICE).any(axis=0),
        RowFault.HIGH_BELOW_LOW: high < low,
        RowFault.OPEN_OUTSIDE: (opens < low) | (opens > high),
        RowFault.CLOSE_OUTSIDE: (close < low) | (close > high),
    }
    return np.select(list(rules.values()), [np.uint8(fault) for fault in rules], np.uint8(0))

"""Factor files and map files of Lean as corporate actions. Pure.

Format: QuantConnect Lean, Data/equity/usa/factor_files and map_files (readme.md of both), read
2026-11-21. A row holds up to and including its date. A factor file has `date, price factor, split
factor, reference close`; the price factor of dividends is (close - cash)/close, with seven digits,
so cash is taken to a hundredth of a cent. A map file has `date, ticker[, exchange]`: the ticker
used until that date; its first row is the listing. 20501231 stands for "until now".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Final

from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.utils.validation import parse_symbol

UNTIL_NOW: Final = date(2050, 12, 31)
_HUNDREDTH_OF_A_CENT: Final = Decimal("0.0001")
_SEVEN_DIGITS: Final = Fraction(1, 10_000)
"""How far the quotient of two split factors may lie from the ratio meant."""

NextSession = Callable[[date], date]


def factor_actions(
    rows: Sequence[Sequence[str]], *, symbol_on: Callable[[date], str], next_session: NextSession
) -> list[CorporateAction]:
    """Return the splits and dividends of a factor file, oldest first.

    Args:
        rows: The fields of its lines, oldest first.
        symbol_on: Gives the company's symbol in a session.
        next_session: Gives the session after a date.

    Raises:
        InputError: a field is no date or number, or the factors cannot be.
    """
    found: list[CorporateAction] = []
    for row, later in pairwise(rows):
        price, splits, close = (_number(row, at) for at in (1, 2, 3))
        effective = next_session(parse_day(row))
        symbol = symbol_on(effective)
        ratio = _ratio(_number(later, 2), splits, row)
        if ratio != 1:
            found.append(CorporateAction(symbol, ActionKind.SPLIT, effective, ratio=ratio))
        share = 1 - price / _number(later, 1)
        cash = (share * close / ratio).quantize(_HUNDREDTH_OF_A_CENT)
        if cash < 0:
            raise InputError(f"the price factor falls after {row[0]}: cash cannot be below 0")
        if cash:
            found.append(CorporateAction(symbol, ActionKind.DIVIDEND, effective, amount=cash))
    return found


def map_actions(
    rows: Sequence[Sequence[str]], *, next_session: NextSession
) -> list[CorporateAction]:
    """Return the renames and the delisting of a map file, oldest first.

    Raises:
        InputError: a field is no date or symbol.
    """
    names = [(parse_day(row), parse_symbol(_field(row, 1))) for row in rows]
    found = [
        CorporateAction(old, ActionKind.RENAME, next_session(last), successor=new)
        for (last, old), (_, new) in pairwise(names)
        if old != new
    ]
    last, symbol = names[-1]
    if last < UNTIL_NOW:
        found.append(CorporateAction(symbol, ActionKind.DELISTING, next_session(last)))
    return found


def parse_day(row: Sequence[str]) -> date:
    """Return the date a line begins with.

    Raises:
        InputError: it is none.
    """
    try:
        return date.fromisoformat(row[0])
    except ValueError as e:
        raise InputError(f"{row[0]!r} is not a date; Lean writes 20140609") from e


def _ratio(later: Decimal, earlier: Decimal, row: Sequence[str]) -> Decimal:
    if earlier <= 0 or later <= 0:
        raise InputError(f"the split factor after {row[0]} is not above 0")
    exact = Fraction(later) / Fraction(earlier)
    simple = exact.limit_denominator(100)
    if simple and abs(simple - exact) <= _SEVEN_DIGITS * exact:
        exact = simple
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _number(row: Sequence[str], at: int) -> Decimal:
    text = _field(row, at)
    try:
        return Decimal(text)
    except InvalidOperation as e:
        raise InputError(f"{text!r} in the line of {row[0]} is not a number") from e


def _field(row: Sequence[str], at: int) -> str:
    if at >= len(row):
        raise InputError(f"the line of {row[0]} has {len(row)} fields, too few")
    return row[at].strip()


__all__ = ["UNTIL_NOW", "NextSession", "factor_actions", "map_actions", "parse_day"]

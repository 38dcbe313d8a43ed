"""From option texts to sets of words, with errors that list what is accepted."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar

from simutrador_core.errors import InputError
from simutrador_core.models.enums import Adjustment, Alignment, GapReason

W = TypeVar("W", bound=StrEnum)


def parse_word(name: str, text: str, kind: type[W]) -> W:
    """Return the member of a set of words that a text names, in any letter case.

    Raises:
        InputError: it names none; the error lists those there are.
    """
    try:
        return kind(text.lower())
    except ValueError as e:
        known = ", ".join(kind)
        raise InputError(f"{name} {text!r} is unknown; use {known}", field=name) from e


def optional_word(name: str, text: str | None, kind: type[W]) -> W | None:
    """Return the member a text names, or None for no text.

    Raises:
        InputError: it names none.
    """
    return None if text is None else parse_word(name, text, kind)


def parse_adjustment(text: str | None) -> Adjustment:
    """Return the adjustment a text names; raw when there is none.

    Raises:
        InputError: it names none.
    """
    return Adjustment.RAW if text is None else parse_word("adjustment", text, Adjustment)


def parse_day(name: str, text: str | None) -> date | None:
    """Return the date a text names, or None for no text.

    Raises:
        InputError: it names none.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as e:
        raise InputError(f"{name} {text!r} is not a date; write 2014-06-09", field=name) from e


def parse_alignment(text: str) -> Alignment:
    """Return the alignment a text names.

    Raises:
        InputError: it names none.
    """
    return parse_word("alignment", text, Alignment)


def parse_reason(text: str) -> GapReason:
    """Return the reason a text names.

    Raises:
        InputError: it names none.
    """
    return parse_word("reason", text, GapReason)

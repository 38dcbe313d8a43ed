"""Text forms: exact decimals, instants with `Z`, canonical plain numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite

from simutrador_core.errors import InputError


def to_decimal(number: float) -> Decimal:
    """Return the shortest decimal that reads back as this float: `1.08127`, never `1.0812699...`.

    Raises:
        InputError: the number is NaN or infinite.
    """
    plain = float(number)  # a numpy scalar has a repr of its own
    if not isfinite(plain):
        raise InputError(f"{plain} is not a finite number")
    return Decimal(repr(plain))


def format_decimal(number: Decimal, *, places: int = 2) -> str:
    """Return plain text with at least `places` decimals and never fewer than needed.

    No exponent, no negative zero: `185.50`, `1.08127`, `0.00001234`, `97123.45678901`. With
    `places=0` it is the canonical form of the event log: `100`, `0.5`.

    Raises:
        InputError: the number is NaN or infinite.
    """
    if not number.is_finite():
        raise InputError(f"{number} is not a finite number")
    text = "0" if number.is_zero() else f"{number:f}"  # zero may carry a sign and an exponent
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def format_instant(instant: datetime) -> str:
    """Return ISO 8601 in UTC with `Z`; a naive instant is taken as UTC.

    Raises:
        InputError: in UTC the instant falls outside the years 1 to 9999.
    """
    return to_utc(instant).isoformat().replace("+00:00", "Z")


def to_utc(instant: datetime) -> datetime:
    """Return an aware UTC instant; a naive one is taken as UTC, as the wire always did.

    Raises:
        InputError: in UTC the instant falls outside the years 1 to 9999.
    """
    if instant.utcoffset() is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as e:
        raise InputError(f"{instant.isoformat()} is outside the years 1 to 9999 in UTC") from e

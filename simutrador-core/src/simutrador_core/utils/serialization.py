"""Text forms: exact decimals, instants with `Z`, canonical plain numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from simutrador_core.errors import InputError


def to_decimal(number: float) -> Decimal:
    """Return the shortest decimal that reads back as this float: `1.08127`, never `1.0812699…`."""
    return Decimal(repr(float(number)))


def format_decimal(number: Decimal, *, places: int = 2) -> str:
    """Return plain text with at least `places` decimals and never fewer than needed.

    No exponent: `185.50`, `1.08127`, `0.00001234`, `97123.45678901`.

    Raises:
        InputError: the number is NaN or infinite.
    """
    if not number.is_finite():
        raise InputError(f"{number} is not a finite number")
    text = f"{number:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def format_instant(instant: datetime) -> str:
    """Return ISO 8601 in UTC with `Z`; a naive instant is taken as UTC."""
    aware = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def to_utc(instant: datetime) -> datetime:
    """Return an aware UTC instant; a naive one is taken as UTC, as the wire always did."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

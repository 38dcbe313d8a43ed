"""The numbers of corporate actions, checked: a vendor's NaN must not become a price's factor."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from simutrador_data.services.data_providers.http.errors import BadAnswerError


def split_ratio(
    new: Decimal, old: Decimal, *, symbol: str, effective: date, provider: str
) -> Decimal:
    """Return how many new shares there are for one old.

    Raises:
        BadAnswerError: one of the numbers is not above zero.
    """
    if not (new.is_finite() and old.is_finite() and new > 0 and old > 0):
        text = f"says that {symbol} was split {new} for {old} on {effective}"
        raise BadAnswerError(text, provider=provider)
    return new / old


def cash_amount(amount: Decimal, *, symbol: str, effective: date, provider: str) -> Decimal:
    """Return the cash of a dividend for one share.

    Raises:
        BadAnswerError: it is negative or no number.
    """
    if not (amount.is_finite() and amount >= 0):
        text = f"says that {symbol} paid {amount} on {effective}"
        raise BadAnswerError(text, provider=provider)
    return amount

"""What Tiingo's answers look like, and what they say in our words. Pure.

Source: the pages named in `tiingo`, read 2026-11-21, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import D64, F64
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.data_providers.daily import opens_of
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.data_providers.instants import utc_instants
from simutrador_data.services.data_providers.paging import Rows

NAME: Final = "tiingo"


class IntradayBar(msgspec.Struct, gc=False):
    """One bar of an equity or a coin; `date` is RFC 3339."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


class DailyBar(IntradayBar, gc=False):
    """One daily bar of an equity, raw and adjusted, with the day's corporate actions."""

    adjOpen: float = 0.0  # noqa: N815 - the vendor's words
    adjHigh: float = 0.0  # noqa: N815
    adjLow: float = 0.0  # noqa: N815
    adjClose: float = 0.0  # noqa: N815
    adjVolume: float = 0.0  # noqa: N815
    divCash: Decimal = Decimal(0)  # noqa: N815
    splitFactor: Decimal = Decimal(1)  # noqa: N815


class Coin(msgspec.Struct):
    """The bars of one pair."""

    ticker: str
    prices: list[IntradayBar] = msgspec.field(name="priceData")


class Known(msgspec.Struct):
    """A ticker that is known."""

    ticker: str


def to_rows(bars: Sequence[IntradayBar]) -> Rows:
    """Return intraday bars as columns."""
    opened_at = utc_instants([bar.date for bar in bars], provider=NAME)
    return Rows(opened_at, *_columns(bars, ("open", "high", "low", "close", "volume")))


def to_daily_rows(bars: Sequence[IntradayBar], calendar: Calendar, *, adjusted: bool) -> Rows:
    """Return daily bars as columns, raw or adjusted for splits and dividends.

    Raises:
        BadAnswerError: a date is none.
    """
    words = ("open", "high", "low", "close", "volume")
    if adjusted:
        words = tuple(f"adj{word.capitalize()}" for word in words)
    try:
        days: D64 = np.array([bar.date[:10] for bar in bars], dtype="datetime64[D]")
    except ValueError as e:
        raise BadAnswerError(f"sent what is no date: {e}", provider=NAME) from e
    return Rows(opens_of(days, calendar), *_columns(bars, words), sessions=days)


def to_actions(symbol: str, bars: Sequence[DailyBar]) -> list[CorporateAction]:
    """Return the splits and dividends that daily bars carry, oldest first."""
    found: list[CorporateAction] = []
    for bar in bars:
        if bar.splitFactor == 1 and not bar.divCash:
            continue
        day = date.fromisoformat(bar.date[:10])
        if bar.splitFactor != 1:
            found.append(CorporateAction(symbol, ActionKind.SPLIT, day, ratio=bar.splitFactor))
        if bar.divCash:
            found.append(CorporateAction(symbol, ActionKind.DIVIDEND, day, amount=bar.divCash))
    return found


def _columns(bars: Sequence[IntradayBar], names: tuple[str, ...]) -> tuple[F64, F64, F64, F64, F64]:
    open_, high, low, close, volume = (
        np.fromiter(map(attrgetter(name), bars), dtype=np.float64, count=len(bars))
        for name in names
    )
    return open_, high, low, close, volume

"""What Financial Modeling Prep's answers look like, and what they say in our words. Pure.

Source: recorded answers, as `fmp` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from simutrador_core.models.bars import D64, F64
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.data_providers.daily import opens_of
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.data_providers.instants import local_instants
from simutrador_data.services.data_providers.paging import Rows

NAME: Final = "fmp"


class IntradayBar(msgspec.Struct, gc=False):
    """One bar; `date` is a local time without an offset."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class DailyBar(IntradayBar, gc=False):
    """One daily bar; `date` is the session's."""

    symbol: str


class Profile(msgspec.Struct):
    """A company that is known."""

    symbol: str


class Dividend(msgspec.Struct):
    """Cash for each share held before `date`; `adjDividend` beside it is for later shares."""

    date: date
    dividend: Decimal
    declaration_date: str | None = msgspec.field(default=None, name="declarationDate")


class Split(msgspec.Struct):
    """`numerator` new shares for `denominator` old ones."""

    date: date
    numerator: Decimal
    denominator: Decimal


def to_rows(bars: Sequence[IntradayBar], zone: ZoneInfo) -> Rows:
    """Return intraday bars, which come newest first, as columns."""
    bars = bars[::-1]
    opened_at = local_instants([bar.date for bar in bars], zone, provider=NAME)
    return Rows(opened_at, *_prices(bars))


def to_daily_rows(bars: Sequence[DailyBar], symbol: str, calendar: Calendar) -> Rows:
    """Return daily bars as columns.

    Raises:
        BadAnswerError: one is of another symbol, or its date is none.
    """
    strange = next((bar.symbol for bar in bars if bar.symbol != symbol), None)
    if strange is not None:
        text = f"asked for {symbol}, it sent a bar of {strange[:40]!r}"
        raise BadAnswerError(text, provider=NAME)
    bars = bars[::-1]
    try:
        days: D64 = np.array([bar.date for bar in bars], dtype="datetime64[D]")
    except ValueError as e:
        raise BadAnswerError(f"sent what is no date: {e}", provider=NAME) from e
    return Rows(opens_of(days, calendar), *_prices(bars), sessions=days)


def _prices(bars: Sequence[IntradayBar]) -> tuple[F64, F64, F64, F64, F64]:
    """Return open, high, low, close and volume."""

    def column(name: str) -> F64:
        return np.fromiter(map(attrgetter(name), bars), dtype=np.float64, count=len(bars))

    return column("open"), column("high"), column("low"), column("close"), column("volume")

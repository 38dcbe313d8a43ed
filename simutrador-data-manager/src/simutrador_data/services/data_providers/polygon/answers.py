"""What Polygon's answers look like, and what they say in our words. Pure.

Source: the pages named in `provider` and `reference`, read 2026-11-21, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from simutrador_core.errors import (
    AuthenticationError,
    DataProviderError,
    InvalidSymbolError,
    RateLimitError,
)
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction, Trades
from simutrador_core.models.bars import F64
from simutrador_core.models.enums import AssetType
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.data_providers.http.client import DEFAULT_WAIT
from simutrador_data.services.data_providers.http.errors import NotOfferedError
from simutrador_data.services.data_providers.listing import Listing
from simutrador_data.services.data_providers.paging import MICROS_A_MILLI, Rows, to_instants
from simutrador_data.services.data_providers.terms import cash_amount, split_ratio

NAME: Final = "polygon"
NANOS_A_MICRO: Final = 1_000
_MOST_TEXT: Final = 200


class Aggregate(msgspec.Struct, gc=False):
    """One bar; `t` milliseconds UTC."""

    t: int
    o: float
    h: float
    l: float  # noqa: E741 - the vendor's word
    c: float
    v: float = 0.0


class Answer(msgspec.Struct):
    """What every answer says beside its results."""

    status: str = "OK"
    next_url: str | None = None
    error: str | None = None
    message: str | None = None


class AggregatesPage(Answer):
    """A page of bars."""

    ticker: str | None = None
    adjusted: bool | None = None
    results: list[Aggregate] | None = None


class Trade(msgspec.Struct, gc=False):
    """One trade; instants are nanoseconds UTC. Crypto has no `sip_timestamp`."""

    price: float
    size: float
    participant_timestamp: int
    sip_timestamp: int | None = None


class TradesPage(Answer):
    """A page of trades."""

    results: list[Trade] | None = None


class Split(msgspec.Struct):
    """`split_to` new shares for `split_from` old ones."""

    ticker: str
    execution_date: date
    split_from: Decimal
    split_to: Decimal


class SplitsPage(Answer):
    """A page of splits."""

    results: list[Split] | None = None


class Dividend(msgspec.Struct):
    """Cash for each share held before `ex_dividend_date`."""

    ticker: str
    ex_dividend_date: date
    cash_amount: Decimal
    declaration_date: date | None = None


class DividendsPage(Answer):
    """A page of dividends."""

    results: list[Dividend] | None = None


class Listed(msgspec.Struct):
    """One ticker of the list; a pair has its halves in the currency symbols."""

    ticker: str
    name: str = ""
    primary_exchange: str = ""
    currency_name: str = ""
    currency_symbol: str = ""
    base_currency_symbol: str = ""
    delisted_utc: str | None = None


class TickerChange(msgspec.Struct):
    """A name."""

    ticker: str


class TickerEvent(msgspec.Struct):
    """From that day on the company had this ticker."""

    day: date = msgspec.field(name="date")
    ticker_change: TickerChange | None = None


class TickerEvents(msgspec.Struct):
    """What happened to the names of a company."""

    events: list[TickerEvent] = []


class EventsAnswer(Answer):
    """The names of a company."""

    results: TickerEvents | None = None


class TickersPage(Answer):
    """A page of tickers."""

    results: list[Listed] | None = None


def to_rows(results: list[Aggregate]) -> Rows:
    """Return bars as columns."""
    return Rows(
        to_instants(
            map(attrgetter("t"), results), count=len(results), micros=MICROS_A_MILLI, provider=NAME
        ),
        _floats(results, "o"),
        _floats(results, "h"),
        _floats(results, "l"),
        _floats(results, "c"),
        _floats(results, "v"),
    )


def to_trades(symbol: str, results: list[Trade]) -> Trades:
    """Return trades as columns, in the order the consolidated tape (or the exchange) gave them."""
    micros = (
        (trade.sip_timestamp or trade.participant_timestamp) // NANOS_A_MICRO for trade in results
    )
    at = to_instants(micros, count=len(results), micros=1, provider=NAME)
    return Trades(symbol, at, _floats(results, "price"), _floats(results, "size"))


def to_split(symbol: str, split: Split) -> CorporateAction:
    """Return a split as ours.

    Raises:
        BadAnswerError: it has no ratio.
    """
    day = split.execution_date
    ratio = split_ratio(
        split.split_to, split.split_from, symbol=symbol, effective=day, provider=NAME
    )
    return CorporateAction(symbol, ActionKind.SPLIT, day, ratio=ratio)


def to_dividend(symbol: str, dividend: Dividend) -> CorporateAction:
    """Return a dividend as ours.

    Raises:
        BadAnswerError: it has no amount.
    """
    day = dividend.ex_dividend_date
    return CorporateAction(
        symbol,
        ActionKind.DIVIDEND,
        day,
        amount=cash_amount(dividend.cash_amount, symbol=symbol, effective=day, provider=NAME),
        known_on=dividend.declaration_date,
    )


def to_renames(events: Sequence[TickerEvent]) -> list[CorporateAction]:
    """Return each change of name, oldest first, under the old symbol."""
    named = sorted(
        (event.day, event.ticker_change.ticker) for event in events if event.ticker_change
    )
    return [
        CorporateAction(old, ActionKind.RENAME, day, successor=new)
        for (_, old), (day, new) in pairwise(named)
        if old != new
    ]


def to_listing(listed: Listed, kind: AssetType) -> Listing | None:
    """Return a ticker as ours; None where it cannot be a symbol of ours."""
    symbol, currency = listed.ticker, listed.currency_name.upper()
    if listed.base_currency_symbol:
        between = "-" if kind is AssetType.CRYPTO else "/"
        symbol = f"{listed.base_currency_symbol}{between}{listed.currency_symbol}"
        currency = listed.currency_symbol
    try:
        symbol = parse_symbol(symbol)
    except InvalidSymbolError:
        return None
    gone = listed.delisted_utc
    return Listing(
        symbol,
        kind,
        currency,
        vendor_symbol=listed.ticker,
        name=listed.name,
        exchange=listed.primary_exchange,
        delisted=None if not gone else date.fromisoformat(gone[:10]),
    )


def check_status(answer: Answer) -> None:
    """Let an answer pass that is no error: some come with status 200.

    Raises:
        NotOfferedError: the plan does not include this.
        AuthenticationError: the key is wrong.
        RateLimitError: asked too often.
        DataProviderError: anything else.
    """
    if answer.status in {"OK", "DELAYED"}:
        return
    check_plan(answer)
    text = answer.error or answer.message or answer.status
    said = text.lower()
    if "api key" in said:
        raise AuthenticationError(text[:_MOST_TEXT], provider=NAME)
    if "maximum requests" in said or "rate limit" in said:
        raise RateLimitError(provider=NAME, retry_after=DEFAULT_WAIT)
    raise DataProviderError(f"{answer.status[:40]}: {text[:_MOST_TEXT]}", provider=NAME)


def check_plan(answer: Answer, *, said: str = "") -> None:
    """Let an answer pass unless the plan does not include what was asked, such as older bars.

    The key is right then: other ranges may be had with it.

    Args:
        answer: What came.
        said: What an error begins with.

    Raises:
        NotOfferedError: it does not.
    """
    if answer.status == "NOT_AUTHORIZED":
        text = answer.message or answer.error or "the plan does not include this"
        raise NotOfferedError(f"{said}{text[:_MOST_TEXT]}", provider=NAME)


def _floats(items: Sequence[object], name: str) -> F64:
    return np.fromiter(map(attrgetter(name), items), dtype=np.float64, count=len(items))

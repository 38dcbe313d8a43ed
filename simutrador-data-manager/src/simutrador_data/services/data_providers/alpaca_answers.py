"""What Alpaca's answers look like, and what they say in our words. Pure.

Source: the pages named in `alpaca`, read 2026-11-21, and recorded answers.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction, Trades
from simutrador_core.models.bars import F64
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.data_providers.instants import utc_instants
from simutrador_data.services.data_providers.paging import Rows

NAME: Final = "alpaca"


class Bar(msgspec.Struct, gc=False):
    """One bar; `t` is RFC 3339."""

    t: str
    o: float
    h: float
    l: float  # noqa: E741 - the vendor's word
    c: float
    v: float


class Trade(msgspec.Struct, gc=False):
    """One trade: instant, price, size."""

    t: str
    p: float
    s: float


class Answer(msgspec.Struct):
    """What every answer says beside its content."""

    next_page_token: str | None = None


class BarsPage(Answer):
    """A page of bars by symbol; null where there is none."""

    bars: dict[str, list[Bar]] | None = None


class TradesPage(Answer):
    """A page of trades by symbol."""

    trades: dict[str, list[Trade]] | None = None


class LatestTrades(msgspec.Struct):
    """The last trade of each symbol that is known."""

    trades: dict[str, Trade] = {}


class Split(msgspec.Struct):
    """`new_rate` shares for `old_rate` old ones."""

    symbol: str
    ex_date: date
    new_rate: Decimal
    old_rate: Decimal


class CashDividend(msgspec.Struct):
    """Cash for each share held before `ex_date`."""

    symbol: str
    ex_date: date
    rate: Decimal


class NameChange(msgspec.Struct):
    """A symbol that became another."""

    old_symbol: str
    new_symbol: str
    process_date: date


class Actions(msgspec.Struct):
    """Corporate actions by kind; other kinds are passed over."""

    forward_splits: list[Split] = []
    reverse_splits: list[Split] = []
    cash_dividends: list[CashDividend] = []
    name_changes: list[NameChange] = []


class ActionsPage(Answer):
    """A page of corporate actions."""

    corporate_actions: Actions = msgspec.field(default_factory=Actions)


def bars_of(symbol: str, answer: BarsPage) -> list[Bar]:
    """Return the bars of a symbol.

    Raises:
        BadAnswerError: there are none, but those of another.
    """
    found = answer.bars or {}
    if found and symbol not in found:
        text = f"asked for {symbol}, it sent bars of {', '.join(found)[:40]}"
        raise BadAnswerError(text, provider=NAME)
    return found.get(symbol, [])


def to_rows(bars: list[Bar]) -> Rows:
    """Return bars as columns."""
    return Rows(
        utc_instants([bar.t for bar in bars], provider=NAME),
        _floats(bars, "o"),
        _floats(bars, "h"),
        _floats(bars, "l"),
        _floats(bars, "c"),
        _floats(bars, "v"),
    )


def to_trades(symbol: str, trades: list[Trade]) -> Trades:
    """Return trades as columns."""
    at = utc_instants([trade.t for trade in trades], provider=NAME)
    return Trades(symbol, at, _floats(trades, "p"), _floats(trades, "s"))


def to_actions(symbol: str, asked: str, found: Actions) -> list[CorporateAction]:
    """Return splits, dividends and new names of `symbol`, which the vendor spells `asked`."""
    splits = [
        CorporateAction(
            symbol, ActionKind.SPLIT, split.ex_date, ratio=split.new_rate / split.old_rate
        )
        for split in (*found.forward_splits, *found.reverse_splits)
        if split.symbol == asked
    ]
    dividends = [
        CorporateAction(symbol, ActionKind.DIVIDEND, dividend.ex_date, amount=dividend.rate)
        for dividend in found.cash_dividends
        if dividend.symbol == asked
    ]
    renames = [
        CorporateAction(symbol, ActionKind.RENAME, change.process_date, successor=change.new_symbol)
        for change in found.name_changes
        if change.old_symbol == asked
    ]
    return [*splits, *dividends, *renames]


def _floats(records: list[Bar] | list[Trade], name: str) -> F64:
    return np.fromiter(map(attrgetter(name), records), dtype=np.float64, count=len(records))

"""What Yahoo's charts look like, and what they say in our words. Pure.

Source: the pages named in `yahoo`, read 2026-11-21, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import prod
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import F64, I64
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.daily import local_dates
from simutrador_data.services.data_providers.http.errors import BadAnswerError
from simutrador_data.services.data_providers.paging import Rows, to_instants
from simutrador_data.services.data_providers.terms import cash_amount, split_ratio

NAME: Final = "yahoo"
_HUNDREDTHS: Final[Mapping[str, str]] = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
_SECOND_US: Final = 1_000_000
_HALF_HOUR_US: Final = 1_800_000_000

Numbers = list[float | None]


class Meta(msgspec.Struct, rename="camel"):
    """What a chart says about itself."""

    symbol: str
    currency: str | None = None
    exchange_timezone_name: str = "UTC"
    data_granularity: str = ""


class Quote(msgspec.Struct):
    """Columns, one value a timestamp; null where nothing was traded. Absent without bars."""

    open: Numbers = []
    high: Numbers = []
    low: Numbers = []
    close: Numbers = []
    volume: Numbers = []


class Indicators(msgspec.Struct):
    """One set of columns."""

    quote: list[Quote] = []


class DividendEvent(msgspec.Struct):
    """Cash a share, divided by every later split; `date` is the open of the ex-date."""

    date: int
    amount: Decimal


class SplitEvent(msgspec.Struct):
    """`numerator` new shares for `denominator` old ones."""

    date: int
    numerator: Decimal
    denominator: Decimal


class Events(msgspec.Struct):
    """Corporate actions by timestamp."""

    dividends: dict[str, DividendEvent] = {}
    splits: dict[str, SplitEvent] = {}


class Chart(msgspec.Struct):
    """The bars of one symbol; `timestamp` seconds UTC."""

    meta: Meta
    indicators: Indicators
    timestamp: list[int] = []
    events: Events | None = None


class Charts(msgspec.Struct):
    """The list a chart is in."""

    result: list[Chart] | None = None


class ChartAnswer(msgspec.Struct):
    """The whole answer."""

    chart: Charts


def price_unit(chart: Chart, currency: str) -> Decimal:
    """Return what one unit of the chart's prices is in the asset's currency: 0.01 for pence."""
    whole = _HUNDREDTHS.get(chart.meta.currency or "")
    return Decimal("0.01") if whole is not None and whole == currency else Decimal(1)


def to_rows(chart: Chart, timeframe: Timeframe, *, unit: Decimal) -> Rows:
    """Return bars as columns; daily ones labelled as the vendor does, with their sessions.

    Rows without prices are no bars. A last row off the grid, or of a session that has its bar, is
    the price just now.

    Raises:
        BadAnswerError: the columns do not have a value for each timestamp.
    """
    quote = chart.indicators.quote[0] if chart.indicators.quote else Quote()
    times = _instants(chart.timestamp)
    prices = [_column(values, len(times), chart) for values in _prices(quote)]
    volume = np.nan_to_num(_column(quote.volume, len(times), chart))
    keep = np.logical_and.reduce([np.isfinite(column) for column in prices])
    sessions = None
    if timeframe.is_intraday:
        if len(times) and times[-1] % min(timeframe_us(timeframe), _HALF_HOUR_US):
            keep[-1] = False
    else:
        sessions = local_dates(times, _zone(chart))
        if len(times) > 1 and sessions[-1] == sessions[-2]:
            keep[-1] = False
    if unit != 1:
        prices = [column / float(1 / unit) for column in prices]
    rows = Rows(times, prices[0], prices[1], prices[2], prices[3], volume, sessions)
    return rows if keep.all() else rows.take(keep)


def to_actions(symbol: str, chart: Chart, *, unit: Decimal) -> list[CorporateAction]:
    """Return splits and dividends, oldest first; cash as it was paid for one share of that day.

    The chart must reach to the present: a dividend is multiplied by the splits after it.

    Raises:
        BadAnswerError: a split has no ratio, or a dividend no amount.
    """
    events, zone = chart.events or Events(), _zone(chart)
    found: list[CorporateAction] = []
    for split in events.splits.values():
        day = _date(split.date, zone)
        ratio = split_ratio(
            split.numerator, split.denominator, symbol=symbol, effective=day, provider=NAME
        )
        found.append(CorporateAction(symbol, ActionKind.SPLIT, day, ratio=ratio))
    splits = tuple(found)
    for dividend in events.dividends.values():
        day = _date(dividend.date, zone)
        paid = cash_amount(dividend.amount, symbol=symbol, effective=day, provider=NAME)
        amount = paid * unit * _later(splits, day)
        found.append(CorporateAction(symbol, ActionKind.DIVIDEND, day, amount=amount))
    return sorted(found, key=lambda action: action.effective)


def _later(splits: Sequence[CorporateAction], day: date) -> Decimal:
    """Return how many shares of the present one share of that day became."""
    return prod(
        (one.ratio for one in splits if one.ratio and one.effective > day), start=Decimal(1)
    )


def _prices(quote: Quote) -> Sequence[Numbers]:
    return quote.open, quote.high, quote.low, quote.close


def _column(values: Numbers, rows: int, chart: Chart) -> F64:
    if len(values) != rows:
        text = f"sent {rows} timestamps and {len(values)} values for {chart.meta.symbol[:40]}"
        raise BadAnswerError(text, provider=NAME)
    return np.array(values, dtype=np.float64)


def _date(seconds: int, zone: ZoneInfo) -> date:
    return local_dates(_instants([seconds]), zone)[0].item()


def _instants(seconds: Sequence[int]) -> I64:
    return to_instants(seconds, count=len(seconds), micros=_SECOND_US, provider=NAME)


def _zone(chart: Chart) -> ZoneInfo:
    name = chart.meta.exchange_timezone_name
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as e:
        raise BadAnswerError(f"{name[:40]!r} is no time zone", provider=NAME) from e

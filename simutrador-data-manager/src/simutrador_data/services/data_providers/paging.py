"""From a vendor's rows to a page that settles a range: sorted, within what was asked, advancing.

Whether the rows make sense is judged by the download engine; here only what would make a page a
lie is refused: two bars at one instant, bars nobody asked for, more pages that never advance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import BarPage, BarRequest, Capabilities
from simutrador_core.models.bars import D64, F64, I64, Bars, BoolArray, from_us, to_us
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_data.services.data_providers.http.errors import BadAnswerError, NotOfferedError

MICROS_A_MILLI: Final = 1_000
FARTHEST_US: Final = 230 * 31_556_952_000_000
"""Instants of bars are less than 230 years from 1970."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A vendor's bars as columns, in the vendor's order.

    Attributes:
        opened_at: int64 (n,), microseconds UTC.
        open: float64 (n,), likewise `high`, `low`, `close`, `volume`.
        sessions: datetime64[D] (n,), for daily bars.
    """

    opened_at: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    sessions: D64 | None = None

    def take(self, index: I64 | BoolArray) -> Rows:
        """Return the rows at `index`."""
        columns = (getattr(self, field.name) for field in fields(self))
        return Rows(*(None if column is None else column[index] for column in columns))  # pyright: ignore[reportArgumentType] - each stays what it was

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.opened_at)


def to_page(
    request: BarRequest, rows: Rows, *, since: datetime, more: bool, provider: str
) -> BarPage:
    """Return the page of some rows.

    Args:
        request: What was asked.
        rows: What came; those outside `[since, request.end)` are left out, since vendors round
            ranges to whole bars or days.
        since: Where the pages before end.
        more: Whether the vendor has more after these rows; then `next_cursor` is where they begin,
            microseconds UTC (`instant_of` reads it), and what is settled ends with the last row.
        provider: Who answered.

    Raises:
        BadAnswerError: the rows cannot be an answer to this.
    """
    low, high = to_us(since), to_us(request.end)
    step = timeframe_us(request.timeframe)
    rows = _in_order(rows, provider)
    inside = (rows.opened_at >= low) & (rows.opened_at < high)
    if not inside.all():
        # A first bar may begin before the range and reach into it; anything further off is wrong.
        strange = (rows.opened_at < low - step) | (rows.opened_at >= high + step)
        if not inside.any() and strange.any():
            raise BadAnswerError(
                f"sent bars from {from_us(rows.opened_at[0])} to {from_us(rows.opened_at[-1])}, "
                f"asked for {since} to {request.end}",
                provider=provider,
            )
        rows = rows.take(inside)
    if not more:
        return BarPage(_bars(request, rows), (since, request.end))
    if not len(rows):
        raise BadAnswerError(f"says it has more, but sent no bar after {since}", provider=provider)
    # Daily bars are a session apart, which is not always a day.
    until = int(rows.opened_at[-1]) + (step if request.timeframe.is_intraday else 1)
    if until >= high:
        return BarPage(_bars(request, rows), (since, request.end))
    return BarPage(_bars(request, rows), (since, from_us(until)), str(until))


def to_instants(values: Iterable[int], *, count: int, micros: int, provider: str) -> I64:
    """Return instants that are written as whole numbers since the epoch.

    Args:
        values: The numbers.
        count: How many there are.
        micros: Microseconds of each: 1,000 for milliseconds.
        provider: Who wrote them.

    Raises:
        BadAnswerError: one is centuries away, as when its unit is another.
    """
    most = FARTHEST_US // micros
    try:
        numbers = np.fromiter(values, dtype=np.int64, count=count)
    except OverflowError as e:
        raise BadAnswerError("sent an instant beyond all calendars", provider=provider) from e
    if count and (int(numbers.max()) > most or int(numbers.min()) < -most):
        wrong = int(numbers[np.argmax(np.abs(numbers))])
        raise BadAnswerError(f"sent {wrong} as an instant, centuries away", provider=provider)
    return numbers * micros


def check_offered(request: BarRequest, capabilities: Capabilities, *, provider: str) -> None:
    """Let a request pass that the vendor's capabilities cover.

    Raises:
        NotOfferedError: it has no bars of that timeframe or adjustment; the text names its own.
    """
    for asked, offered in (
        (request.timeframe, capabilities.timeframes),
        (request.adjustment, capabilities.adjustments),
    ):
        if asked not in offered:
            has = ", ".join(one for one in type(asked) if one in offered)
            raise NotOfferedError(f"has no {asked} bars, only {has}", provider=provider)


def empty_page(request: BarRequest, *, since: datetime | None = None) -> BarPage:
    """Return the page that settles a range in which there is nothing."""
    none = Bars.empty(request.symbol, request.timeframe, request.adjustment)
    return BarPage(none, (since or request.start, request.end))


def instant_of(cursor: str) -> datetime:
    """Return the instant a cursor of `to_page` says.

    Raises:
        InputError: it is another provider's cursor, or none.
    """
    try:
        return from_us(int(cursor))
    except ValueError as e:
        raise InputError(f"{cursor[:60]!r} is no cursor of this provider", field="cursor") from e


def first_milli(start: datetime) -> int:
    """Return the first whole millisecond since the epoch that is not before an instant."""
    return -(-to_us(start) // MICROS_A_MILLI)


def last_milli(end: datetime) -> int:
    """Return the last whole millisecond since the epoch that is before an instant."""
    return first_milli(end) - 1


def _bars(request: BarRequest, rows: Rows) -> Bars:
    return Bars(
        request.symbol,
        request.timeframe,
        request.adjustment,
        rows.opened_at,
        rows.open,
        rows.high,
        rows.low,
        rows.close,
        rows.volume,
        rows.sessions,
    )


def _in_order(rows: Rows, provider: str) -> Rows:
    """Return the rows oldest first, each once."""
    if len(rows) < 2 or bool(np.all(rows.opened_at[1:] > rows.opened_at[:-1])):
        return rows
    rows = rows.take(np.argsort(rows.opened_at, kind="stable"))
    again = np.concatenate(([False], rows.opened_at[1:] == rows.opened_at[:-1]))
    where = np.flatnonzero(again)
    for field in fields(rows)[1:]:
        column = getattr(rows, field.name)
        if column is not None and not np.array_equal(column[where], column[where - 1]):
            at = from_us(rows.opened_at[where][column[where] != column[where - 1]][0])
            raise BadAnswerError(f"sent two different bars of {at}", provider=provider)
    return rows.take(~again)

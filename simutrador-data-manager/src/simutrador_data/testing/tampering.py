"""Pages with wrong bars in them: what each fault of the bars does to an honest page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simutrador_core.models.columns import I64
from simutrador_data.testing.asking import Page, Question, Rows
from simutrador_data.testing.faults import Fault
from simutrador_data.testing.vendors.vendor import DAY_US, STEPS_US

FUTURE_ROWS: Final = 3
CURSORS: Final = frozenset({"cursor", "page_token"})


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """All rows that a vendor has of what is asked, under the vendor's labels."""

    symbol: str
    rows: Rows

    def page(self, question: Question) -> Page:
        """Return the honest answer."""
        first, stop = self.bounds(question)
        last = min(stop, first + question.limit)
        after = int(self.rows.at[last]) if last < stop else None
        return Page(self.symbol, self.rows.take(slice(first, last)), after)

    def bounds(self, question: Question) -> tuple[int, int]:
        """Return the rows asked for, as `[first, stop)`."""
        edges = np.array([question.start, question.end], dtype=np.int64)
        first, stop = np.searchsorted(self.rows.at, edges)
        return int(first), max(int(first), int(stop))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An honest page and what a fault may need to spoil it."""

    question: Question
    series: Series
    page: Page
    other: Series
    now: int
    by_cursor: bool

    @property
    def step(self) -> int:
        """How long a bar lasts, in microseconds."""
        return STEPS_US[self.question.timeframe]


def tampered(fault: Fault, case: Case) -> Page:
    """Return the page that the fault makes of an honest one."""
    return _MAKERS[fault](case)


def _empty(case: Case) -> Page:
    return Page(case.page.symbol, case.page.rows.take(slice(0, 0)))


def _duplicate(case: Case) -> Page:
    """Send the page before once more; the first page is sent twice in one."""
    first, _ = case.series.bounds(case.question)
    count = len(case.page.rows)
    if first == 0:
        return replace(case.page, rows=case.page.rows + case.page.rows)
    return replace(case.page, rows=case.series.rows.take(slice(max(0, first - count), first)))


def _missing(case: Case) -> Page:
    """Skip the page asked for and send the one after it."""
    if case.page.next_start is None:
        return _empty(case)
    return case.series.page(replace(case.question, start=case.page.next_start))


def _standstill(case: Case) -> Page:
    """Name this page as the next; without cursors, send the bar before the range."""
    if case.by_cursor:
        return replace(case.page, next_start=case.question.start)
    first, _ = case.series.bounds(case.question)
    return replace(case.page, rows=case.series.rows.take(slice(max(0, first - 1), max(1, first))))


def _wrong_symbol(case: Case) -> Page:
    return case.other.page(case.question)


def _future(case: Case) -> Page:
    """Add bars of tomorrow to the last page, or to the page as it is."""
    steps = np.arange(1, FUTURE_ROWS + 1, dtype=np.int64) * case.step
    rows = case.page.rows
    if not len(rows):
        rows = case.series.rows.take(slice(0, 1))
    start = (case.now + DAY_US) // case.step * case.step
    last = np.full(FUTURE_ROWS, len(rows) - 1, dtype=np.int64)
    future = replace(
        rows.take(last),
        at=start + steps,
        sessions=(start + steps).view("datetime64[us]").astype("datetime64[D]"),
    )
    return replace(case.page, rows=case.page.rows + future)


def _overlap(case: Case) -> Page:
    """Begin a few bars before the range asked for."""
    first, _ = case.series.bounds(case.question)
    return replace(
        case.page, rows=case.series.rows.take(slice(max(0, first - 5), first)) + case.page.rows
    )


def _out_of_order(case: Case) -> Page:
    rows = case.page.rows
    order: I64 = np.arange(len(rows), dtype=np.int64)
    order[::2], order[1::2] = order[::2][::-1].copy(), order[1::2][::-1].copy()
    return replace(case.page, rows=rows.take(order))


def _off_by_one(case: Case) -> Page:
    """Lose a bar where two pages meet."""
    query = case.question.request.query
    if case.by_cursor and not query.keys() & CURSORS:
        last = None if case.page.next_start is None else -1
        return replace(case.page, rows=case.page.rows.take(slice(last)))
    return replace(case.page, rows=case.page.rows.take(slice(1, None)))


def _unfinished(case: Case) -> Page:
    """Send the last bar as it looked half a bar earlier."""
    if not len(case.page.rows):
        return case.page
    return replace(case.page, rows=half_formed(case.page.rows))


def half_formed(rows: Rows) -> Rows:
    """Return rows, at least one, with the last one as it looked half a bar earlier."""
    half = rows.volume.copy()
    half[-1] = np.floor(half[-1] / 2)
    close, high, low = rows.close.copy(), rows.high.copy(), rows.low.copy()
    close[-1] = high[-1] = low[-1] = rows.open[-1]
    return replace(rows, close=close, high=high, low=low, volume=half)


_MAKERS: Final[dict[Fault, Callable[[Case], Page]]] = {
    Fault.EMPTY: _empty,
    Fault.DUPLICATE_PAGE: _duplicate,
    Fault.MISSING_PAGE: _missing,
    Fault.NEVER_ADVANCES: _standstill,
    Fault.WRONG_SYMBOL: _wrong_symbol,
    Fault.FUTURE_BARS: _future,
    Fault.OVERLAP: _overlap,
    Fault.OUT_OF_ORDER: _out_of_order,
    Fault.OFF_BY_ONE: _off_by_one,
    Fault.UNFINISHED: _unfinished,
}

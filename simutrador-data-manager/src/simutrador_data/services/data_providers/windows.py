"""Ranges cut into pieces of whole sessions, for vendors that cut long answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from simutrador_core.interfaces.data_provider import BarPage, BarRequest
from simutrador_core.models.bars import to_us
from simutrador_core.sessions.calendar import Calendar
from simutrador_data.services.data_providers.paging import Rows, to_page

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A piece `[start, end)` of a range, and the first and last date, both included, it touches."""

    start: datetime
    end: datetime
    first: date
    last: date


def session_windows(
    calendar: Calendar, start: datetime, end: datetime, *, sessions: int
) -> Iterator[Window]:
    """Yield pieces of `[start, end)` that hold so many sessions at most; none without a session.

    Together they settle the range: the days without a session before one belong to its piece, and
    the last piece reaches to `end`. Edges inside are midnights of the exchange.
    """
    plan = calendar.schedule
    begun = int(np.searchsorted(plan.closes, to_us(start), side="right"))
    days: list[date] = plan.sessions[begun : int(np.searchsorted(plan.opens, to_us(end)))].tolist()
    at = start
    for last in range(sessions - 1, len(days) + sessions - 1, sessions):
        chunk = days[last - sessions + 1 : last + 1]
        is_last = last >= len(days) - 1
        until = end if is_last else _midnight(calendar, chunk[-1] + _ONE_DAY)
        yield Window(at, until, chunk[0], chunk[-1])
        at = until


def window_page(request: BarRequest, rows: Rows, window: Window, *, provider: str) -> BarPage:
    """Return the page that settles one window; its cursor is where the next one begins.

    Raises:
        BadAnswerError: the rows cannot be an answer to this.
    """
    asked = BarRequest(
        request.symbol, request.timeframe, window.start, window.end, request.adjustment
    )
    page = to_page(asked, rows, since=window.start, more=False, provider=provider)
    more = window.end < request.end
    return BarPage(page.bars, page.covered, str(to_us(window.end)) if more else None)


def _midnight(calendar: Calendar, day: date) -> datetime:
    return datetime.combine(day, time(), calendar.zone).astimezone(UTC)

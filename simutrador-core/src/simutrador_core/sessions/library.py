"""The one place that touches pandas-market-calendars: untyped in, columns out.

Start and end are always given, since some of its calendars default to a moving window, and only the
regular session is asked for, never pre- and post-market columns.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.errors import MissingExtraError
from simutrador_core.models.bars import D64, I64
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.sessions.draft import MONDAY_TO_FRIDAY, Draft, days_between, name_closures

_NOT_A_TIME: Final = np.iinfo(np.int64).min
_YEARS: Final = re.compile(r" \(.*\)$")  # "Marine Day (2003 - 2019)"
_RENAMED_ZONES: Final = {"Asia/Calcutta": "Asia/Kolkata"}


def library_names() -> list[str]:
    """Return every name pandas-market-calendars knows.

    Raises:
        MissingExtraError: it is not installed.
    """
    return cast("list[str]", _library().get_calendar_names())


def library_sessions(name: str, start: date, end: date) -> Draft:
    """Return the sessions of one of its calendars dated in `[start, end)`.

    Raises:
        MissingExtraError: pandas-market-calendars is not installed.
    """
    with warnings.catch_warnings():
        # The library's rules use parts of pandas that pandas 4 removes; not the caller's business.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        # It goes on giving breaks that were abolished, and says so here; `_draft` ends them.
        warnings.filterwarnings("ignore", message=".*are discontinued", category=UserWarning)
        return _draft(_library().get_calendar(name), start, end)


def _draft(book: Any, start: date, end: date) -> Draft:
    last = end - timedelta(days=1)
    table: Any = book.schedule(start, last, start="market_open", end="market_close")
    sessions: D64 = table.index.to_numpy().astype("datetime64[D]")
    closes = _instants(table, "market_close", missing=None)
    breaks_start = np.minimum(_instants(table, "break_start", missing=closes), closes)
    abolished = book.discontinued_market_times.get("break_start")
    if abolished is not None:
        breaks_start = np.where(sessions >= np.datetime64(abolished, "D"), closes, breaks_start)
    breaks_end = np.where(
        breaks_start == closes, closes, _instants(table, "break_end", missing=closes)
    )
    opens = _instants(table, "market_open", missing=None)
    weekdays = days_between(start, end)
    weekdays = weekdays[np.is_busday(weekdays, weekmask=MONDAY_TO_FRIDAY)]
    early: Iterable[date] = (
        book.early_closes(table).index.to_numpy().astype("datetime64[D]").tolist()
    )
    early_names = _names((rule for _, rule in book.special_closes), start, last)
    return Draft(
        ZoneInfo(_RENAMED_ZONES.get(str(book.tz), str(book.tz))),
        Schedule(sessions, opens, closes, breaks_start, breaks_end),
        name_closures(weekdays, sessions, _names([book.regular_holidays], start, last)),
        {day: early_names.get(day, "early close") for day in early},
    )


def _library() -> Any:
    try:
        import pandas_market_calendars  # pyright: ignore[reportMissingTypeStubs]  # it ships none
    except ImportError as e:
        raise MissingExtraError("pandas-market-calendars", extra="calendars") from e
    return pandas_market_calendars


def _instants(table: Any, column: str, *, missing: I64 | None) -> I64:
    """Return a column as int64 microseconds UTC, with `missing` where there is no value."""
    if column not in table:
        return cast("I64", missing)
    naive: Any = table[column].dt.tz_convert("UTC").dt.tz_localize(None)
    found: I64 = naive.to_numpy().astype("datetime64[us]").astype(np.int64)
    return found if missing is None else np.where(found == _NOT_A_TIME, missing, found)


def _names(books: Iterable[Any], start: date, last: date) -> dict[date, str]:
    """Return the names of the holidays in books of rules; other kinds of rules have none."""
    return {
        day.date(): _YEARS.sub("", str(name))
        for book in books
        if getattr(book, "rules", None)
        for day, name in book.holidays(start, last, return_name=True).items()
    }

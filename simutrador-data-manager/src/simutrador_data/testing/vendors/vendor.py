"""`Vendor`: the functions that make a vendor, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.columns import D64, I64
from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.asking import Lookup, Page, Question, Reply, Request, Rows

NEW_YORK: Final = ZoneInfo("America/New_York")
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US

STEPS_US: Final[Mapping[Timeframe, int]] = {
    Timeframe.MINUTE_1: 60 * SECOND_US,
    Timeframe.MINUTE_5: 300 * SECOND_US,
    Timeframe.MINUTE_15: 900 * SECOND_US,
    Timeframe.MINUTE_30: 1_800 * SECOND_US,
    Timeframe.HOUR_1: 3_600 * SECOND_US,
    Timeframe.HOUR_2: 7_200 * SECOND_US,
    Timeframe.HOUR_4: 14_400 * SECOND_US,
    Timeframe.DAILY: DAY_US,
}
"""How long a bar of each timeframe that is served lasts, in microseconds."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's words.

    Attributes:
        name: As our providers call it.
        read: The question a request asks, or what it looks up; a reply where it asks something
            else, None where the path is not this vendor's.
        write: The answer to a question, of a page.
        refuse: The vendor's own error: a status, and words that may be told to the client.
        unknown: The answer about a symbol that it does not have.
        label: When a bar of a series is said to open, of its instants and its sessions.
        base_path: What the vendor's base URL ends in.
        pages_by_cursor: Whether its answers say where the next page is.
        names_symbol: Whether its answers say whose bars they hold.
    """

    name: str
    read: Callable[[Request], Question | Lookup | Reply | None]
    write: Callable[[Question, Page], Reply]
    refuse: Callable[[int, str], Reply]
    unknown: Callable[[Question], Reply]
    label: Callable[[Question, Rows], I64]
    base_path: str = ""
    pages_by_cursor: bool = False
    names_symbol: bool = False


def opening(_: Question, rows: Rows) -> I64:
    """Return the instants at which the bars open, as they are."""
    return rows.at


def midnight(sessions: D64, zone: ZoneInfo) -> I64:
    """Return when each session's date begins in a zone, in microseconds UTC."""
    days = sessions.astype("datetime64[D]").tolist()
    return np.array([day_start(day, zone) for day in days], dtype=np.int64)


def day_start(day: date, zone: ZoneInfo) -> int:
    """Return when a date begins in a zone, in microseconds UTC."""
    return int(datetime.combine(day, time(), zone).timestamp()) * SECOND_US


def day_after(text: str) -> date:
    """Return the date after the one that stands in a text."""
    return date.fromisoformat(text[:10]) + timedelta(days=1)


def instant(text: str) -> int:
    """Return the microseconds of a date or an ISO 8601 instant; without a zone it is UTC."""
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * SECOND_US)


def iso(at: I64) -> list[str]:
    """Return instants as `2024-05-01T13:30:00`, to the second and without a zone."""
    return np.datetime_as_string(at.view("datetime64[us]"), unit="s").tolist()

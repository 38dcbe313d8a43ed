"""Daily bars: dates of vendors, sessions of exchanges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.models.bars import from_us, to_us
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.data_providers.daily import dates_between, local_dates, opens_of

NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "dates"),
    [
        # Friday to Monday: the session of a day opens at 14:30 UTC in winter.
        (utc(2024, 1, 5), utc(2024, 1, 9), (date(2024, 1, 5), date(2024, 1, 8))),
        (utc(2024, 1, 5, 14, 31), utc(2024, 1, 8, 14, 30), None),
        (utc(2024, 1, 6), utc(2024, 1, 8), None),
        (utc(2024, 1, 5), utc(2024, 1, 5), None),
        # The calendar begins in 1990 and ends before 2031: beyond it every date is asked for.
        (utc(1985, 6, 1), utc(1990, 1, 3), (date(1985, 5, 31), date(1990, 1, 2))),
        (utc(2030, 12, 30), utc(2035, 1, 1), (date(2030, 12, 30), date(2034, 12, 31))),
    ],
)
def test_the_dates_of_a_range_are_its_sessions(start, end, dates) -> None:
    assert dates_between(get_calendar("XNYS"), start, end) == dates


def test_an_instant_has_the_date_of_the_zone_at_both_clock_changes() -> None:
    instants = [utc(2024, 3, 10, 4, 59), utc(2024, 3, 10, 5, 0), utc(2024, 11, 3, 4, 0)]
    days = local_dates(np.array([to_us(at) for at in instants]), NEW_YORK)
    assert days.tolist() == [date(2024, 3, 9), date(2024, 3, 10), date(2024, 11, 3)]


def test_a_session_opens_when_the_exchange_does_and_another_date_at_midnight() -> None:
    days = np.array(["2024-03-08", "2024-03-09", "2024-03-11"], dtype="datetime64[D]")
    opens = opens_of(days, get_calendar("XNYS")).tolist()
    assert [from_us(at) for at in opens] == [
        utc(2024, 3, 8, 14, 30),
        utc(2024, 3, 9, 5, 0),
        utc(2024, 3, 11, 13, 30),
    ]

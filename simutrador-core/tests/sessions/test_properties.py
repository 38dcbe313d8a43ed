"""What holds for every session of every calendar."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.errors import CalendarError
from simutrador_core.sessions.calendar import MINUTE_US, Calendar, Schedule
from simutrador_core.sessions.exchange import get_calendar

CALENDARS = ("XNYS", "XLON", "XHKG", "XTKS", "XTAE", "CMES", "24/5", "24/7")
CLOCK_CHANGES = (
    date(2007, 3, 11),
    date(2007, 3, 25),  # Europe, two weeks after America
    date(2007, 11, 4),
    date(2024, 3, 10),
    date(2024, 3, 29),  # Israel
    date(2024, 3, 31),
    date(2024, 10, 27),
    date(2024, 11, 3),
)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Calendar, int]:
    """Return a calendar and the row of one of its sessions, often beside a clock change."""
    calendar = get_calendar(draw(st.sampled_from(CALENDARS)))
    plan = calendar.schedule
    near = draw(st.sampled_from(CLOCK_CHANGES)) + timedelta(days=draw(st.integers(-3, 3)))
    anywhere = draw(st.integers(0, len(plan) - 1))
    row = int(np.searchsorted(plan.sessions, np.datetime64(near)))
    return calendar, row if draw(st.booleans()) else anywhere


@given(sessions())
def test_minutes_of_a_session_are_unique_increasing_and_as_many_as_the_schedule_says(
    drawn: tuple[Calendar, int],
) -> None:
    calendar, row = drawn
    minutes = calendar.minutes(calendar.schedule.sessions[row].item())
    assert len(minutes) == calendar.schedule.minutes()[row]
    assert np.all(np.diff(minutes) >= MINUTE_US)
    assert np.all(minutes % MINUTE_US == 0)


@given(sessions())
def test_every_minute_of_a_session_belongs_to_it(drawn: tuple[Calendar, int]) -> None:
    calendar, row = drawn
    session = calendar.schedule.sessions[row]
    minutes = calendar.minutes(session.item())
    assert np.all(calendar.session_of(minutes) == session)
    edges = np.array([calendar.schedule.opens[row] - 1, calendar.schedule.closes[row]])
    assert session not in calendar.session_of(edges)


@given(sessions())
def test_hours_enclose_the_minutes(drawn: tuple[Calendar, int]) -> None:
    calendar, row = drawn
    session = calendar.schedule.sessions[row].item()
    hours, minutes = calendar.hours(session), calendar.minutes(session)
    length = int((hours.close - hours.open).total_seconds()) // 60
    pause = 0
    if hours.break_start and hours.break_end:
        pause = int((hours.break_end - hours.break_start).total_seconds()) // 60
    assert len(minutes) == length - pause


@pytest.mark.parametrize("name", CALENDARS)
def test_minutes_of_a_year_add_up_to_its_sessions(name: str) -> None:
    calendar = get_calendar(name, date(2024, 1, 1), date(2025, 1, 1))
    every = [calendar.minutes(day) for day in calendar.schedule.sessions.tolist()]
    together = np.concatenate(every)
    assert len(together) == calendar.schedule.minutes().sum()
    assert np.all(np.diff(together) > 0)


def test_empty_calendar_has_no_session_for_any_instant() -> None:
    none = np.array([], dtype=np.int64)
    empty = Schedule(np.array([], dtype="datetime64[D]"), none, none, none, none)
    start = date(2024, 1, 1)
    calendar = Calendar("NONE", get_calendar("24/7").zone, empty, start, date(2025, 1, 1))
    assert np.all(np.isnat(calendar.session_of(np.array([0, 1]))))
    with pytest.raises(CalendarError, match="NONE has no session on 2024-01-01: not a trading day"):
        calendar.hours(start)

"""Triggers at sessions; hours from the exchanges' own pages, not from the calendar library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_core.sessions.exchange import get_calendar
from simutrador_service.scheduler import AtSession, Edge

MINUTES = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_ones(trigger: AtSession, since: str, count: int) -> list[str]:
    found: list[str] = []
    instant: datetime | None = at(since)
    for _ in range(count):
        assert instant is not None
        instant = trigger.after(instant)
        found.append(f"{instant:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("edge", "offset", "since", "expected"),
    [
        # Thanksgiving week 2026 (nyse.com/markets/hours-calendars): closed on the 26th, 13:00 on
        # the 27th; the clocks changed on 1 November, so 16:00 is 20:00 UTC before and 21:00 after.
        (Edge.CLOSE, 30 * MINUTES, "2026-11-24 22:00",
         ["2026-11-25 21:30", "2026-11-27 18:30", "2026-11-30 21:30"]),
        (Edge.OPEN, -15 * MINUTES, "2026-11-25 15:00", ["2026-11-27 14:15", "2026-11-30 14:15"]),
        (Edge.CLOSE, 0 * MINUTES, "2026-10-30 12:00", ["2026-10-30 20:00", "2026-11-02 21:00"]),
        # Longer than the weekend: Friday's close plus 3 days is due on Monday.
        (Edge.CLOSE, timedelta(days=3), "2026-11-16 12:00", ["2026-11-16 21:00"]),
        # 9 January 2025: closed for the funeral of President Carter.
        (Edge.OPEN, 0 * MINUTES, "2025-01-08 20:00", ["2025-01-10 14:30"]),
    ],
)  # fmt: skip
def test_new_york_with_half_days_and_closures(
    edge: Edge, offset: timedelta, since: str, expected: list[str]
) -> None:
    trigger = AtSession(get_calendar("XNYS"), edge, offset)
    assert next_ones(trigger, since, len(expected)) == expected


def test_a_special_session_counts() -> None:
    # Diwali 2025, Tuesday 21 October: closed but for 13:45 to 14:45 in Mumbai (NSE circular).
    trigger = AtSession(get_calendar("XNSE"), Edge.CLOSE, 10 * MINUTES)
    assert next_ones(trigger, "2025-10-20 12:00", 2) == ["2025-10-21 09:25", "2025-10-23 10:10"]


def test_a_session_may_open_on_the_evening_before() -> None:
    trigger = AtSession(by_hand(), Edge.OPEN, -60 * MINUTES)
    assert next_ones(trigger, "2026-01-03 00:00", 2) == ["2026-01-04 22:00", "2026-01-05 22:00"]
    assert trigger.latest(at("2026-01-05 21:59")) == at("2026-01-04 22:00")
    assert trigger.latest(at("2026-01-05 22:00")) == at("2026-01-05 22:00")


def test_beyond_what_the_calendar_knows_nothing_is_due() -> None:
    trigger = AtSession(by_hand(), Edge.OPEN)
    assert trigger.after(at("2026-01-05 23:00")) is None
    assert trigger.latest(at("2026-01-04 22:59")) is None
    assert str(AtSession(by_hand(), Edge.CLOSE, -5 * MINUTES)) == "HAND close -300 s"


def by_hand() -> Calendar:
    """Return Monday and Tuesday of a market that opens at 23:00 UTC on the evening before."""
    sessions = np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[D]")
    opens = np.array(["2026-01-04T23:00", "2026-01-05T23:00"], dtype="datetime64[us]").astype(int)
    closes = opens + 22 * 3_600_000_000
    plan = Schedule(sessions, opens, closes, closes, closes)
    return Calendar("HAND", ZoneInfo("UTC"), plan, date(2026, 1, 1), date(2026, 2, 1))

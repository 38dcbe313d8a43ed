"""Gaps joined for people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import BarQuery, Bars, to_us
from simutrador_core.models.enums import Adjustment, GapReason, Timeframe
from simutrador_core.sessions.calendar import Calendar, Schedule
from simutrador_data.services.serving.gap_spans import joined_gaps, spans_of
from simutrador_data.services.validation.ledger import Known, build_ledger

# Two weeks of a made-up exchange: a storm closes two days of the first, and one of the second.
DAYS = [1, 2, 5, 8, 10, 11, 12]
CLOSED = {date(2024, 1, 3): "Storm", date(2024, 1, 4): "Storm", date(2024, 1, 9): "Storm"}


def week() -> Calendar:
    """Return sessions of two hours, 14:00 to 16:00 UTC."""
    sessions = np.array([f"2024-01-{day:02}" for day in DAYS], dtype="datetime64[D]")
    opens = sessions.astype("datetime64[us]").astype(np.int64) + 14 * 3_600_000_000
    closes = opens + 2 * 3_600_000_000
    schedule = Schedule(sessions, opens, closes, closes, closes)
    return Calendar(
        "TEST", ZoneInfo("UTC"), schedule, date(2023, 11, 1), date(2024, 3, 1), closures=CLOSED
    )


def hours(*stored: str) -> Bars:
    """Return hourly bars that open at the instants given as `DD HH`."""
    at = [
        datetime.strptime(f"2024 01 {text}", "%Y %m %d %H").replace(tzinfo=UTC) for text in stored
    ]
    price = np.full(len(at), 10.0)
    opened_at = np.array([to_us(one) for one in at], dtype=np.int64)
    return Bars(
        "X", Timeframe.HOUR_1, Adjustment.RAW, opened_at, price, price, price, price, price
    )  # fmt: skip


def joined(bars: Bars) -> list[tuple[GapReason, str, int, int]]:
    """Return reason, days, bars and runs of each span."""
    query = BarQuery(
        "X", Timeframe.HOUR_1, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 13, tzinfo=UTC)
    )
    ledger = build_ledger(query, bars, calendar=week(), known=Known())
    return [
        (span.gap.reason, span.days, span.gap.expected, span.runs) for span in joined_gaps(ledger)
    ]


def test_closed_days_with_one_name_and_no_session_between_are_one_span() -> None:
    everything = [f"{day:02} {hour}" for day in DAYS for hour in (14, 15)]
    assert joined(hours(*everything)) == [
        (GapReason.CLOSED, "2024-01-03 to 2024-01-04", 0, 2),
        (GapReason.CLOSED, "2024-01-09", 0, 1),
    ]


def test_absent_sessions_in_a_row_are_one_span_until_a_bar_stands_there() -> None:
    stored = hours("01 14", "01 15", "08 14", "11 14", "11 15", "12 14", "12 15")
    spans = [span for span in joined(stored) if span[0] is not GapReason.CLOSED]
    assert spans == [
        (GapReason.NOT_FETCHED, "2024-01-02 to 2024-01-05", 4, 2),
        (GapReason.NOT_FETCHED, "2024-01-08", 1, 1),
        (GapReason.NOT_FETCHED, "2024-01-10", 2, 1),
    ]


def test_a_gap_alone_is_a_span_of_its_own() -> None:
    query = BarQuery(
        "X", Timeframe.HOUR_1, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)
    )
    ledger = build_ledger(query, hours("01 14", "01 15"), calendar=week(), known=Known())
    (span,) = spans_of(ledger.gaps)
    assert (span.days, span.runs) == ("2024-01-02", 1)

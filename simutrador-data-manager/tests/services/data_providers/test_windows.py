"""Ranges cut into pieces of whole sessions; sessions of New York in January 2024."""

from __future__ import annotations

from datetime import UTC, date, datetime

from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.data_providers.windows import session_windows


def cut(
    start: datetime, end: datetime, *, sessions: int
) -> list[tuple[datetime, datetime, date, date]]:
    found = session_windows(get_calendar("XNYS"), start, end, sessions=sessions)
    return [(one.start, one.end, one.first, one.last) for one in found]


def test_pieces_settle_the_range_and_meet_at_midnights_of_the_exchange() -> None:
    # 15 January 2024 is a holiday; midnight in New York is 05:00 UTC
    start, end = datetime(2024, 1, 11, 20, tzinfo=UTC), datetime(2024, 1, 17, 15, tzinfo=UTC)
    friday, wednesday = datetime(2024, 1, 13, 5, tzinfo=UTC), datetime(2024, 1, 17, 5, tzinfo=UTC)
    assert cut(start, end, sessions=2) == [
        (start, friday, date(2024, 1, 11), date(2024, 1, 12)),
        (friday, end, date(2024, 1, 16), date(2024, 1, 17)),
    ]
    one_by_one = cut(start, end, sessions=1)
    assert [first.day for _, _, first, _ in one_by_one] == [11, 12, 16, 17]
    assert one_by_one[-1][:2] == (wednesday, end)


def test_the_last_piece_reaches_to_the_end_past_days_without_a_session() -> None:
    start, end = datetime(2024, 1, 12, tzinfo=UTC), datetime(2024, 1, 16, 5, tzinfo=UTC)
    assert cut(start, end, sessions=1) == [(start, end, date(2024, 1, 12), date(2024, 1, 12))]


def test_a_range_without_a_session_has_no_piece() -> None:
    saturday, monday = datetime(2024, 1, 13, 5, tzinfo=UTC), datetime(2024, 1, 15, 5, tzinfo=UTC)
    assert cut(saturday, monday, sessions=5) == []
    assert cut(saturday, saturday, sessions=5) == []

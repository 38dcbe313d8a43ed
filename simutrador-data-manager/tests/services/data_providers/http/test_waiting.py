"""When a question is asked again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simutrador_data.services.data_providers.http.waiting import Retries, retry_after_s

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("9" * 5_000, 999_999_999.0),
        ("Sat, 21 Nov 2026 12:02:00 GMT", 120.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, now=NOW) == seconds


def test_waits_double_up_to_their_bound_and_are_spread_over_their_upper_half() -> None:
    rule = Retries(first_wait_s=1.0, longest_wait_s=5.0)
    shortest = [rule.wait_after(at, asked_s=None, jitter=0.0) for at in (1, 2, 3, 4, 9)]
    assert shortest == [0.5, 1.0, 2.0, 2.5, 2.5]
    assert rule.wait_after(3, asked_s=None, jitter=0.5) == 3.0


def test_a_wait_the_vendor_asks_for_is_never_shortened() -> None:
    assert Retries().wait_after(1, asked_s=20.0, jitter=0.0) == 20.0
    assert 20.0 < Retries().wait_after(1, asked_s=20.0, jitter=0.99) < 21.0

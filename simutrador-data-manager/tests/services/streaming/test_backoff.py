"""Waits between attempts, against a table worked by hand."""

from __future__ import annotations

import pytest

from simutrador_data.services.streaming.backoff import Backoff


def usual() -> Backoff:
    return Backoff(first_s=1.0, most_s=60.0, floor_s=1.0)


def test_ceilings_double_up_to_a_minute() -> None:
    backoff = usual()
    waits = [backoff.next_wait(since_s=1_000.0, jitter=1.0) for _ in range(8)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_wait_is_drawn_from_all_below_the_ceiling() -> None:
    backoff = usual()
    waits = [backoff.next_wait(since_s=1_000.0, jitter=jitter) for jitter in (0.0, 0.25, 0.5)]
    assert waits == [0.0, 0.5, 2.0]


@pytest.mark.parametrize(
    ("since_s", "jitter", "wait_s"),
    [(0.0, 0.0, 1.0), (0.4, 0.5, 0.6), (0.4, 0.9, 0.9), (1.0, 0.0, 0.0), (5.0, 0.3, 0.3)],
)
def test_two_attempts_are_never_closer_than_the_floor(
    since_s: float, jitter: float, wait_s: float
) -> None:
    assert usual().next_wait(since_s=since_s, jitter=jitter) == pytest.approx(wait_s)


def test_the_floor_alone_holds_where_nothing_failed() -> None:
    assert usual().floor_wait(since_s=0.25) == 0.75
    assert usual().floor_wait(since_s=86_000.0) == 0.0


def test_only_a_connection_healthy_for_as_long_as_the_last_wait_begins_anew() -> None:
    backoff = usual()
    for _ in range(3):
        backoff.next_wait(since_s=9.0, jitter=0.0)
    backoff.note_healthy(3.9)
    assert backoff.next_wait(since_s=9.0, jitter=1.0) == 8.0
    backoff.note_healthy(8.0)
    assert backoff.next_wait(since_s=9.0, jitter=1.0) == 1.0

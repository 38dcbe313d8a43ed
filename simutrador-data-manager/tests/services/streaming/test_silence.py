"""When a silent peer is asked and given up, against a timeline worked by hand."""

from __future__ import annotations

import pytest

from simutrador_data.services.streaming.silence import Silence, Step


def test_a_silent_peer_is_asked_after_one_interval_and_given_up_before_two() -> None:
    silence = Silence(30.0, heard_at=100.0)
    assert silence.step(100.0) == (Step.WAIT, 30.0)
    assert silence.step(129.0) == (Step.WAIT, 1.0)
    assert silence.step(130.0) == (Step.PING, 24.0)
    silence.ping(130.0)
    assert silence.step(140.0) == (Step.WAIT, 14.0)
    assert silence.step(154.0)[0] is Step.STALE
    assert 154.0 < 100.0 + 2 * 30.0


def test_any_sign_of_life_begins_a_new_interval() -> None:
    silence = Silence(30.0, heard_at=100.0)
    silence.ping(130.0)
    silence.hear(131.0)
    assert silence.step(154.0) == (Step.WAIT, 7.0)
    assert silence.step(161.0)[0] is Step.PING


def test_an_old_sign_of_life_is_no_answer() -> None:
    silence = Silence(30.0, heard_at=100.0)
    silence.ping(130.0)
    silence.hear(100.0)
    assert silence.step(154.0)[0] is Step.STALE


@pytest.mark.parametrize("pause_s", [60.0, 3_600.0])
def test_after_a_pause_of_our_own_the_peer_is_asked_first(pause_s: float) -> None:
    silence = Silence(30.0, heard_at=100.0)
    assert silence.step(100.0 + pause_s)[0] is Step.PING

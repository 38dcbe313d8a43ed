"""Instants as vendors write them; expected values are the zone's published clock changes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from simutrador_core.models.bars import to_us
from simutrador_data.services.data_providers.http import BadAnswerError
from simutrador_data.services.data_providers.instants import local_instants, utc_instants

NEW_YORK = ZoneInfo("America/New_York")


def us(*at: int) -> int:
    return to_us(datetime(*at, tzinfo=UTC))


def test_utc_times_are_read_to_the_microsecond() -> None:
    texts = ["2022-02-01T05:00:00Z", "2022-03-09T05:00:02.183Z", "2019-05-01T00:00:00+00:00"]
    assert utc_instants(texts, provider="acme").tolist() == [
        us(2022, 2, 1, 5),
        us(2022, 3, 9, 5, 0, 2) + 183_000,
        us(2019, 5, 1),
    ]
    assert utc_instants([], provider="acme").tolist() == []


@pytest.mark.parametrize("text", ["2022-02-01T05:00:00-05:00", "2022-02-01T05:00:00", "soonZ", "Z"])
def test_what_is_no_utc_time_is_refused(text: str) -> None:
    with pytest.raises(BadAnswerError, match="acme: sent"):
        utc_instants([text], provider="acme")


def test_winter_and_summer_of_new_york() -> None:
    texts = ["2024-01-02 09:30:00", "2024-07-02 09:30:00"]
    assert local_instants(texts, NEW_YORK, provider="acme").tolist() == [
        us(2024, 1, 2, 14, 30),
        us(2024, 7, 2, 13, 30),
    ]


def test_the_hour_that_the_clocks_show_twice_goes_on_in_order() -> None:
    texts = [
        f"2024-11-03 {clock}:00" for clock in ("00:59", "01:00", "01:59", "01:00", "01:59", "02:00")
    ]
    assert local_instants(texts, NEW_YORK, provider="acme").tolist() == [
        us(2024, 11, 3, 4, 59),
        us(2024, 11, 3, 5, 0),
        us(2024, 11, 3, 5, 59),
        us(2024, 11, 3, 6, 0),
        us(2024, 11, 3, 6, 59),
        us(2024, 11, 3, 7, 0),
    ]


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(
        BadAnswerError, match="'2024-03-10 02:30:00', which America/New_York skipped"
    ):
        local_instants(["2024-03-10 02:30:00"], NEW_YORK, provider="acme")


def test_no_times_give_none() -> None:
    assert local_instants([], NEW_YORK, provider="acme").tolist() == []

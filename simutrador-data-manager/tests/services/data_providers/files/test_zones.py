from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.errors import InputError
from simutrador_core.models.bars import from_us, to_us
from simutrador_data.services.data_providers.files.zones import find_zone, local_to_utc

NEW_YORK = ZoneInfo("America/New_York")


def walls(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([to_us(datetime.fromisoformat(t).replace(tzinfo=UTC)) for t in texts])


def as_text(us: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    return [from_us(int(one)).strftime("%d %H:%M") for one in us]


def test_winter_and_summer_of_new_york_differ_by_an_hour() -> None:
    utc, exists = local_to_utc(walls("2011-03-11 09:30", "2011-03-14 09:30"), NEW_YORK)
    assert as_text(utc) == ["11 14:30", "14 13:30"]
    assert exists.all()


def test_the_hour_that_clocks_skip_does_not_exist() -> None:
    utc, exists = local_to_utc(walls("2011-03-13 01:59", "2011-03-13 02:30"), NEW_YORK)
    assert exists.tolist() == [True, False]
    assert as_text(utc[:1]) == ["13 06:59"]


def test_the_hour_written_twice_is_told_apart_by_the_order_of_rows() -> None:
    hour = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    utc, _ = local_to_utc(walls(*(f"2011-11-06 {h}" for h in hour)), NEW_YORK)
    expected = ["06 04:30", "06 05:00", "06 05:30", "06 06:00", "06 06:30", "06 07:00"]
    assert as_text(utc) == expected
    back, _ = local_to_utc(
        walls(*(f"2011-11-06 {h}" for h in reversed(hour))), NEW_YORK, newest_first=True
    )
    assert as_text(back) == expected[::-1]


def test_a_single_pass_through_that_hour_is_daylight_time() -> None:
    utc, _ = local_to_utc(walls("2011-11-06 01:30"), NEW_YORK)
    assert as_text(utc) == ["06 05:30"]


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)), unique=True))
def test_instants_written_in_local_time_come_back(instants: list[datetime]) -> None:
    utc = sorted({i.replace(second=0, microsecond=0, tzinfo=UTC) for i in instants})
    local = [i.astimezone(NEW_YORK) for i in utc]
    found, exists = local_to_utc(
        np.array([to_us(i.replace(tzinfo=UTC, fold=0)) for i in local], dtype=np.int64), NEW_YORK
    )
    assert exists.all()
    for at, wall, instant in zip(found.tolist(), local, utc, strict=True):
        once = wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset()
        assert at == to_us(instant) or not once


def test_an_unknown_zone_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'Mars/Olympus' is no time zone"):
        find_zone("Mars/Olympus")

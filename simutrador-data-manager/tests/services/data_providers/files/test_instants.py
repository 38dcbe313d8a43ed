from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.models.bars import to_us
from simutrador_data.services.data_providers.files._arrow import strings
from simutrador_data.services.data_providers.files.instants import parse_moments
from simutrador_data.services.data_providers.files.model import DateOrder


def wall(*parts: int) -> int:
    return to_us(datetime(*parts, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-03-01", wall(2011, 3, 1)),
        ("2011-03-01 09:31", wall(2011, 3, 1, 9, 31)),
        ("2011-03-01T09:31:05", wall(2011, 3, 1, 9, 31, 5)),
        ("2011-03-01 09:31:05.25", wall(2011, 3, 1, 9, 31, 5, 250_000)),
        ("2011/3/1 9:31", wall(2011, 3, 1, 9, 31)),
        ("20110301 090100", wall(2011, 3, 1, 9, 1)),
        ("20110301 09:01", wall(2011, 3, 1, 9, 1)),
        ("20110301", wall(2011, 3, 1)),
        ("201103010901", wall(2011, 3, 1, 9, 1)),
        ("20110301090105", wall(2011, 3, 1, 9, 1, 5)),
        ("31-Dec-10", wall(2010, 12, 31)),
        ("4-Jan-10", wall(2010, 1, 4)),
        ("Jan 3, 2017", wall(2017, 1, 3)),
        ("1/3/2017 4:05 PM", wall(2017, 1, 3, 16, 5)),
        ("1/3/2017 12:05 AM", wall(2017, 1, 3, 0, 5)),
        ("01/03/99", wall(1999, 1, 3)),
    ],
)
def test_naive_times_of_every_usual_shape_are_read(text: str, expected: int) -> None:
    found = parse_moments(strings([text]))
    assert (found.ok.tolist(), found.aware.tolist()) == ([True], [False])
    assert found.local_us.tolist() == [expected]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2022-01-03 00:00:00+01:00", wall(2022, 1, 2, 23)),
        ("2022-01-03T05:00:00Z", wall(2022, 1, 3, 5)),
        ("2022-01-03T05:00:00.5-0500", wall(2022, 1, 3, 10, 0, 0, 500_000)),
        ("01.01.2017 22:00:00.000 GMT+0100", wall(2017, 1, 1, 21)),
        ("1315922016", wall(2011, 9, 13, 13, 53, 36)),
        ("1315922016.5", wall(2011, 9, 13, 13, 53, 36, 500_000)),
        ("1315922016000", wall(2011, 9, 13, 13, 53, 36)),
        ("1315922016000001", wall(2011, 9, 13, 13, 53, 36, 1)),
        ("1315922016000001999", wall(2011, 9, 13, 13, 53, 36, 1)),
    ],
)
def test_times_that_name_their_offset_give_the_instant(text: str, instant: int) -> None:
    found = parse_moments(strings([text]))
    assert (found.ok.tolist(), found.aware.tolist()) == ([True], [True])
    assert (found.local_us - found.offset_us).tolist() == [instant]


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "hello", "2011-02-29", "2011-13-01", "2011-03-01 24:00", "2011-03-01 09:61"),
        *("0001-01-01", "13/13/2017", "99999999", "2011-03-01 09:31:00+99:00", "31-Foo-10"),
        "\u0661\u0662/\u0661\u0662/\u0662\u0660\u0661\u0662",  # digits, but not ours
    ],
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert parse_moments(strings([text])).ok.tolist() == [False]


def test_day_first_is_read_as_told() -> None:
    texts = strings(["03/04/2017", "04.03.2017 10:00"])
    found = parse_moments(texts, order=DateOrder.DAY_FIRST)
    assert found.local_us.tolist() == [wall(2017, 4, 3), wall(2017, 3, 4, 10)]


def test_shapes_may_change_from_row_to_row_and_junk_between_costs_only_itself() -> None:
    texts = strings(["2011-03-01", "????-??-??", "1/3/2011", "2011-03-02", "12/30/2011", "x"])
    found = parse_moments(texts)
    assert found.ok.tolist() == [True, False, True, True, True, False]
    assert found.local_us[3] == wall(2011, 3, 2)
    assert found.local_us[4] == wall(2011, 12, 30)


@given(st.lists(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2199, 12, 31))))
def test_every_iso_time_python_writes_is_read_exactly(instants: list[datetime]) -> None:
    found = parse_moments(strings([instant.isoformat(" ") for instant in instants]))
    assert found.ok.all()
    assert found.local_us.tolist() == [
        (instant - datetime(1970, 1, 1)) // timedelta(microseconds=1) for instant in instants
    ]


@given(st.lists(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))))
def test_every_date_with_single_digits_is_read_exactly(days: list[date]) -> None:
    found = parse_moments(strings([f"{d.month}/{d.day}/{d.year}" for d in days]))
    assert found.ok.all()
    assert found.local_us.tolist() == [wall(d.year, d.month, d.day) for d in days]

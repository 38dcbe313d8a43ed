"""Which bars of two accounts differ, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simutrador_core.errors import InputError, InvalidBarsError
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.comparing import Tolerance, differences, joined_differences

EXACT = Tolerance(price=0.0, volume=0.0)


def with_close(bars: Bars, **closes: float) -> Bars:
    close = bars.close.copy()
    for row, value in closes.items():
        close[int(row.removeprefix("row"))] = value
    return replace(bars, close=close)


def test_equal_accounts_have_no_differences() -> None:
    found = differences(make_bars(), make_bars(), EXACT)
    assert found.is_empty
    assert found.both == 5
    assert set(found.largest().values()) == {0.0}


def test_a_difference_names_its_columns_and_how_far_it_goes() -> None:
    bars = make_bars(close=[100.0, 100.0, 100.0])
    other = with_close(replace(bars, volume=bars.volume * 2), row1=99.0)
    found = differences(bars, other, EXACT)
    assert found.fields.tolist() == [
        [False, False, False, False, True],
        [False, False, False, True, True],
        [False, False, False, False, True],
    ]
    assert found.largest()["close"] == 0.01  # 1 of 100
    assert found.largest()["volume"] == 0.5  # 1000 of 2000
    assert found.one.close[1] == 100.0
    assert found.other.close[1] == 99.0


@pytest.mark.parametrize(
    ("close", "is_empty"), [(100.01, True), (99.99, True), (100.02, False), (99.98, False)]
)
def test_a_cent_in_a_hundred_dollars_is_within_the_usual_tolerance(
    close: float, is_empty: bool
) -> None:
    bars = make_bars(close=[100.0])
    assert differences(bars, with_close(bars, row0=close), Tolerance()).is_empty is is_empty


def test_bars_that_one_account_lacks_are_listed() -> None:
    bars = make_bars(n=5)
    found = differences(bars.take(slice(0, 4)), bars.take(slice(2, 5)), EXACT)
    assert found.both == 2
    assert found.only_one.opened_at.tolist() == bars.opened_at[:2].tolist()
    assert found.only_other.opened_at.tolist() == bars.opened_at[4:].tolist()
    assert not found.is_empty


def test_daily_bars_are_paired_by_session_whatever_their_label() -> None:
    bars = make_bars(timeframe=Timeframe.DAILY)
    moved = replace(bars, opened_at=bars.opened_at - 9 * 3_600_000_000)
    assert differences(bars, moved, EXACT).is_empty


def test_volume_against_none_is_a_whole_difference() -> None:
    bars = make_bars(close=[100.0], volume=[0.0])
    found = differences(bars, replace(bars, volume=np.array([5.0])), Tolerance())
    assert found.largest()["volume"] == 1.0
    assert differences(bars, bars, Tolerance()).is_empty


@given(
    moves=st.lists(st.floats(-0.02, 0.02), min_size=1, max_size=20),
    tolerance=st.sampled_from([0.0, 0.001, 0.01]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_bar_differs_when_its_price_moved_by_more_than_the_tolerance(
    moves: list[float], tolerance: float
) -> None:
    bars = make_bars(close=[100.0] * len(moves))
    other = replace(bars, close=100.0 * (1 + np.array(moves)))
    found = differences(bars, other, Tolerance(price=tolerance, volume=0.0))
    by_hand = [
        round(abs(100.0 - price) / max(100.0, price), 12) > tolerance
        for price in other.close.tolist()
    ]
    assert len(found.one) == sum(by_hand)
    assert differences(other, bars, Tolerance(price=tolerance)).both == len(moves)


def test_parts_join_to_the_whole() -> None:
    bars, other = make_bars(n=6), with_close(make_bars(n=6), row1=1.0, row4=2.0)
    parts = [
        differences(bars.take(cut), other.take(cut), EXACT) for cut in (slice(0, 3), slice(3, 6))
    ]
    whole, joined = differences(bars, other, EXACT), joined_differences(parts)
    assert joined.both == whole.both
    assert joined.one.equals(whole.one)
    assert joined.fields.tolist() == whole.fields.tolist()


def test_other_series_and_other_bounds_are_refused() -> None:
    with pytest.raises(InvalidBarsError, match="cannot compare"):
        differences(make_bars("A"), make_bars("B"), EXACT)
    with pytest.raises(InputError, match=r"price tolerance 1\.5 is not within 0 and 1"):
        Tolerance(price=1.5)

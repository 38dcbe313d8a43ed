"""Bars joined into points for a chart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.serving.level_of_detail import to_points


def test_five_bars_in_two_points_keep_the_newest_point_whole() -> None:
    bars = make_bars(close=[10.0, 12.0, 11.0, 9.0, 13.0], volume=[1.0, 2.0, 3.0, 4.0, 5.0])
    points = to_points(bars, most=2)
    assert (points.bars_per_point, points.total) == (3, 5)
    assert points.bars.open.tolist() == [10.0, 11.0]
    assert points.bars.high.tolist() == [12.0, 13.0]
    assert points.bars.low.tolist() == [10.0, 9.0]
    assert points.bars.close.tolist() == [12.0, 13.0]
    assert points.bars.volume.tolist() == [3.0, 12.0]
    assert points.bars.opened_at.tolist() == bars.opened_at[[0, 2]].tolist()
    assert points.ends.tolist() == bars.opened_at[[1, 4]].tolist()


def test_few_bars_stay_as_they_are() -> None:
    bars = make_bars(n=3)
    points = to_points(bars, most=3)
    assert points.bars is bars
    assert points.bars_per_point == 1


def test_no_bars_give_no_points() -> None:
    points = to_points(Bars.empty("AAPL", Timeframe.DAILY), most=5)
    assert len(points.bars) == points.total == 0


def test_a_point_of_daily_bars_carries_the_first_session() -> None:
    points = to_points(make_bars(timeframe=Timeframe.DAILY, n=4), most=2)
    assert points.bars.sessions is not None
    assert points.bars.sessions.astype(str).tolist() == ["2024-01-02", "2024-01-04"]


@given(
    prices=st.lists(st.integers(1, 1000), min_size=1, max_size=200),
    most=st.integers(1, 250),
)
def test_points_are_never_more_than_asked_and_lose_nothing(prices: list[int], most: int) -> None:
    bars = make_bars(close=[float(price) for price in prices])
    points = to_points(bars, most=most)
    assert 1 <= len(points.bars) <= most
    assert points.bars.volume.sum() == pytest.approx(bars.volume.sum())
    assert points.bars.high.max() == max(prices)
    assert points.bars.low.min() == min(prices)
    assert points.bars.open[0] == prices[0]
    assert points.bars.close[-1] == prices[-1]
    assert np.all(points.ends >= points.bars.opened_at)

"""Errors put into real bars: each rule finds them all, gives back what stood there, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.repairing.patches import Patch, Rule, values_at
from simutrador_data.services.repairing.proposing import propose

PRICES = ("open", "high", "low", "close")


def scaled(bars: Bars, at: slice, factor: float, columns: tuple[str, ...] = PRICES) -> Bars:
    changed = {name: getattr(bars, name).copy() for name in columns}
    for column in changed.values():
        column[at] *= factor
    return replace(bars, **changed)


def assert_gives_back(patches: list[Patch], bars: Bars, at: slice, rule: Rule) -> None:
    wanted = range(*at.indices(len(bars)))
    assert [patch.opened_at for patch in patches] == [int(bars.opened_at[k]) for k in wanted]
    assert {patch.rule for patch in patches} == {rule}
    for patch, k in zip(patches, wanted, strict=True):
        np.testing.assert_allclose(patch.new, values_at(bars, k), rtol=1e-12)


@pytest.mark.parametrize("factor", [100.0, 0.01])
@pytest.mark.parametrize("name", ["EWG-1d-no-bad-divs", "IBE-MC-1d-no-bad-divs"])
@pytest.mark.parametrize("at", [slice(1, 2), slice(300, 301), slice(300, 308), slice(300, 310)])
def test_prices_in_the_wrong_unit_come_back(
    yahoo: Callable[[str], Any], name: str, factor: float, at: slice
) -> None:
    bars = yahoo(name).bars
    wrong = scaled(bars, at, factor)
    assert_gives_back(propose(wrong), bars, at, Rule.HUNDREDFOLD)


@pytest.mark.parametrize("column", PRICES)
def test_one_price_in_the_wrong_unit_comes_back(yahoo: Callable[[str], Any], column: str) -> None:
    bars = yahoo("EWG-1d-no-bad-divs").bars
    patches = propose(scaled(bars, slice(90, 91), 100.0, (column,)))
    assert_gives_back(patches, bars, slice(90, 91), Rule.HUNDREDFOLD)
    assert patches[0].columns == (column,)


@pytest.mark.parametrize("first", [1, 4, 7, 9, 10, 11, 200, -11, -10, -7, -1])
@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_change_of_unit_for_good_is_left_alone(
    yahoo: Callable[[str], Any], first: int, factor: float
) -> None:
    assert propose(scaled(yahoo("EWG-1d-no-bad-divs").bars, slice(first, None), factor)) == []


@pytest.mark.parametrize("at", [slice(6, 16), slice(300, 311), slice(-16, -6)])
def test_a_run_as_long_as_what_surrounds_it_is_left_alone(
    yahoo: Callable[[str], Any], at: slice
) -> None:
    assert propose(scaled(yahoo("EWG-1d-no-bad-divs").bars, at, 100.0)) == []


@pytest.mark.parametrize("at", [0, -1])
def test_one_price_of_the_first_or_last_bar_comes_back(
    yahoo: Callable[[str], Any], at: int
) -> None:
    bars = yahoo("EWG-1d-no-bad-divs").bars
    at %= len(bars)
    off = slice(at, at + 1)
    assert_gives_back(propose(scaled(bars, off, 100.0, ("high",))), bars, off, Rule.HUNDREDFOLD)


def test_a_fall_by_nine_tenths_that_volume_does_not_answer_is_left_alone() -> None:
    close = [100.0 if k < 25 else 10.0 for k in range(40)]
    volume = [1000.0] * 40
    bars = make_bars(
        timeframe=Timeframe.DAILY, close=close, volume=volume, adjustment=Adjustment.SPLIT
    )
    assert bars.sessions is not None
    day: date = bars.sessions[20].item()
    split = CorporateAction("AAPL", ActionKind.SPLIT, day, ratio=Decimal("0.1"))
    assert propose(bars, [split]) == []


def test_raw_bars_with_their_splits_are_left_alone(apple: Any) -> None:
    assert propose(apple.bars, apple.actions) == []


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("bac", {date(2004, 8, 30): 2}),
        ("eem", {date(2005, 6, 9): 3, date(2008, 7, 24): 3}),
        ("fb", {}),
        ("googl", {date(2014, 4, 3): 2}),
        ("iwm", {date(2005, 6, 9): 2}),
        ("qqq", {date(2000, 3, 20): 2}),
        ("spy", {}),
    ],
)
def test_years_of_raw_bars_are_left_alone(
    lean: Callable[[str], Bars], name: str, splits: dict[date, int]
) -> None:
    bars = lean(name)
    assert len(bars) > 1700
    actions = [
        CorporateAction("X", ActionKind.SPLIT, day, ratio=Decimal(ratio))
        for day, ratio in splits.items()
    ]
    assert propose(bars, actions) == []


def test_raw_bars_without_their_recorded_splits_are_left_alone(apple: Any) -> None:
    assert propose(apple.bars) == []


@pytest.mark.parametrize(
    ("start", "factor", "rule"),
    [
        # Three sessions some days before it stand on the new terms, or some days after on the old.
        (-5, 0.5, Rule.SPLIT_DOUBLED),
        (2, 2.0, Rule.SPLIT_MISSED),
    ],
)
def test_raw_bars_on_the_wrong_side_of_a_split_come_back(
    apple: Any, start: int, factor: float, rule: Rule
) -> None:
    at = int(np.searchsorted(apple.bars.sessions, np.datetime64("2005-02-28")))
    off = slice(at + start, at + start + 3)
    volume = apple.bars.volume.copy()
    volume[off] /= factor
    wrong = replace(scaled(apple.bars, off, factor), volume=volume)
    assert_gives_back(propose(wrong, apple.actions), apple.bars, off, rule)


@pytest.mark.parametrize("day", [date(2005, 2, 24), date(2005, 2, 25), date(2005, 3, 1)])
def test_raw_bars_are_left_alone_where_the_split_is_recorded_on_a_wrong_day(
    apple: Any, day: date
) -> None:
    split = CorporateAction("X", ActionKind.SPLIT, day, ratio=Decimal(2))
    assert propose(apple.bars, [split]) == []


def test_raw_bars_are_left_alone_where_a_split_is_recorded_that_never_was(apple: Any) -> None:
    split = CorporateAction("X", ActionKind.SPLIT, date(2008, 5, 5), ratio=Decimal("0.1"))
    assert propose(apple.bars, [*apple.actions, split]) == []


def test_adjusted_bars_that_missed_a_split_come_back() -> None:
    close = [round(100 + 3 * math.sin(k), 2) for k in range(60)]
    bars = make_bars(timeframe=Timeframe.DAILY, close=close, adjustment=Adjustment.SPLIT)
    bars = replace(bars, volume=np.full(60, 4000.0))
    wrong = scaled(bars, slice(0, 30), 4.0)
    wrong = replace(wrong, volume=np.where(np.arange(60) < 30, 1000.0, 4000.0))
    assert bars.sessions is not None
    day: date = bars.sessions[30].item()
    split = CorporateAction("AAPL", ActionKind.SPLIT, day, ratio=Decimal(4))
    assert [patch.rule for patch in propose(wrong)] == []
    patches = propose(wrong, [split])
    assert abs(math.log(close[30] / close[29])) < 0.05
    assert_gives_back(patches, bars, slice(0, 30), Rule.SPLIT_MISSED)


def test_zeros_of_a_bar_that_did_not_trade_are_its_last_price(
    yahoo: Callable[[str], Any],
) -> None:
    bars = yahoo("LA-V-1d-bad-stock-split-fixed").bars
    quiet = np.flatnonzero(bars.volume == 0)
    assert len(quiet) == 10
    zeroed = {name: getattr(bars, name).copy() for name in ("open", "high", "low")}
    for column in zeroed.values():
        column[quiet] = 0.0
    patches = propose(replace(bars, **zeroed))
    assert [patch.new for patch in patches] == [values_at(bars, k) for k in quiet.tolist()]
    assert {patch.rule for patch in patches} == {Rule.ZERO_PRICE}


def test_a_zero_in_a_bar_that_traded_is_left_alone(yahoo: Callable[[str], Any]) -> None:
    bars = yahoo("EWG-1d-no-bad-divs").bars
    low = bars.low.copy()
    low[50] = 0.0
    assert propose(replace(bars, low=low)) == []


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_few_bars_are_left_alone(rows: int) -> None:
    split = CorporateAction("AAPL", ActionKind.SPLIT, date(2024, 1, 3), ratio=Decimal(2))
    assert propose(make_bars(timeframe=Timeframe.DAILY, n=rows), [split]) == []


@pytest.mark.parametrize(("ratio", "found"), [("1.25", 0), ("1.5", 3), ("2", 3)])
def test_a_split_that_the_market_could_have_moved_is_left_alone(ratio: str, found: int) -> None:
    close = [100.0 * (float(ratio) if 12 <= k < 15 else 1.0) for k in range(40)]
    bars = make_bars(timeframe=Timeframe.DAILY, close=close, adjustment=Adjustment.SPLIT)
    assert bars.sessions is not None
    day: date = bars.sessions[18].item()
    split = CorporateAction("AAPL", ActionKind.SPLIT, day, ratio=Decimal(ratio))
    assert [patch.new[3] for patch in propose(bars, [split])] == pytest.approx([100.0] * found)

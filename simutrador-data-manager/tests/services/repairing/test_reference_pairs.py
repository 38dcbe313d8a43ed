"""The 19 faulty files and what yfinance repairs them to; docs/repair.md says which are covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from simutrador_core.models.bars import OHLCV, Bars
from simutrador_data.services.repairing.patches import Patch, Rule
from simutrador_data.services.repairing.proposing import propose

Yahoo = Callable[[str], Any]

# Name, rule, bars repaired, relative tolerance of prices. The files hold float32 prices; DEX-AX was
# repaired with more digits of the ratio than the 0.4406 that is recorded.
COVERED: Final = [
    ("ALPHA-PA-1d-bad-stock-split", Rule.SPLIT_MISSED, 1, 1e-7),
    ("DEX-AX-1d-bad-stock-split", Rule.SPLIT_MISSED, 15, 1e-5),
    ("LA-V-1d-bad-stock-split", Rule.SPLIT_MISSED, 1, 1e-7),
    ("MOB-ST-1d-bad-stock-split", Rule.SPLIT_MISSED, 1, 1e-7),
    ("SPM-MI-1d-bad-stock-split", Rule.SPLIT_DOUBLED, 13, 1e-7),
]
IN_ADJUSTED_CLOSE_OR_DIVIDENDS: Final = [
    "1398-HK-1d-bad-div",
    "4063-T-1d-bad-div",
    "8TRA-DE-1d-missing-div-adjust",
    "ADIG-L-1d-bad-div",
    "KAP-IL-1d-bad-div",
    "KME-MI-1d-bad-div",
    "PSH-L-1d-bad-div",
    "RGL-L-1d-bad-div",
    "SCR-TO-1d-bad-div",
    "TEM-L-1d-bad-div",
    "TEP-PA-1d-bad-div",
    "VWILX-1d-cg-double-count",
]
UNIT_LEFT_AS_IT_WAS: Final = "CLC-L-1d-bad-div"
NOT_DAILY: Final = ["AV-L-1wk-bad-stock-split"]
SOUND: Final = ["EA-15m-no-bad-divs", "EWG-1d-no-bad-divs", "IBE-MC-1d-no-bad-divs"]


def repaired(bars: Bars, patches: list[Patch]) -> dict[str, np.ndarray]:
    columns = {name: getattr(bars, name).copy() for name in OHLCV}
    for patch in patches:
        at = int(np.searchsorted(bars.opened_at, patch.opened_at))
        for name, value in zip(OHLCV, patch.new, strict=True):
            columns[name][at] = value
    return columns


@pytest.mark.parametrize(("name", "rule", "count", "tolerance"), COVERED)
def test_faulty_bars_become_the_repaired_ones(
    yahoo: Yahoo, name: str, rule: Rule, count: int, tolerance: float
) -> None:
    faulty, fixed = yahoo(name), yahoo(f"{name}-fixed").bars
    patches = propose(faulty.bars, faulty.actions)
    assert Counter(patch.rule for patch in patches) == {rule: count}
    columns = repaired(faulty.bars, patches)
    for column in ("open", "high", "low", "close"):
        np.testing.assert_allclose(
            columns[column], getattr(fixed, column), rtol=tolerance, err_msg=column
        )
    np.testing.assert_array_equal(columns["volume"], fixed.volume)


@pytest.mark.parametrize("name", [f"{case[0]}-fixed" for case in COVERED])
def test_repaired_bars_need_no_repair(yahoo: Yahoo, name: str) -> None:
    recorded = yahoo(name)
    assert propose(recorded.bars, recorded.actions) == []


@pytest.mark.parametrize("name", SOUND)
def test_sound_bars_are_left_alone(yahoo: Yahoo, name: str) -> None:
    recorded = yahoo(name)
    assert propose(recorded.bars, recorded.actions) == []


@pytest.mark.parametrize("name", IN_ADJUSTED_CLOSE_OR_DIVIDENDS)
def test_bars_beside_a_wrong_dividend_are_left_alone(yahoo: Yahoo, name: str) -> None:
    recorded, fixed = yahoo(name), yahoo(f"{name}-fixed").bars
    assert propose(recorded.bars, recorded.actions) == []
    # The reference does not change the bars either: its error lies beside them.
    for column in OHLCV:
        np.testing.assert_allclose(
            getattr(recorded.bars, column), getattr(fixed, column), rtol=1e-7
        )


def test_a_price_in_the_wrong_unit_that_the_reference_leaves_is_found(yahoo: Yahoo) -> None:
    recorded, fixed = yahoo(UNIT_LEFT_AS_IT_WAS), yahoo(f"{UNIT_LEFT_AS_IT_WAS}-fixed").bars
    np.testing.assert_allclose(recorded.bars.close, fixed.close, rtol=1e-7)
    patches = propose(recorded.bars, recorded.actions)
    # Prices stand in pounds; for six sessions without a trade they are a hundredth of it.
    assert [str(patch.session) for patch in patches] == [
        "2024-07-29",
        "2024-07-30",
        "2024-07-31",
        "2024-08-01",
        "2024-08-02",
        "2024-08-05",
    ]
    for patch in patches:
        assert patch.rule is Rule.HUNDREDFOLD
        assert patch.new == pytest.approx((0.6, 0.6, 0.6, 0.6, 0.0), rel=1e-6)


@pytest.mark.parametrize("name", NOT_DAILY)
def test_a_fall_with_a_split_that_a_payment_explains_is_left_alone(yahoo: Yahoo, name: str) -> None:
    recorded = yahoo(name)
    assert propose(recorded.bars, recorded.actions) == []


def test_every_pair_of_the_reference_is_accounted_for(data: Any) -> None:
    folder = data / "broken" / "yahoo_price_repair"
    faulty = {path.stem.removesuffix("-fixed") for path in folder.glob("*-fixed.csv")}
    accounted = [case[0] for case in COVERED] + IN_ADJUSTED_CLOSE_OR_DIVIDENDS + NOT_DAILY
    accounted.append(UNIT_LEFT_AS_IT_WAS)
    assert sorted(accounted) == sorted(faulty)
    assert len(accounted) == 19

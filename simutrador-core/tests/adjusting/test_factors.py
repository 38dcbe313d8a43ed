"""Adjusted prices: tables worked by hand, exact arithmetic, and what others published."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simutrador_core.adjusting.companies import Companies, Tenure, actions_of
from simutrador_core.adjusting.factors import Factors, Step, adjust, factors_of, steps_of
from simutrador_core.errors import InvalidActionError
from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import D64, I64, OHLCV, Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars

SPLIT, TOTAL = Adjustment.SPLIT, Adjustment.TOTAL
FIRST = date(2024, 1, 2)


def day(number: int) -> date:
    """Return the session of a bar: bars of `make_bars` stand on consecutive days."""
    return FIRST + timedelta(days=number)


def split(at: int, ratio: str, symbol: str = "X") -> CorporateAction:
    return CorporateAction(symbol, ActionKind.SPLIT, day(at), ratio=Decimal(ratio))


def dividend(at: int, amount: str, symbol: str = "X") -> CorporateAction:
    return CorporateAction(symbol, ActionKind.DIVIDEND, day(at), amount=Decimal(amount))


def utc_days(days: D64) -> I64:
    return days.astype("datetime64[us]").view(np.int64)


def adjusted(bars: Bars, actions: Sequence[CorporateAction], to: Adjustment) -> Bars:
    """Return daily bars of one company adjusted by all of its actions."""
    closes = dict(zip(_days(bars), bars.close.tolist(), strict=True))
    steps = steps_of(actions, to=to, close_before=before(closes))
    return adjust(bars, factors_of([(Tenure("X"), steps)]), to=to, day_starts=utc_days)


def before(closes: dict[date, float]) -> Callable[[date], float]:
    return lambda day: closes[max(one for one in closes if one < day)]


def _days(bars: Bars) -> list[date]:
    assert bars.sessions is not None
    return bars.sessions.tolist()


# closes as traded, actions, split-adjusted, fully adjusted, volumes (1000 a day as traded)
GOLDEN = {
    "2:1": ([100, 102, 52], [split(2, "2")], [50, 51, 52], [50, 51, 52], [2000, 2000, 1000]),
    "1:10": ([1, 1.1, 12], [split(2, "0.1")], [10, 11, 12], [10, 11, 12], [100, 100, 1000]),
    # 50 -> 49/50 of every price before
    "dividend of 1 on 50": (
        [40, 50, 49],
        [dividend(2, "1")],
        [40, 50, 49],
        [39.2, 49, 49],
        [1000, 1000, 1000],
    ),
    # (100/2 - 1) / 100 = 0.49: the cash is paid on the new shares
    "2:1 and 1 on one day": (
        [80, 100, 49],
        [split(2, "2"), dividend(2, "1")],
        [40, 50, 49],
        [39.2, 49, 49],
        [2000, 2000, 1000],
    ),
    # (12/0.1 - 6) / 12 = 9.5
    "1:10 and 6 on one day": (
        [10, 12, 115],
        [dividend(2, "6"), split(2, "0.1")],
        [100, 120, 115],
        [95, 114, 115],
        [100, 100, 1000],
    ),
    # (20 - 1.5)/20 = 0.925: an ordinary and a special one, 1 and 0.5
    "two dividends on one day": (
        [10, 20, 18],
        [dividend(2, "1"), dividend(2, "0.5")],
        [10, 20, 18],
        [9.25, 18.5, 18],
        [1000, 1000, 1000],
    ),
    # 1/2 * 1/3 before day 1; 1/3 on day 1; 39/40 for the dividend on day 3
    "2:1, then 3:1, then 1 on 40": (
        [240, 120, 40, 39],
        [split(1, "2"), split(2, "3"), dividend(3, "1")],
        [40, 40, 40, 39],
        [39, 39, 39, 39],
        [6000, 3000, 1000, 1000],
    ),
    "3:2": ([30, 21], [split(1, "1.5")], [20, 21], [20, 21], [1500, 1000]),
    "before the first bar": ([10, 11], [split(0, "2")], [10, 11], [10, 11], [1000, 1000]),
    "nothing": ([10, 11], [], [10, 11], [10, 11], [1000, 1000]),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_prices_and_volumes_are_those_worked_by_hand(case: str) -> None:
    traded, actions, by_split, in_total, volumes = GOLDEN[case]
    bars = make_bars("X", Timeframe.DAILY, close=traded, volume=[1000] * len(traded))
    for to, expected in ((SPLIT, by_split), (TOTAL, in_total)):
        found = adjusted(bars, actions, to)
        assert found.adjustment is to
        for name in ("open", "high", "low", "close"):
            np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-12)
        np.testing.assert_allclose(found.volume, volumes, rtol=1e-12)


def test_minutes_change_terms_where_the_trading_day_begins() -> None:
    bars = make_bars("X", n=4, start=FIRST_MINUTE, close=[100, 101, 51, 52])
    edge = int(bars.opened_at[2])
    factors = factors_of([(Tenure("X"), [Step(FIRST, 0.5, 2.0)])])
    found = adjust(bars, factors, to=SPLIT, day_starts=lambda _: np.array([edge]))
    assert found.close.tolist() == [50, 50.5, 51, 52]
    assert found.volume.tolist() == [2000, 2002, 1002, 1003]


FIRST_MINUTE = make_bars().first or pytest.fail("make_bars gives bars")


def test_everything_but_prices_and_volumes_stays() -> None:
    bars = make_bars("X", Timeframe.DAILY, n=3, synthetic=[False, True, False], complete=False)
    found = adjusted(bars, [split(2, "2")], SPLIT)
    columns = {name: getattr(bars, name) for name in OHLCV}
    assert replace(found, adjustment=Adjustment.RAW, **columns).equals(bars)


def test_no_bars_stay_no_bars() -> None:
    nothing = Bars.empty("X", Timeframe.DAILY)
    found = adjust(nothing, factors_of([(Tenure("X"), [])]), to=TOTAL, day_starts=utc_days)
    assert (len(found), found.adjustment) == (0, TOTAL)


@pytest.mark.parametrize("cash", ["20", "25"])
def test_cash_of_the_whole_price_is_refused(cash: str) -> None:
    bars = make_bars("X", Timeframe.DAILY, close=[10, 20, 1])
    with pytest.raises(InvalidActionError, match="not below 20"):
        adjusted(bars, [dividend(2, cash)], TOTAL)


def test_a_company_is_adjusted_across_its_names_and_no_other_with_it() -> None:
    # OLD is renamed to MID on day 2 and to NEW on day 4; from day 2 on another company is OLD.
    names = [
        CorporateAction("OLD", ActionKind.RENAME, day(2), successor="MID"),
        CorporateAction("MID", ActionKind.RENAME, day(4), successor="NEW"),
    ]
    splits = [
        split(1, "2", "OLD"),
        split(3, "3", "MID"),
        split(5, "5", "NEW"),
        split(5, "7", "OLD"),
        split(1, "11", "NEW"),  # of whoever was NEW before
    ]
    companies = Companies(names)

    def factors(symbol: str) -> Factors:
        return factors_of(
            [
                (tenure, steps_of(actions_of(companies.company_with(tenure), splits), to=SPLIT,
                                  close_before=lambda _: 1.0))
                for tenure in companies.tenures_of(symbol)
            ]
        )  # fmt: skip

    flat = make_bars("OLD", Timeframe.DAILY, close=[2310.0] * 7)
    for symbol, expected in {
        # 2 * 3 * 5 = 30 before day 1, 3 * 5 on day 1; then the other company: 7 before day 5.
        "OLD": [77, 154, 330, 330, 330, 2310, 2310],
        "MID": [2310, 2310, 154, 462, 2310, 2310, 2310],
        # 11 of the former NEW before day 1; nothing until day 4; 5 on day 4.
        "NEW": [210, 2310, 2310, 2310, 462, 2310, 2310],
    }.items():
        bars = replace(flat, symbol=symbol)
        found = adjust(bars, factors(symbol), to=SPLIT, day_starts=utc_days)
        np.testing.assert_allclose(found.close, expected, rtol=1e-12)


prices = st.decimals("0.5", "2000", places=2)
ratios = st.sampled_from(["2", "3", "7", "1.5", "0.1", "0.04", "20"])


@given(
    closes=st.lists(prices, min_size=2, max_size=30),
    splits=st.dictionaries(st.integers(1, 29), ratios, max_size=6),
    cash=st.dictionaries(st.integers(1, 29), st.decimals("0.0001", "0.01", places=4), max_size=12),
)
def test_factors_are_exact_to_one_part_in_a_billion(
    closes: list[Decimal], splits: dict[int, str], cash: dict[int, Decimal]
) -> None:
    bars = make_bars("X", Timeframe.DAILY, close=[float(one) for one in closes])
    actions = [split(at, ratio) for at, ratio in splits.items() if at < len(closes)]
    actions += [dividend(at, str(a)) for at, a in cash.items() if at < len(closes)]
    found = adjusted(bars, actions, TOTAL)
    expected = [Fraction(one) for one in closes]
    for at in range(1, len(closes)):  # the slow, obvious way: walk forward, rescale all before
        ratio = Fraction(splits.get(at, "1"))
        before = Fraction(closes[at - 1])
        factor = (before / ratio - Fraction(cash.get(at, 0))) / before
        expected[:at] = [one * factor for one in expected[:at]]
    np.testing.assert_allclose(found.close, [float(one) for one in expected], rtol=1e-9)


@given(st.integers(0, 30), st.dictionaries(st.integers(1, 29), ratios, max_size=8))
def test_what_comes_later_changes_nothing_that_was_adjusted_by_then(
    today: int, splits: dict[int, str]
) -> None:
    bars = make_bars("X", Timeframe.DAILY, n=30)
    known = [split(at, ratio) for at, ratio in splits.items() if at <= today]
    cut = bars.take(slice(0, today + 1))
    assert (
        adjusted(bars, known, SPLIT).take(slice(0, today + 1)).equals(adjusted(cut, known, SPLIT))
    )


@pytest.mark.parametrize("name", ["WIKI-ORCL-2000-quandl.csv", "WIKI-IBM-2011-quandl.csv"])
def test_steps_are_those_of_published_adjusted_prices(test_data: Path, name: str) -> None:
    text = (test_data / "bars/equity_us/daily_wiki" / name).read_text(encoding="utf-8")
    rows = sorted(csv.DictReader(text.splitlines()), key=lambda row: row["Date"])
    closes = {date.fromisoformat(row["Date"]): float(row["Close"]) for row in rows}
    published = [float(row["Adj. Close"]) / float(row["Close"]) for row in rows]
    actions = [action for row in rows for action in wiki_actions(row)]
    steps = {s.effective: s for s in steps_of(actions, to=TOTAL, close_before=before(closes))}
    assert len(steps) == {"ORCL": 2, "IBM-": 4}[name[5:9]]
    for at, row in enumerate(rows[1:], start=1):
        day = date.fromisoformat(row["Date"])
        expected = steps[day].price if day in steps else 1.0
        if float(row["Ex-Dividend"]):
            # WIKI divides by 1 + A/close of the day; CRSP, Yahoo and Lean multiply by 1 - A/close
            # of the day before.
            cash = (1 - expected) * float(rows[at - 1]["Close"])
            expected = 1 / (1 + cash / float(row["Close"]))
        assert published[at - 1] / published[at] == pytest.approx(expected, rel=1e-9)


def wiki_actions(row: dict[str, str]) -> list[CorporateAction]:
    effective = date.fromisoformat(row["Date"])
    found: list[CorporateAction] = []
    if float(row["Ex-Dividend"]):
        amount = Decimal(row["Ex-Dividend"])
        found.append(CorporateAction("X", ActionKind.DIVIDEND, effective, amount=amount))
    if float(row["Split Ratio"]) != 1:
        ratio = Decimal(row["Split Ratio"])
        found.append(CorporateAction("X", ActionKind.SPLIT, effective, ratio=ratio))
    return found


def test_splits_of_apple_are_those_of_published_adjusted_prices(test_data: Path) -> None:
    """Whole series 2000-2013: 2:1 in 2000 and 2005, three dividends of 2.65 (2012, 2013)."""
    with gzip.open(test_data / "bars/equity_us/daily_wiki/bokeh_stocks.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == "AAPL"]
    rows.sort(key=lambda row: row["Date"])
    published = np.array([float(row["Adj Close"]) / float(row["Close"]) for row in rows])
    bars = make_bars("X", Timeframe.DAILY, close=[float(row["Close"]) for row in rows])
    days = [row["Date"] for row in rows]
    actions = [split(days.index("2000-06-21"), "2"), split(days.index("2005-02-28"), "2")]
    found = adjusted(bars, actions, SPLIT).close / bars.close
    until = days.index("2012-08-09")  # the first dividend since 1995
    np.testing.assert_allclose(found[:until], published[:until] / published[until - 1], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "first", "count"),
    # Bank of America paid 0.38 a share in March 1998 and 0.18 in 2020 and 2021.
    [("bac", "0.38", 93), ("spy", "0.3134", 93), ("qqq", "0.014", 66)],
)
def test_factors_are_those_of_recorded_factor_files(
    test_data: Path, name: str, first: str, count: int
) -> None:
    text = (test_data / f"bars/equity_us/factor_files/{name}.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.split()]
    closes: dict[date, float] = {}
    actions: list[CorporateAction] = []
    for row, later in pairwise(rows):
        last = date.fromisoformat(row[0])
        closes[last] = float(row[3])
        share = 1 - Decimal(row[1]) / Decimal(later[1])
        ratio = Decimal(later[2]) / Decimal(row[2])
        effective = last + timedelta(days=1)
        if ratio != 1:
            actions.append(CorporateAction("X", ActionKind.SPLIT, effective, ratio=ratio))
        # Cash is paid in hundredths of a cent; factors are given to seven digits.
        amount = (share * Decimal(row[3]) / ratio).quantize(Decimal("0.0001"))
        if amount:
            actions.append(CorporateAction("X", ActionKind.DIVIDEND, effective, amount=amount))
    paid = [action.amount for action in actions if action.amount]
    assert paid[0] == Decimal(first)
    assert len(paid) >= count
    steps = steps_of(actions, to=TOTAL, close_before=before(closes))
    factors = factors_of([(Tenure("X"), steps)])
    at = np.searchsorted(factors.edges, np.array([row_date(row) for row in rows]), side="right")
    published = np.array([float(row[1]) * float(row[2]) for row in rows])
    np.testing.assert_allclose(factors.price[at], published, rtol=2e-5)


def row_date(row: list[str]) -> np.datetime64:
    return np.datetime64(date.fromisoformat(row[0]), "D")

"""Splits found from raw and adjusted prices, on made and on real ones."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.errors import InvalidBarsError
from simutrador_core.interfaces.data_provider import ActionKind
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars
from simutrador_data.services.validation.splits import find_splits

START = datetime(2024, 1, 1, tzinfo=UTC)


def daily(close: Iterable[float], adjustment: Adjustment) -> Bars:
    return make_bars(
        timeframe=Timeframe.DAILY, start=START, close=list(close), adjustment=adjustment
    )


def pair(prices: list[float], events: dict[int, float], *, digits: int = 12) -> tuple[Bars, Bars]:
    """Return adjusted prices and the raw ones before the events (day: factor) in them."""
    factor = np.ones(len(prices))
    for day, jump in events.items():
        factor[:day] *= jump
    raw = np.array(prices) * factor
    return daily(raw, Adjustment.RAW), daily(np.round(prices, digits), Adjustment.TOTAL)


PRICES = [20.0, 20.4, 20.1, 20.9, 20.5, 20.2]


@pytest.mark.parametrize(
    ("jump", "ratio"),
    [
        (2.0, "2"),
        (3.0, "3"),
        (7.0, "7"),
        (20.0, "20"),
        (1.5, "1.5"),
        (1.25, "1.25"),
        (0.1, "0.1"),
        (0.05, "0.05"),
        (2.0 * 1.008, "2"),  # a dividend of 0.8 % on the same day
        (0.1 * 1.01, "0.1"),
    ],
)
def test_a_jump_near_a_simple_ratio_is_a_split(jump: float, ratio: str) -> None:
    splits = find_splits(*pair(PRICES, {3: jump}))

    assert [(s.kind, s.effective, s.ratio, s.symbol) for s in splits] == [
        (ActionKind.SPLIT, date(2024, 1, 4), Decimal(ratio), "AAPL")
    ]


@pytest.mark.parametrize("jump", [1.005, 1.02, 1.11245, 1.17, 0.98])
def test_dividends_are_no_splits(jump: float) -> None:
    assert find_splits(*pair(PRICES, {3: jump})) == []


def test_a_third_is_as_exact_as_a_decimal_can_be() -> None:
    splits = find_splits(*pair(PRICES, {3: 4 / 3}))

    assert [s.ratio for s in splits] == [Decimal(4) / Decimal(3)]


def test_adjusted_prices_rounded_to_cents_still_show_a_split() -> None:
    prices = [0.3711, 0.3698, 0.3742, 0.3761, 0.3733, 0.3755]

    splits = find_splits(*pair(prices, {3: 7.0}, digits=2))

    assert [(s.effective, s.ratio) for s in splits] == [(date(2024, 1, 4), Decimal(7))]


def test_a_wrong_adjusted_price_that_the_raw_one_does_not_answer_is_no_split() -> None:
    raw = daily(PRICES, Adjustment.RAW)
    adjusted = daily([*PRICES[:3], PRICES[3] / 2, *PRICES[4:]], Adjustment.TOTAL)

    assert find_splits(raw, adjusted) == []


def test_a_crash_without_a_change_of_the_factor_is_no_split() -> None:
    assert find_splits(*pair([20.0, 20.0, 10.0, 10.1, 10.0, 9.9], {})) == []


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_bars_show_no_splits(n: int) -> None:
    assert find_splits(*pair(PRICES[:n], {})) == []


def test_only_instants_that_both_have_are_compared() -> None:
    raw, adjusted = pair(PRICES, {3: 2.0})

    splits = find_splits(raw, adjusted.take(np.array([0, 1, 2, 4, 5])))

    assert [s.effective for s in splits] == [date(2024, 1, 5)]


def test_bars_of_different_symbols_are_refused() -> None:
    with pytest.raises(InvalidBarsError, match="cannot compare AAPL 1min raw with MSFT 1min raw"):
        find_splits(make_bars(), make_bars("MSFT"))


# --- Real files ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wiki() -> Path:
    folder = os.environ.get("SIMUTRADOR_TEST_DATA")
    if not folder:
        pytest.skip("SIMUTRADOR_TEST_DATA does not name the folder of real market data")
    return Path(folder) / "bars" / "equity_us" / "daily_wiki"


def real(rows: list[dict[str, str]], adjusted_close: str, *, digits: int) -> tuple[Bars, Bars]:
    rows = sorted(rows, key=lambda row: row["Date"])
    days = [datetime.fromisoformat(row["Date"] + "T14:30+00:00") for row in rows]
    columns = {
        name.lower(): np.array([float(row[name]) for row in rows])
        for name in ("Open", "High", "Low", "Close", "Volume")
    }
    adjusted = [round(float(row[adjusted_close]), digits) for row in rows]
    total = make_bars(
        "X", Timeframe.DAILY, opened_at=days, close=adjusted, adjustment=Adjustment.TOTAL
    )
    raw = replace(total, adjustment=Adjustment.RAW, **columns)
    return raw, total


@pytest.mark.parametrize("digits", [12, 4, 2])
@pytest.mark.parametrize(
    ("ticker", "splits"),
    [
        ("AAPL", [date(2000, 6, 21), date(2005, 2, 28)]),
        ("MSFT", [date(2003, 2, 18)]),
        ("IBM", []),
        ("GOOG", []),
        ("FB", []),
    ],
)
def test_thirteen_years_show_the_splits_the_companies_made(
    wiki: Path, ticker: str, splits: list[date], digits: int
) -> None:
    with gzip.open(wiki / "bokeh_stocks.csv.gz", "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == ticker]

    found = find_splits(*real(rows, "Adj Close", digits=digits))

    assert [(s.effective, s.ratio) for s in found] == [(day, Decimal(2)) for day in splits]


@pytest.mark.parametrize("name", ["WIKI-ORCL-2000-quandl.csv", "WIKI-IBM-2011-quandl.csv"])
def test_the_splits_are_those_the_file_marks(wiki: Path, name: str) -> None:
    with (wiki / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    marked = {
        date.fromisoformat(row["Date"]): Decimal(row["Split Ratio"])
        for row in rows
        if row["Split Ratio"] != "1.0"
    }

    found = find_splits(*real(rows, "Adj. Close", digits=12))

    assert {s.effective: s.ratio for s in found} == marked
    assert len(marked) == (2 if "ORCL" in name else 0)

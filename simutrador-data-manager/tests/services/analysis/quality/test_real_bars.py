"""Faulty bars that a vendor once gave are found, and sound ones of 20 years are not accused."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.analysis.quality.outliers import find_outliers
from simutrador_data.services.analysis.quality.split_suspects import find_split_suspects
from simutrador_data.services.analysis.quality.stale_prices import find_stale_prices
from simutrador_data.services.analysis.quality.volumes import find_zero_volume

DATA = os.environ.get("SIMUTRADOR_TEST_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="SIMUTRADOR_TEST_DATA is not set")
REPAIR = Path(DATA or ".") / "broken" / "yahoo_price_repair"
DAILY = Path(DATA or ".") / "bars" / "equity_us" / "daily"


def bars_of(given: list[tuple[date, list[float]]]) -> Bars:
    rows = sorted(row for row in given if min(row[1][:4]) > 0)
    days = np.array([day for day, _ in rows], dtype="datetime64[D]")
    columns = [np.array([values[k] for _, values in rows]) for k in range(5)]
    opened_at = days.astype("datetime64[us]").astype(np.int64)
    return Bars("X", Timeframe.DAILY, Adjustment.RAW, opened_at, *columns, sessions=days)


def yahoo(name: str) -> Bars:
    with (REPAIR / f"{name}.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["Close"]]
    label = "Date" if "Date" in rows[0] else "Datetime"
    names = ("Open", "High", "Low", "Close", "Volume")
    return bars_of(
        [
            (date.fromisoformat(row[label][:10]), [float(row[name]) for name in names])
            for row in rows
        ]
    )


def lean(symbol: str) -> Bars:
    with zipfile.ZipFile(DAILY / f"{symbol}.zip") as packed:
        text = packed.read(packed.namelist()[0]).decode()
    return bars_of(
        [
            (date.fromisoformat(row[0][:8]), [float(cell) for cell in row[1:6]])
            for row in csv.reader(io.StringIO(text))
        ]
    )


def days(bars: Bars, at: int = 1) -> list[str]:
    """Return the day of each split suspect: the second of its bars."""
    return [str(one.bars.sessions[at]) for one in find_split_suspects(bars)]  # type: ignore[index]


def test_a_split_applied_to_part_of_the_rows_is_suspected() -> None:
    (found,) = find_split_suspects(yahoo("SPM-MI-1d-bad-stock-split"))
    assert found.bars.sessions is not None
    assert (str(found.bars.sessions[1]), "(20:1)" in found.rule) == ("2022-06-20", True)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("MOB-ST-1d-bad-stock-split", "2023-05-22"),
        ("LA-V-1d-bad-stock-split", "2020-08-26"),
        ("ALPHA-PA-1d-bad-stock-split", "2023-05-08"),
    ],
)
def test_a_split_applied_to_one_row_alone_is_an_outlier(name: str, day: str) -> None:
    found = [one for one in find_outliers(yahoo(name)) if len(one.bars) == 3]
    assert [str(one.bars.sessions[1]) for one in found] == [day]  # type: ignore[index]


@pytest.mark.parametrize("name", ["MOB-ST-1d-bad-stock-split", "LA-V-1d-bad-stock-split"])
def test_the_same_rows_repaired_are_not_accused(name: str) -> None:
    bars = yahoo(f"{name}-fixed")
    assert (days(bars), list(find_outliers(bars))) == ([], [])


def test_prices_in_another_unit_for_a_week_are_suspected_twice() -> None:
    # Pounds for pence from 29 July 2024 to 5 August (0.60, 0.006, ... 0.60).
    assert days(yahoo("CLC-L-1d-bad-div")) == ["2024-07-29", "2024-08-06"]


@pytest.mark.parametrize("name", ["EWG-1d-no-bad-divs", "IBE-MC-1d-no-bad-divs"])
def test_sound_bars_of_a_vendor_are_not_accused(name: str) -> None:
    bars = yahoo(name)
    assert days(bars) == []
    assert list(find_outliers(bars)) == []
    assert list(find_stale_prices(bars)) == []


@pytest.mark.parametrize(
    ("symbol", "splits"),
    [
        ("bac", ["2004-08-30"]),
        ("qqq", ["2000-03-20"]),
        ("iwm", ["2005-06-09"]),
        ("spy", []),
        ("googl", []),
    ],
)
def test_of_20_years_of_raw_bars_the_splits_alone_are_suspected(
    symbol: str, splits: list[str]
) -> None:
    # The days on which these splits took effect, by the factor files beside the bars.
    bars = lean(symbol)
    assert days(bars) == splits
    known = [date.fromisoformat(day) for day in splits]
    assert list(find_split_suspects(bars, known)) == []
    assert list(find_stale_prices(bars)) == []
    assert list(find_zero_volume(bars)) == []


def outliers(symbol: str) -> list[str]:
    """Return the days of outliers, judged year by year as the checks do."""
    bars = lean(symbol)
    years = [bars.take(slice(at, at + 260)) for at in range(0, len(bars), 260)]
    found = [one.bars for year in years for one in find_outliers(year)]
    return [str(one.sessions[len(one) // 2]) for one in found if one.sessions is not None]


@pytest.mark.parametrize(
    ("symbol", "days"),
    [
        ("bac", ["2001-11-12", "2004-09-14"]),  # 62.80 63.24 40.00 63.01; 44.27 51.10 44.07 44.39
        ("spy", ["2005-09-06"]),  # 122.67 123.76 105.68 123.75
        ("qqq", ["2004-11-01"]),  # 36.97 37.18 27.05 37.02
        ("iwm", ["2008-09-19"]),  # 79.11 156.51 73.95 75.04
        ("googl", []),
        ("eem", []),
    ],
)
def test_prints_far_from_the_market_are_found_in_20_years_and_no_crisis(
    symbol: str, days: list[str]
) -> None:
    assert outliers(symbol) == days

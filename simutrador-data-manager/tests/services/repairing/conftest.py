"""Real bars: the faulty and repaired files of yfinance's tests, and sound ones."""

from __future__ import annotations

import csv
import gzip
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Bars with the splits and dividends recorded beside them."""

    bars: Bars
    actions: tuple[CorporateAction, ...]


@pytest.fixture(scope="session")
def data() -> Path:
    folder = os.environ.get("SIMUTRADOR_TEST_DATA")
    if not folder:
        pytest.skip("SIMUTRADOR_TEST_DATA does not name the folder of real market data")
    return Path(folder)


@pytest.fixture(scope="session")
def yahoo(data: Path) -> Callable[[str], Recorded]:
    """Reads one file of the reference by its name. Yahoo's prices are adjusted for splits."""

    def read(name: str) -> Recorded:
        path = data / "broken" / "yahoo_price_repair" / f"{name}.csv"
        with path.open(newline="") as file:
            # A row without prices is no bar: a store does not take it.
            rows = [row for row in csv.DictReader(file) if row["Close"]]
        key = "Date" if "Date" in rows[0] else "Datetime"
        timeframe = Timeframe.DAILY
        if "-1wk-" in name:
            timeframe = Timeframe.WEEKLY
        elif "-15m-" in name:
            timeframe = Timeframe.MINUTE_15
        return to_recorded(rows, key, timeframe, Adjustment.SPLIT)

    return read


@pytest.fixture(scope="session")
def apple(data: Path) -> Recorded:
    """Returns 13 years of AAPL as traded, with its two splits of 2 for 1."""
    path = data / "bars" / "equity_us" / "daily_wiki" / "bokeh_stocks.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == "AAPL"]
    for row in rows:
        row["Date"] += "T14:30+00:00"
        row["Stock Splits"] = "2" if row["Date"][:10] in ("2000-06-21", "2005-02-28") else "0"
    return to_recorded(rows, "Date", Timeframe.DAILY, Adjustment.RAW)


@pytest.fixture(scope="session")
def lean(data: Path) -> Callable[[str], Bars]:
    """Reads the daily bars of a fund or share as traded, by the name of its zip file."""

    def read(name: str) -> Bars:
        with zipfile.ZipFile(data / "bars" / "equity_us" / "daily" / f"{name}.zip") as packed:
            lines = packed.read(packed.namelist()[0]).decode().splitlines()
        rows = [line.split(",") for line in lines]
        days = np.array([f"{d[:4]}-{d[4:6]}-{d[6:8]}" for d, *_ in rows], dtype="datetime64[D]")
        values = np.array([[float(value) for value in row[1:6]] for row in rows])
        columns = (values * [1e-4, 1e-4, 1e-4, 1e-4, 1.0]).T.copy()
        times = days.astype("datetime64[us]").astype(np.int64)
        return Bars("X", Timeframe.DAILY, Adjustment.RAW, times, *columns, sessions=days)

    return read


def to_recorded(
    rows: list[Row], key: str, timeframe: Timeframe, adjustment: Adjustment
) -> Recorded:
    ordered = sorted((datetime.fromisoformat(row[key]), at) for at, row in enumerate(rows))
    times = [time for time, _ in ordered]
    rows = [rows[at] for _, at in ordered]
    days = None
    if not timeframe.is_intraday:
        days = np.array([time.date() for time in times], dtype="datetime64[D]")

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows])

    bars = Bars(
        "X",
        timeframe,
        adjustment,
        np.array([to_us(time) for time in times]),
        *(column(name) for name in ("Open", "High", "Low", "Close", "Volume")),
        sessions=days,
    )
    actions: list[CorporateAction] = []
    for time, row in zip(times, rows, strict=True):
        ratio, amount = Decimal(row.get("Stock Splits", 0)), Decimal(row.get("Dividends", 0))
        if ratio:
            actions.append(CorporateAction("X", ActionKind.SPLIT, time.date(), ratio=ratio))
        if amount:
            actions.append(CorporateAction("X", ActionKind.DIVIDEND, time.date(), amount=amount))
    return Recorded(bars, tuple(actions))

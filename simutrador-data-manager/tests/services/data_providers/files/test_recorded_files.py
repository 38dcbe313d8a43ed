"""The recorded files: every one imports, or is refused row by row; counts from their table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simutrador_data.services.data_providers.files import ImportOptions, NotBarsError, open_bar_file


def read(path: Path, calendars: Any, **options: Any) -> tuple[Any, Counter[str], int]:
    """Return description, rejected rows by kind, and the number of bars of the first adjustment."""
    file = open_bar_file(path, ImportOptions(**options), calendars=calendars)
    kinds: Counter[str] = Counter()
    bars = rows = 0
    for page in file.pages():
        rows += page.rows
        kinds.update(row.kind for row in page.rejected)
        bars += sum(len(b) for b in page.bars if b.adjustment == file.description.adjustments[0])
        assert page.duplicates == 0
    assert bars + kinds.total() == rows
    return file.description, kinds, bars


@pytest.mark.parametrize(
    ("name", "symbol", "bars", "first_fact"),
    [
        ("equity_us/minute_csv/nt-spy-minute-2011-03.csv", "SPY", 17577, ("zone", "UTC")),
        ("equity_us/minute_csv/nt-spy-minute-2011-03.csv", "SPY", 17577, ("label", "close")),
        ("equity_us/minute_csv/intraday.csv", "SPY", 1564, ("zone", "America/New_York")),
        ("equity_us/minute_csv/intraday.csv", "SPY", 1564, ("label", "open")),
        ("forex/hour_csv/FOREX_EURUSD_1H_ASK.csv", None, 6225, ("zone", "UTC")),
        ("crypto/bitstamp/30min-bitstampUSD-2.csv", "BTC-USD", 1968, ("zone", "UTC")),
        ("equity_us/daily_wiki/bokeh_stocks.csv.gz", None, 12154, ("columns", "symbol=Ticker")),
        ("equity_us/daily_wiki/WIKI-ORCL-2000-quandl.csv", None, 252, ("order", "newest first")),
        ("index/sp500.csv.gz", None, 5031, ("date order", "mdy")),
    ],
)
def test_recorded_csv_files_import_whole(
    test_data: Path, calendars: Any, name: str, symbol: str | None, bars: int, first_fact: Any
) -> None:
    description, rejected, count = read(test_data / "bars" / name, calendars, symbol=symbol)
    assert (count, rejected.total()) == (bars, 0)
    assert first_fact[1] in description.value(first_fact[0])


def test_every_recorded_zip_of_trades_and_forex_imports(test_data: Path, calendars: Any) -> None:
    found: dict[str, int] = {}
    for path in sorted((test_data / "bars").rglob("*.zip")):
        if path.name.endswith("_quote.zip") and "forex" not in path.parts:
            with pytest.raises(NotBarsError, match="give --quotes"):
                open_bar_file(path, calendars=calendars)
            continue
        _, rejected, count = read(path, calendars)
        assert set(rejected) <= {"no session"}, path
        found[str(path.relative_to(test_data / "bars"))] = count + rejected.total()
    assert len(found) > 50
    assert found["equity_us/hour/spy.zip"] == 40832
    assert found["equity_us/daily/fb.zip"] == 2947
    assert found["equity_in/minute/juniorbees/20190101_trade.zip"] == 217
    assert found["forex/fxcm/hour/eurusd.zip"] == 69928
    assert found["crypto/coinbase/minute/btcusd/20180404_trade.zip"] == 1007


def test_the_sundays_of_forex_days_are_no_sessions(test_data: Path, calendars: Any) -> None:
    file = open_bar_file(test_data / "bars/forex/fxcm/daily/eurusd.zip", calendars=calendars)
    reasons = [row.reason for page in file.pages() for row in page.rejected]
    assert reasons[0] == "2007-04-01 is not a session of 24/5: Sunday"


def test_recorded_quotes_of_shares_import_when_asked(test_data: Path, calendars: Any) -> None:
    for path in sorted((test_data / "bars/equity_us/minute/spy").glob("*_quote.zip"))[:2]:
        _, rejected, count = read(path, calendars, quotes="mid")
        assert count > 800
        assert rejected.total() < 60  # before the open one side is often missing or crossed


BROKEN = {
    "bad.csv": {"no time": 50, "not positive": 54, "not a number": 51},
    "mismatch.csv": {"no session": 1},
    "default.csv": {},
    "penny.csv": {},
    "orcl-2010-googlefinance-malformed.csv": {"not a number": 1},
    "zeros.csv": {"not positive": 200},
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_quarantined_row_by_row(
    test_data: Path, calendars: Any, name: str
) -> None:
    _, rejected, _ = read(test_data / "broken" / name, calendars, symbol="SPY")
    assert {kind: rejected[kind] for kind in BROKEN[name]} == BROKEN[name]
    if not BROKEN[name]:
        assert rejected.total() == 0


def test_files_to_repair_import_but_for_the_rows_listed_as_broken(
    test_data: Path, calendars: Any
) -> None:
    folder = test_data / "broken" / "yahoo_price_repair"
    counted: dict[str, int] = {}
    for path in sorted(folder.glob("*.csv")):
        code, exchange = path.stem.split("-")[:2]
        symbol = f"{code}.{exchange}" if exchange.isupper() else code
        _, rejected, count = read(path, calendars, symbol=symbol)
        assert count > 0, path
        del rejected["no session"]
        counted[path.stem] = rejected.total()
    assert counted["PSH-L-1d-bad-div"] == 3  # two rows with empty prices, one outside low to high
    assert counted["ADIG-L-1d-bad-div"] == 4
    assert counted["CLC-L-1d-bad-div"] == 9
    assert counted["TEP-PA-1d-bad-div"] == 1
    assert counted["EWG-1d-no-bad-divs"] == 0


def test_other_files_beside_bars_are_told_apart(test_data: Path, calendars: Any) -> None:
    others = [
        *(test_data / "bars/equity_us").glob("*_files/*.csv"),
        test_data / "bars/misc/ohlc.json",
    ]
    others.append(test_data / "bars/crypto/bitstamp/bitstampUSD.csv")
    for path in others:
        with pytest.raises(NotBarsError):
            open_bar_file(path, calendars=calendars)
    assert len(others) > 20


def test_the_first_bar_of_a_recorded_minute_file(test_data: Path, calendars: Any) -> None:
    path = test_data / "bars/equity_us/minute/spy/20131007_trade.zip"
    (bars,) = next(open_bar_file(path, calendars=calendars).pages()).bars
    regular = bars.between(1381152600_000000, 1381176000_000000)  # 09:30 to 16:00 New York
    assert len(bars) == 828
    assert len(regular) == 390

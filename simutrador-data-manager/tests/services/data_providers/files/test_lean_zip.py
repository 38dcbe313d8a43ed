from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.models.enums import Timeframe
from simutrador_data.services.data_providers.files import (
    ImportOptions,
    NotBarsError,
    Quotes,
    open_bar_file,
)

TRADES = "34200000,1000000,1000100,999900,1000000,50\n34260000,1000000,1000200,999900,1000150,60\n"
QUOTES = "0,1.38700,1.38705,1.38698,1.38705,0,1.38790,1.38794,1.38782,1.38783,0\n"


def lean(tmp_path: Path, path: str, text: str, inner: str = "") -> Path:
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(inner or target.stem + ".csv", text)
    target.write_bytes(out.getvalue())
    return target


def opens(bars: Any) -> list[str]:
    return [str(at)[:16] for at in bars.opened_at.view("datetime64[us]")]


def test_minute_trades_count_from_new_york_midnight_and_prices_from_10000(
    tmp_path: Path, calendars: Any
) -> None:
    path = lean(tmp_path, "equity/usa/minute/spy/20131007_trade.zip", TRADES)
    file = open_bar_file(path, calendars=calendars)
    (bars,) = next(file.pages()).bars
    assert str(bars.series) == "SPY 1min raw"
    assert opens(bars) == ["2013-10-07T13:30", "2013-10-07T13:31"]
    assert (bars.open[0], bars.high[0], bars.close[1]) == (100.0, 100.01, 100.015)


def test_hour_bars_keep_the_clock_hour_the_vendor_wrote(tmp_path: Path, calendars: Any) -> None:
    text = "20131007 09:00,1000000,1000100,999900,1000000,50\n" * 1
    path = lean(tmp_path, "equity/usa/hour/spy.zip", text)
    (bars,) = next(open_bar_file(path, calendars=calendars).pages()).bars
    assert bars.timeframe is Timeframe.HOUR_1
    assert opens(bars) == ["2013-10-07T13:00"]


def test_daily_coins_open_at_midnight_utc_and_are_plain_decimals(
    tmp_path: Path, calendars: Any
) -> None:
    text = "20141201 00:00,300,370,300,370,0.05655554\n"
    path = lean(tmp_path, "crypto/coinbase/daily/btcusd_trade.zip", text)
    (bars,) = next(open_bar_file(path, calendars=calendars).pages()).bars
    assert (str(bars.series), opens(bars)) == ("BTC-USD daily raw", ["2014-12-01T00:00"])
    assert (bars.high[0], bars.volume[0]) == (370.0, 0.05655554)


def test_forex_quotes_become_the_exact_middle(tmp_path: Path, calendars: Any) -> None:
    path = lean(tmp_path, "forex/fxcm/minute/eurusd/20140505_quote.zip", QUOTES)
    file = open_bar_file(path, calendars=calendars)
    (bars,) = next(file.pages()).bars
    assert opens(bars) == ["2014-05-05T05:00"]
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (
        1.38745,
        1.387495,
        1.3874,
        1.38744,
    )
    assert file.description.value("quotes") == "mid"


def test_quotes_of_a_share_are_imported_only_when_asked(tmp_path: Path, calendars: Any) -> None:
    text = "34200000,1000000,1000100,999900,1000000,5,1000200,1000300,1000100,1000200,6\n"
    path = lean(tmp_path, "equity/usa/minute/spy/20131007_quote.zip", text)
    with pytest.raises(NotBarsError, match="give --quotes mid, bid or ask"):
        open_bar_file(path, calendars=calendars)
    asked = {
        side: next(open_bar_file(path, ImportOptions(quotes=side), calendars=calendars).pages())
        for side in Quotes
    }
    assert [page.bars[0].open[0] for page in asked.values()] == [100.01, 100.0, 100.02]


def test_without_a_path_that_says_so_options_decide(tmp_path: Path, calendars: Any) -> None:
    path = lean(tmp_path, "20131007_trade.zip", TRADES, "20131007_spy_minute_trade.csv")
    options = ImportOptions(price_scale=100, zone="UTC")
    file = open_bar_file(path, options, calendars=calendars)
    (bars,) = next(file.pages()).bars
    assert (bars.symbol, opens(bars)[0], bars.open[0]) == ("SPY", "2013-10-07T09:30", 10000.0)
    assumed = open_bar_file(path, calendars=calendars).description
    assert assumed.value("price scale") == "10000"
    assert assumed.how("price scale").startswith("assumed")


def test_a_bad_row_in_a_lean_file_is_named(tmp_path: Path, calendars: Any) -> None:
    text = TRADES + "90000000,1,1,1,1,1\n34320000,1,1,1,x,1\n"
    path = lean(tmp_path, "equity/usa/minute/spy/20131007_trade.zip", text)
    page = next(open_bar_file(path, calendars=calendars).pages())
    assert [(row.line, row.kind) for row in page.rejected] == [
        (3, "unreadable time"),
        (4, "not a number"),
    ]


def test_a_zip_with_an_ordinary_csv_is_read_as_one(tmp_path: Path, calendars: Any) -> None:
    text = "date,open,high,low,close,volume\n2013-10-07,10,12,9,11,100\n"
    path = lean(tmp_path, "AAPL.zip", text, "AAPL.csv")
    file = open_bar_file(path, calendars=calendars)
    assert file.description.format == "csv in zip"
    assert next(file.pages()).bars[0].close.tolist() == [11.0]

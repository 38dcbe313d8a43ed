from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from simutrador_core.models.enums import Timeframe
from simutrador_data.services.data_providers.files.lean_paths import lean_place
from simutrador_data.services.data_providers.files.names import guess_symbol, guess_timeframe


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("AAPL.csv", "AAPL"),
        ("spy.csv.gz", "SPY"),
        ("BRK.B.csv", "BRK.B"),
        ("WIKI-IBM-2011-quandl.csv", "IBM"),
        ("orcl-2010-googlefinance.csv", "ORCL"),
        ("FOREX_EURUSD_1H_ASK.csv", "EUR/USD"),
        ("BTC-USD.csv", "BTC-USD"),
        ("BTCUSDT_1h.csv", "BTC-USDT"),
        ("1398-HK-1d-bad-div.csv", "1398.HK"),
        ("nt-spy-minute-2011-03.csv", "SPY"),
        ("intraday.csv", None),
        ("prices.csv", None),
        ("MSFT_AAPL.csv", None),
        ("30min-bitstampUSD-2.csv", None),
        ("..csv", None),
    ],
)
def test_a_name_says_one_symbol_or_none(name: str, symbol: str | None) -> None:
    assert guess_symbol(name) == symbol


@pytest.mark.parametrize(
    ("name", "timeframe"),
    [
        ("EA-15m-no-bad-divs.csv", Timeframe.MINUTE_15),
        ("FOREX_EURUSD_1H_ASK.csv", Timeframe.HOUR_1),
        ("AV-L-1wk.csv", Timeframe.WEEKLY),
        ("spy_daily.csv", Timeframe.DAILY),
        ("8TRA.csv", None),
        ("SPY.csv", None),
    ],
)
def test_a_name_may_say_the_timeframe(name: str, timeframe: Timeframe | None) -> None:
    assert guess_timeframe(name) == timeframe


def test_a_lean_path_says_symbol_day_zone_and_calendar() -> None:
    path = Path("data/equity/usa/minute/spy/20131007_trade.zip")
    place = lean_place(path, "20131007_spy_minute_trade.csv")
    assert (place.symbol, place.timeframe, place.day) == ("SPY", "1min", date(2013, 10, 7))
    assert (place.market.zone, place.market.calendar) == ("America/New_York", "XNYS")


@pytest.mark.parametrize(
    ("path", "symbol", "zone"),
    [
        ("equity_in/minute/juniorbees/20190101_trade.zip", "JUNIORBEES.NS", "Asia/Kolkata"),
        ("crypto/coinbase/daily/btcusd_trade.zip", "BTC-USD", "UTC"),
        ("cryptofuture/binance/minute/btcusd/20221213_trade.zip", "BTC-USD", "UTC"),
        ("forex/fxcm/hour/eurusd.zip", "EUR/USD", "Etc/GMT+5"),
        ("forex/elsewhere/hour/eurusd.zip", "EUR/USD", None),
        ("downloads/spy.zip", "SPY", None),
    ],
)
def test_markets_settle_the_zone(path: str, symbol: str, zone: str | None) -> None:
    place = lean_place(Path(path), "")
    assert (place.symbol, place.market.zone) == (symbol, zone)

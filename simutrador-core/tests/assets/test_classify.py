"""The class of an asset by its symbol alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from simutrador_core.assets.classify import canonical_spelling, classify, split_pair
from simutrador_core.models.enums import AssetType

EQUITIES = (
    *("CL", "PL", "CC", "SB", "HE", "NG", "GC", "ZS"),  # roots of futures
    *("UNI", "COMP", "LINK", "BTC", "ETH"),  # coins
    *("A", "F", "AAPL", "GOOGL", "BRK.B", "BRK-B", "RDS.A"),
)


@pytest.mark.parametrize("symbol", EQUITIES)
def test_plain_letters_are_a_us_ticker_whatever_else_they_mean(symbol: str) -> None:
    assert classify(symbol) is AssetType.US_EQUITY


@pytest.mark.parametrize(
    ("symbol", "asset_type"),
    [
        ("X:BTCUSD", AssetType.CRYPTO),
        ("C:EURUSD", AssetType.FOREX),
        ("C:XAUUSD", AssetType.COMMODITY),
        ("I:SPX", AssetType.UNKNOWN),
        ("XAUUSD", AssetType.COMMODITY),
        ("XAG/USD", AssetType.COMMODITY),
        ("EURUSD", AssetType.FOREX),
        ("EUR/USD", AssetType.FOREX),
        ("EUR-USD", AssetType.FOREX),
        ("EURUSD=X", AssetType.FOREX),
        ("usdjpy", AssetType.FOREX),
        ("BTC-USD", AssetType.CRYPTO),
        ("BTCUSD", AssetType.CRYPTO),
        ("BTCUSDT", AssetType.CRYPTO),
        ("ETHBTC", AssetType.CRYPTO),
        ("UNI-USD", AssetType.CRYPTO),
        ("LINKUSD", AssetType.CRYPTO),
        ("NEWCOIN-USD", AssetType.CRYPTO),
        ("ABCUSD", AssetType.UNKNOWN),
        ("XYZUSD", AssetType.UNKNOWN),
        ("CL=F", AssetType.COMMODITY),
        ("CLZ24", AssetType.COMMODITY),
        ("GCM2025", AssetType.COMMODITY),
        ("ABZ24", AssetType.UNKNOWN),
        ("VOD.L", AssetType.INTERNATIONAL_EQUITY),
        ("0700.HK", AssetType.INTERNATIONAL_EQUITY),
        ("7203.T", AssetType.INTERNATIONAL_EQUITY),
        ("^GSPC", AssetType.UNKNOWN),
        ("TOOLONG", AssetType.UNKNOWN),
    ],
)
def test_spelling_settles_the_class(symbol: str, asset_type: AssetType) -> None:
    assert classify(symbol) is asset_type


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTC-USD", ("BTC", "USD")),
        ("X:BTCUSD", ("BTC", "USD")),
        ("C:EURUSD", ("EUR", "USD")),
        ("BTCUSDT", ("BTC", "USDT")),
        ("EURUSD=X", ("EUR", "USD")),
        ("XAUUSD", ("XAU", "USD")),
        ("BTC", None),
        ("USDT", None),
        ("BRK-B", None),
        ("SPY-ETF", None),
    ],
)
def test_pair_is_split_where_its_halves_are_known(
    symbol: str, pair: tuple[str, str] | None
) -> None:
    assert split_pair(symbol) == pair


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("X:BTCUSD", "BTC-USD"),
        ("BTC/USD", "BTC-USD"),
        ("BTCUSDT", "BTC-USDT"),
        ("btc-usd", "BTC-USD"),
        ("C:EURUSD", "EUR/USD"),
        ("EURUSD=X", "EUR/USD"),
        ("EUR-USD", "EUR/USD"),
        ("C:XAUUSD", "XAU/USD"),
        ("BRK-B", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("brk.b", "BRK.B"),
        ("AAPL", "AAPL"),
        ("UNI", "UNI"),
        ("VOD.L", "VOD.L"),
        ("CL=F", "CL=F"),
        ("^GSPC", "^GSPC"),
    ],
)
def test_vendors_spellings_become_ours(spelling: str, symbol: str) -> None:
    assert canonical_spelling(spelling) == symbol
    assert canonical_spelling(symbol) == symbol


def test_nearly_all_listed_us_symbols_are_us_equities(test_data: Path) -> None:
    with (test_data / "universe/constituents.csv").open(encoding="utf-8", newline="") as file:
        symbols = [row["Symbol"] for row in csv.DictReader(file)]
    assert [s for s in symbols if classify(s) is not AssetType.US_EQUITY] == []
    assert len(symbols) > 500


def test_pairs_of_a_coin_exchange_are_never_equities(test_data: Path) -> None:
    path = test_data / "universe/lean/symbol-properties-database.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0] == "coinbase"]
    tickers = [row[8] for row in rows if len(row) > 8 and row[8].endswith("-USD")]
    wrong = {t for t in tickers if classify(t) not in {AssetType.CRYPTO, AssetType.FOREX}}
    assert wrong == set()
    assert len(tickers) > 50

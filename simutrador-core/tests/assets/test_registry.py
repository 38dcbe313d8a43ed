"""The asset registry: defaults, the user's file, what is assumed about the rest."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from simutrador_core.assets.classify import EXCHANGE_SUFFIXES
from simutrador_core.assets.registry import Asset, AssetRegistry, assume_asset
from simutrador_core.errors import InputError, InvalidSymbolError
from simutrador_core.models.enums import AssetType
from simutrador_core.sessions.exchange import get_calendar


@pytest.mark.parametrize("asset", AssetRegistry.default(), ids=lambda asset: asset.symbol)
def test_default_asset_is_complete(asset: Asset) -> None:
    assert asset.name
    assert len(asset.source) > 20
    assert asset.tick_size is not None
    assert asset.tick_size > 0
    assert asset.lot_size is not None
    assert asset.asset_type is not AssetType.UNKNOWN
    calendar = get_calendar(asset.calendar)
    assert (
        asset.listed is None or calendar.start > asset.listed or calendar.is_session(asset.listed)
    )


@pytest.mark.parametrize(
    ("symbol", "listed"),
    [
        ("GOOG", date(2004, 8, 19)),
        ("FB", date(2012, 5, 18)),
        ("QQQ", date(1999, 3, 10)),
        ("MSFT", date(1986, 3, 13)),
        ("AAPL", date(1980, 12, 12)),
        ("IBM", None),
    ],
)
def test_listing_dates_of_the_demo(symbol: str, listed: date | None) -> None:
    assert AssetRegistry.default().get(symbol).listed == listed


@pytest.mark.parametrize(
    ("symbol", "calendar", "currency", "tick"),
    [
        ("AAPL", "XNYS", "USD", "0.01"),
        ("BTC-USD", "24/7", "USD", "0.01"),
        ("EUR/USD", "24/5", "USD", "0.00001"),
        ("USD/JPY", "24/5", "JPY", "0.001"),
        ("XAU/USD", "24/5", "USD", "0.001"),
        ("JUNIORBEES", "XNSE", "INR", "0.01"),
    ],
)
def test_default_assets_know_where_and_how_they_trade(
    symbol: str, calendar: str, currency: str, tick: str
) -> None:
    asset = AssetRegistry.default().get(symbol)
    assert (asset.calendar, asset.currency, asset.tick_size) == (calendar, currency, Decimal(tick))


def test_steps_agree_with_a_public_database(test_data: Path) -> None:
    path = test_data / "universe/lean/symbol-properties-database.csv"
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    steps = {(row[0], row[1]): Decimal(row[6]) for row in rows if row[0] in {"coinbase", "oanda"}}
    registry = AssetRegistry.default()
    wanted = {
        "BTC-USD": ("coinbase", "BTCUSD"),
        "ETH-USD": ("coinbase", "ETHUSD"),
        "EUR/USD": ("oanda", "EURUSD"),
        "GBP/USD": ("oanda", "GBPUSD"),
        "USD/JPY": ("oanda", "USDJPY"),
        "XAU/USD": ("oanda", "XAUUSD"),
    }
    assert {s: registry.get(s).tick_size for s in wanted} == {s: steps[wanted[s]] for s in wanted}


@pytest.mark.parametrize(
    ("symbol", "asset_type", "calendar", "currency"),
    [
        ("CL", AssetType.US_EQUITY, "XNYS", "USD"),
        ("sol-usd", AssetType.CRYPTO, "24/7", "USD"),
        ("ETHBTC", AssetType.CRYPTO, "24/7", "BTC"),
        ("GBP/JPY", AssetType.FOREX, "24/5", "JPY"),
        ("XAGUSD", AssetType.COMMODITY, "24/5", "USD"),
        ("CLZ24", AssetType.COMMODITY, "CMES", "USD"),
        ("VOD.L", AssetType.INTERNATIONAL_EQUITY, "XLON", "GBP"),
        ("7203.T", AssetType.INTERNATIONAL_EQUITY, "XTKS", "JPY"),
        ("IBE.MC", AssetType.INTERNATIONAL_EQUITY, "XMAD", "EUR"),
        ("MOB.ST", AssetType.INTERNATIONAL_EQUITY, "XSTO", "SEK"),
        ("KAP.IL", AssetType.INTERNATIONAL_EQUITY, "XLON", "USD"),
        ("^GSPC", AssetType.UNKNOWN, "XNYS", "USD"),
    ],
)
def test_unregistered_symbol_is_what_it_looks_like(
    symbol: str, asset_type: AssetType, calendar: str, currency: str
) -> None:
    registry = AssetRegistry.default()
    asset = registry.get(symbol)
    assert (asset.asset_type, asset.calendar, asset.currency) == (asset_type, calendar, currency)
    assert asset.symbol == symbol.upper()
    assert symbol not in registry


@pytest.mark.parametrize("suffix", EXCHANGE_SUFFIXES)
def test_every_exchange_of_a_suffix_has_a_calendar(suffix: str) -> None:
    name, _ = EXCHANGE_SUFFIXES[suffix]
    # Tuesday 21 May 2024 was no holiday on any of them.
    calendar = get_calendar(name)
    assert calendar.is_session(date(2024, 5, 21))


def test_foreign_listing_without_a_suffix_falls_back_to_new_york() -> None:
    assert assume_asset("RELIANCE", AssetType.INTERNATIONAL_EQUITY).calendar == "XNYS"


@pytest.mark.parametrize("symbol", ["EEM", "FB", "IWM", "QQQ"])
def test_listing_dates_are_those_of_a_recorded_map_file(test_data: Path, symbol: str) -> None:
    path = test_data / f"bars/equity_us/map_files/{symbol.lower()}.csv"
    first = path.read_text().split(",", maxsplit=1)[0]
    assert AssetRegistry.default().get(symbol).listed == date.fromisoformat(first)


def test_google_is_listed_when_its_bars_begin(test_data: Path) -> None:
    with gzip.open(test_data / "bars/equity_us/daily_wiki/bokeh_stocks.csv.gz", "rt") as file:
        days = [row["Date"] for row in csv.DictReader(file) if row["Ticker"] == "GOOG"]
    assert AssetRegistry.default().get("GOOG").listed == date.fromisoformat(min(days))


def test_text_that_is_no_symbol_is_refused() -> None:
    with pytest.raises(InvalidSymbolError):
        AssetRegistry.default().get("../etc")


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [("CL=F", "CL"), ("cl", "CL"), ("BRK-B", "BRK.B"), ("X:ETHUSD", "ETH-USD"), ("ES=F", "ES=F")],
)
def test_a_vendors_spelling_in_the_registry_comes_first(spelling: str, symbol: str) -> None:
    crude = replace(
        assume_asset("CL", AssetType.COMMODITY), vendor_symbols={"yahoo": "CL=F", "acme": "cl=f"}
    )
    assert AssetRegistry.default().with_assets(crude).canonical(spelling) == symbol


def test_a_spelling_of_two_assets_is_of_neither() -> None:
    one = replace(assume_asset("ONE", AssetType.US_EQUITY), vendor_symbols={"acme": "X1"})
    two = replace(assume_asset("TWO", AssetType.US_EQUITY), vendor_symbols={"other": "X1"})
    assert AssetRegistry.default().with_assets(one, two).canonical("x1") == "X1"


def test_added_asset_replaces_the_one_of_its_symbol() -> None:
    default = AssetRegistry.default()
    mine = replace(default.get("AAPL"), lot_size=Decimal(100))
    changed = default.with_assets(mine)
    assert changed.get("aapl").lot_size == 100
    assert default.get("AAPL").lot_size == 1
    assert len(changed) == len(default)


def test_user_file_adds_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "assets.toml"
    path.write_text(
        """
        [[asset]]
        symbol = "cl"
        type = "commodity"
        name = "Crude oil"
        tick_size = "0.01"
        listed = 1983-03-30
        delisted = 2040-01-01
        vendor_symbols = { yahoo = "CL=F" }

        [[asset]]
        symbol = "RELIANCE"
        type = "international_equity"
        calendar = "XNSE"
        currency = "INR"
        """
    )
    registry = AssetRegistry.load(path)
    oil = registry.get("CL")
    assert (oil.asset_type, oil.calendar) == (AssetType.COMMODITY, "CMES")
    assert (oil.listed, oil.delisted) == (date(1983, 3, 30), date(2040, 1, 1))
    assert dict(oil.vendor_symbols) == {"yahoo": "CL=F"}
    assert registry.get("RELIANCE").calendar == "XNSE"
    assert registry.get("AAPL") == AssetRegistry.default().get("AAPL")
    assert [asset.symbol for asset in registry] == sorted(asset.symbol for asset in registry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[assets]]", "'assets' is unknown; known are"),
        ("\n[[asset]]\nname = 'x'", r"line 2: asset: field 'symbol' is required"),
        ("[[asset]]\nsymbol = 'A B'", "field 'symbol' is wrong: 'A B' is not a symbol"),
        ("[[asset]]\nsymbol = 'A'\ntype = 'stock'", "'type' must be one of us_equity, crypto"),
        ("[[asset]]\nsymbol = 'A'\ntick_size = 0.01", "'tick_size' must be a str, not 0.01"),
        ("[[asset]]\nsymbol = 'A'\ntick_size = 'x'", "must be a decimal number in quotes"),
        ("[[asset]]\nsymbol = 'A'\nlot_size = '0'", "field 'lot_size' 0 must be above 0"),
        ("[[asset]]\nsymbol = 'A'\nlot_size = 'NaN'", "NaN must be above 0"),
        ("[[asset]]\nsymbol = 'A'\nlisted = '2020'", "'listed' must be a date"),
        (
            "[[asset]]\nsymbol = 'A'\nlisted = 2020-01-02\ndelisted = 2020-01-02",
            "'delisted' 2020-01-02 must be after 'listed'",
        ),
        ("[[asset]]\nsymbol = 'A'\nvendor_symbols = { yahoo = 1 }", "must be texts by vendor"),
        ("[[asset]]\nsymbol = 'A'\nexchange = 'X'", "'exchange' is unknown; known are calendar"),
        ("[[asset]]\nsymbol = 'A'\n[[asset]]\nsymbol = 'a'", "line 3: .*'A' stands there twice"),
    ],
)
def test_broken_file_is_refused_with_line_and_field(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "assets.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        AssetRegistry.load(path)


def test_importing_the_registry_pulls_neither_pandas_nor_pydantic_nor_numpy() -> None:
    script = (
        "import sys, simutrador_core.assets.registry as r; r.AssetRegistry.default()\n"
        "print([m for m in ('pandas', 'pydantic', 'numpy', 'pyarrow') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

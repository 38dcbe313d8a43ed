"""What the path of a Lean file says: `equity/usa/minute/spy/20131007_trade.zip`.

The class and the market may share a folder (`equity_us`). What a path does not say stays open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from simutrador_core.errors import InvalidSymbolError
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.validation import parse_symbol
from simutrador_data.services.data_providers.files.names import pair


@dataclass(frozen=True, slots=True)
class Market:
    """What a class and market settle; `suffix` is what its symbols end with here."""

    zone: str | None = None
    calendar: str | None = None
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class LeanPlace:
    """What a Lean path says; None and empty where it does not say it.

    `asset_class` is `equity`, `crypto`, `cryptofuture` or `forex`; `day` is the date that the times
    of a minute file count from.
    """

    symbol: str | None
    timeframe: Timeframe | None
    day: date | None
    asset_class: str
    market_name: str
    market: Market


_USA: Final = Market("America/New_York", "XNYS")
_INDIA: Final = Market("Asia/Kolkata", "XNSE", ".NS")
_COINS: Final = Market("UTC", "24/7")
_MARKETS: Final = {
    ("equity", "usa"): _USA,
    ("equity", "us"): _USA,
    ("equity", "india"): _INDIA,
    ("equity", "in"): _INDIA,
    ("forex", "fxcm"): Market("Etc/GMT+5", "24/5"),
    ("forex", "oanda"): Market("UTC", "24/5"),
}
_CLASSES: Final = {
    "equity": Market(),
    "crypto": _COINS,
    "cryptofuture": _COINS,
    "forex": Market(None, "24/5"),
}
_FOLDERS: Final = {
    "minute": Timeframe.MINUTE_1,
    "hour": Timeframe.HOUR_1,
    "daily": Timeframe.DAILY,
}
_DAY_FILE: Final = re.compile(r"(\d{8})(?:_([a-z0-9.]+)_minute)?_(trade|quote)(?:_[a-z]+)?")


def lean_place(path: Path, member: str) -> LeanPlace:
    """Return what a path says; `member` is the name inside the zip."""
    parents = [part.lower() for part in path.parts[:-1]]
    asset_class, market_name = _class_and_market(parents)
    market = _MARKETS.get((asset_class, market_name), _CLASSES.get(asset_class, Market()))
    inner = _DAY_FILE.match(PurePosixPath(member).name.lower())
    file = _DAY_FILE.match(path.name.lower()) or inner
    folder = next((part for part in reversed(parents) if part in _FOLDERS), "")
    if file is None:
        ticker = re.sub(r"(_trade|_quote)?(\.zip|\.csv)$", "", path.name.lower())
    else:
        ticker = inner[2] if inner and inner[2] else path.parent.name
    return LeanPlace(
        _symbol(ticker, asset_class, market),
        _FOLDERS.get(folder, Timeframe.MINUTE_1 if file else None),
        _day(file[1]) if file else None,
        asset_class,
        market_name,
        market,
    )


def _class_and_market(parents: list[str]) -> tuple[str, str]:
    for at, part in enumerate(parents):
        name, _, rest = part.partition("_")
        if name in _CLASSES:
            return name, rest or next(iter(parents[at + 1 : at + 2]), "")
    return "", ""


def _symbol(ticker: str, asset_class: str, market: Market) -> str | None:
    try:
        symbol = parse_symbol(ticker + market.suffix)
    except InvalidSymbolError:
        return None
    return symbol if asset_class == "equity" else pair(symbol, asset_class)


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None

"""What a file's name and folder say: the symbol, the timeframe, and the Lean layout.

A name is a hint: it is shown, the user's word overrides it, and where it is ambiguous nothing is
guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from simutrador_core.errors import InvalidSymbolError, InvalidTimeframeError
from simutrador_core.models.enums import Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_CURRENCIES: Final = _words(
    "USD EUR GBP JPY CHF AUD NZD CAD SEK NOK DKK PLN CZK HUF TRY ZAR MXN SGD HKD CNH CNY INR",
    "XAU XAG",
)
_COINS: Final = _words(
    "BTC XBT ETH LTC XRP BCH ADA SOL DOT DOGE BNB AVAX LINK XLM TRX EOS XMR ETC UNI ATOM SHIB"
)
_QUOTES: Final = ("USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB")
_EXCHANGES: Final = _words(
    "L HK T DE F PA AX MC IL MI V TO ST CO HE OL BR AS VI SW NS BO SS SZ KS KQ TW SI TA SA MX"
)
"""Endings of foreign shares as the best known vendor writes them: `BARC.L`, `1398.HK`."""
_GENERIC: Final = _words(
    "ask bid mid trade trades quote quotes bar bars data price prices ohlc ohlcv candles history",
    "historical export stock stocks stockdata forex fx crypto equity etf index wiki quandl yahoo",
    "google googlefinance stooq csv raw adj adjusted unadjusted intraday daily weekly monthly",
    "hourly hour minute tick eod us utc new old copy final test sample samples example bad broken",
    "fixed default malformed mismatch series div divs dividend dividends split splits no missing",
    "adjust cg double count nt ninjatrader mt4 mt5 metatrader",
)
"""Words of file names that are no symbols."""
_LEAN_MARKETS: Final = {
    "usa": ("America/New_York", "XNYS"),
    "us": ("America/New_York", "XNYS"),
    "india": ("Asia/Kolkata", "XNSE"),
    "in": ("Asia/Kolkata", "XNSE"),
}
_FX_ZONES: Final = {"fxcm": "Etc/GMT+5", "oanda": "UTC"}
_LEAN_CLASSES: Final = ("equity", "cryptofuture", "crypto", "forex")
_LEAN_FOLDERS: Final = {
    "minute": Timeframe.MINUTE_1,
    "hour": Timeframe.HOUR_1,
    "daily": Timeframe.DAILY,
}
_DAY_FILE: Final = re.compile(r"(\d{8})(?:_([a-z0-9.]+)_minute)?_(trade|quote)(?:_[a-z]+)?")


@dataclass(frozen=True, slots=True)
class LeanPlace:
    """What a Lean path says; None and empty where it does not say it."""

    symbol: str | None
    timeframe: Timeframe | None
    day: date | None
    is_quote: bool
    asset_class: str
    market: str
    zone: str | None
    calendar: str | None
    folder_symbol: str = ""


def guess_symbol(name: str) -> str | None:
    """Return the one symbol a file name can mean, or None when there is none or several.

    `AAPL.csv`, `WIKI-IBM-2011-quandl.csv`, `FOREX_EURUSD_1H_ASK.csv` (`EUR/USD`), `BRK.B.csv`,
    `KME-MI-1d.csv` (`KME.MI`). A name in small letters counts when it stands alone: `spy.csv`.
    """
    stem = re.sub(r"\.(csv|txt|tsv|gz|zip|parquet|pq)$", "", name, flags=re.IGNORECASE)
    stem = re.sub(r"\.(csv|txt|tsv)$", "", stem, flags=re.IGNORECASE)
    words = [word for word in re.split(r"[_\s()\[\],+-]+", stem) if word]
    left = [word for word in words if not _says_nothing(word)]
    if len(left) == 2 and left[1] in _EXCHANGES:
        left = [".".join(left)]
    if len(left) == 2 and "".join(left) != pair("".join(left)):
        left = ["".join(left)]
    if len(left) != 1 or (len(words) > 1 and left[0] not in (left[0].upper(), left[0].lower())):
        capitals = [word for word in left if word == word.upper() and not word.isdigit()]
        if len(capitals) != 1 or len(left) > 2:
            return None
        left = capitals
    try:
        return pair(parse_symbol(left[0]))
    except InvalidSymbolError:
        return None


def guess_timeframe(name: str) -> Timeframe | None:
    """Return the timeframe a file name says, `EA-15m.csv` or `EURUSD_1H.csv`, or None."""
    for word in re.split(r"[_\s.-]+", name):
        if re.fullmatch(r"\d+[A-Za-z]+|daily|weekly|monthly|hourly|minute", word):
            try:
                return parse_timeframe("1min" if word == "minute" else word)
            except InvalidTimeframeError:
                continue
    return None


def pair(symbol: str, asset_class: str = "") -> str:
    """Return a pair in its canonical spelling: `EURUSD` is `EUR/USD`, `BTCUSDT` is `BTC-USDT`.

    Other symbols come back as they are. `asset_class` (`crypto`, `forex`) widens what is a pair.
    """
    first, second = symbol[:3], symbol[3:]
    if {first, second} <= _CURRENCIES or (asset_class == "forex" and len(symbol) == 6):
        return f"{first}/{second}"
    quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), None)
    if quote and (asset_class.startswith("crypto") or symbol.removesuffix(quote) in _COINS):
        return f"{symbol.removesuffix(quote)}-{quote}"
    return symbol


def lean_place(path: Path, member: str) -> LeanPlace:
    """Return what the path of a Lean file says of it; `member` is the name inside the zip."""
    parents = [part.lower() for part in path.parts[:-1]]
    asset_class = next(
        (c for c in _LEAN_CLASSES for part in parents if part.split("_")[0] == c), ""
    )
    market = _market(parents, asset_class)
    folder = next((part for part in reversed(parents) if part in _LEAN_FOLDERS), None)
    file = _DAY_FILE.match(path.name.lower()) or _DAY_FILE.match(Path(member).name.lower())
    stem = path.name.lower().removesuffix(".zip")
    is_quote = file[3] == "quote" if file else stem.endswith("_quote")
    ticker = _ticker(path, member) if file else re.sub(r"_(trade|quote)$", "", stem)
    zone, calendar = (
        _LEAN_MARKETS.get(market, (None, None)) if asset_class == "equity" else (None, None)
    )
    if asset_class.startswith("crypto"):
        zone, calendar = "UTC", "24/7"
    elif asset_class == "forex":
        zone, calendar = _FX_ZONES.get(market), "24/5"
    timeframe = _LEAN_FOLDERS.get(folder or "", Timeframe.MINUTE_1 if file else None)
    return LeanPlace(
        _symbol(ticker, asset_class),
        timeframe,
        _day(file[1]) if file else None,
        is_quote,
        asset_class,
        market,
        zone,
        calendar,
    )


def _market(parents: list[str], asset_class: str) -> str:
    """Return the folder below the class (`crypto/coinbase`), or the rest of `equity_us`."""
    for at, part in enumerate(parents):
        if asset_class and part == asset_class and at + 1 < len(parents):
            return parents[at + 1]
        if asset_class and part.startswith(f"{asset_class}_"):
            return part.removeprefix(f"{asset_class}_")
    return ""


def _ticker(path: Path, member: str) -> str:
    inner = _DAY_FILE.match(Path(member).name.lower())
    if inner and inner[2]:
        return inner[2]
    return path.parent.name


def _symbol(ticker: str, asset_class: str) -> str | None:
    try:
        return pair(parse_symbol(ticker), asset_class)
    except InvalidSymbolError:
        return None


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _says_nothing(word: str) -> bool:
    if word.lower() in _GENERIC or re.fullmatch(r"(19|20)\d{2}|\d{1,2}|\d{6,}", word):
        return True
    return bool(re.fullmatch(r"\d{1,4}[a-z]+|\d{1,3}[HDWM]", word))

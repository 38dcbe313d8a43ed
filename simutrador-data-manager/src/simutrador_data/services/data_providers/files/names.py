"""What a file's name says: the symbol and the timeframe.

A name is a hint: it is shown, the user's word overrides it, and where it is ambiguous nothing is
guessed.
"""

from __future__ import annotations

import re
from typing import Final

from simutrador_core.assets.classify import EXCHANGE_SUFFIXES, classify, split_pair
from simutrador_core.errors import InvalidSymbolError, InvalidTimeframeError
from simutrador_core.models.enums import AssetType, Timeframe
from simutrador_core.utils.timeframe_utils import parse_timeframe
from simutrador_core.utils.validation import parse_symbol


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_GENERIC: Final = _words(
    "ask bid mid trade trades quote quotes bar bars data price prices ohlc ohlcv candles history",
    "historical export stock stocks stockdata forex fx crypto equity etf index wiki quandl yahoo",
    "google googlefinance stooq csv raw adj adjusted unadjusted intraday daily weekly monthly",
    "hourly hour minute tick eod us utc new old copy final test sample samples example bad broken",
    "fixed default malformed mismatch series div divs dividend dividends split splits no missing",
    "adjust cg double count nt ninjatrader mt4 mt5 metatrader",
)
"""Words of file names that are no symbols."""
_QUOTES: Final = ("USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB")


def guess_symbol(name: str) -> str | None:
    """Return the one symbol a file name can mean, or None when there is none or several.

    `AAPL.csv`, `WIKI-IBM-2011-quandl.csv`, `FOREX_EURUSD_1H_ASK.csv` (`EUR/USD`), `BRK.B.csv`,
    `KME-MI-1d.csv` (`KME.MI`). A name in small letters counts when it stands alone: `spy.csv`.
    """
    stem = re.sub(r"\.(csv|txt|tsv|gz|zip|parquet|pq)$", "", name, flags=re.IGNORECASE)
    stem = re.sub(r"\.(csv|txt|tsv)$", "", stem, flags=re.IGNORECASE)
    words = [word for word in re.split(r"[_\s()\[\],+-]+", stem) if word]
    left = [word for word in words if not _says_nothing(word)]
    if len(left) == 2 and left[1] in EXCHANGE_SUFFIXES:
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

    Other symbols come back as they are. `asset_class` (`crypto`, `forex`) says that it is a pair
    where the symbol alone does not.
    """
    both = split_pair(symbol)
    if both is None and asset_class:
        quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), "")
        both = (symbol.removesuffix(quote), quote) if quote else None
    if both is None:
        return symbol
    is_coin = asset_class.startswith("crypto") or classify(symbol) is AssetType.CRYPTO
    return ("-" if is_coin else "/").join(both)


def _says_nothing(word: str) -> bool:
    if word.lower() in _GENERIC or re.fullmatch(r"(19|20)\d{2}|\d{1,2}|\d{6,}", word):
        return True
    return bool(re.fullmatch(r"\d{1,4}[a-z]+|\d{1,3}[HDWM]", word))

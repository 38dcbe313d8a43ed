"""`classify`: the class of an asset from its symbol alone. Pure; the last resort of the registry.

A symbol says little: CL is Colgate and crude oil, UNI a fund and a coin. So only what the spelling
settles is decided here, in this order: a vendor's prefix (`X:`, `C:`), a suffix (`=F`, `=X`, an
exchange's), a pair with a separator, a pair without one whose halves are both known, a futures
contract with month and year, and then plain letters are a US ticker. What is meant otherwise is
written in the registry, which is asked first.
"""

from __future__ import annotations

import re
from typing import Final

from simutrador_core.models.enums import AssetType


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURRENCIES: Final = _words(
    "USD EUR JPY GBP CHF AUD NZD CAD SEK NOK DKK PLN CZK HUF TRY ZAR MXN BRL SGD HKD CNY CNH INR "
    "KRW THB ILS RUB"
)
"""ISO 4217 codes that make a forex pair."""

METALS: Final = frozenset({"XAU", "XAG", "XPT", "XPD"})
"""ISO 4217 codes of precious metals; priced in a currency they are a commodity."""

COINS: Final = _words(
    "BTC XBT ETH SOL XRP ADA DOGE DOT LTC BCH LINK UNI AVAX MATIC POL ATOM XLM ALGO TRX ETC EOS "
    "XMR XTZ AAVE FIL ICP NEAR APT ARB OP SHIB PEPE BNB TON SUI HBAR MKR COMP CRV SNX YFI ZEC DASH "
    "USDT USDC DAI BUSD FDUSD"
)
"""Coins that are recognised in a pair written without a separator."""

COIN_QUOTES: Final = ("USDT", "USDC", "BUSD", "FDUSD", "DAI", "BTC", "ETH")
"""Coins that other coins are priced in, longest first where one ends like another."""

FUTURES: Final = _words("CL BZ NG RB HO GC SI HG PL PA ZC ZS ZW ZL ZM CC KC SB CT OJ LE HE GF")
"""Roots of commodity futures; they count only with a month and a year, or with `=F`."""

EXCHANGE_SUFFIXES: Final = {
    "L": ("XLON", "GBP"),
    "HK": ("XHKG", "HKD"),
    "T": ("XTKS", "JPY"),
    "TA": ("XTAE", "ILS"),
    "NS": ("XNSE", "INR"),
    "BO": ("XBOM", "INR"),
    "DE": ("XETR", "EUR"),
    "PA": ("XPAR", "EUR"),
    "AS": ("XAMS", "EUR"),
    "MI": ("XMIL", "EUR"),
    "SW": ("XSWX", "CHF"),
    "TO": ("XTSE", "CAD"),
    "AX": ("XASX", "AUD"),
    "KS": ("XKRX", "KRW"),
    "SS": ("XSHG", "CNY"),
    "SZ": ("XSHG", "CNY"),
    "KQ": ("XKRX", "KRW"),
    "TW": ("XTAI", "TWD"),
    "SI": ("XSES", "SGD"),
    "NZ": ("XNZE", "NZD"),
    "IL": ("XLON", "USD"),
    "MC": ("XMAD", "EUR"),
    "BR": ("XBRU", "EUR"),
    "LS": ("XLIS", "EUR"),
    "IR": ("XDUB", "EUR"),
    "VI": ("XWBO", "EUR"),
    "HE": ("XHEL", "EUR"),
    "ST": ("XSTO", "SEK"),
    "CO": ("XCSE", "DKK"),
    "OL": ("XOSL", "NOK"),
    "WA": ("XWAR", "PLN"),
    "SA": ("BVMF", "BRL"),
    "MX": ("XMEX", "MXN"),
}
"""Suffixes of listings outside the US: the exchange's calendar and its currency."""

_US_TICKER: Final = re.compile(r"[A-Z]{1,5}([.\-/][A-Z]{1,2})?")
_FOREIGN: Final = re.compile(rf"[A-Z0-9-]+\.({'|'.join(EXCHANGE_SUFFIXES)})")
_CONTRACT: Final = re.compile(r"([A-Z]{2})[FGHJKMNQUVXZ](\d{1,2}|\d{4})")
_PAIR: Final = re.compile(r"([A-Z0-9]{1,10})[/\-_]([A-Z]{3,5})")


def classify(symbol: str) -> AssetType:
    """Return the class of an asset by the spelling of its symbol; UNKNOWN where that says nothing.

    `CL` is a US equity, `CL=F` and `CLZ24` are commodities; `UNI` is a US equity, `UNI-USD` and
    `UNIUSD` are crypto; `XAUUSD` is a commodity; `BRK.B` and `BRK-B` are US equities.
    """
    text = symbol.upper()
    prefix, colon, rest = text.partition(":")
    if colon:
        return _by_prefix(prefix, rest)
    if text.endswith("=F"):
        return AssetType.COMMODITY
    pair = split_pair(text)
    if pair is not None:
        return _by_pair(*pair)
    contract = _CONTRACT.fullmatch(text)
    if contract and contract[1] in FUTURES:
        return AssetType.COMMODITY
    if _FOREIGN.fullmatch(text):
        return AssetType.INTERNATIONAL_EQUITY
    return AssetType.US_EQUITY if _US_TICKER.fullmatch(text) else AssetType.UNKNOWN


def split_pair(symbol: str) -> tuple[str, str] | None:
    """Return base and quote of a pair, or None for what is no pair.

    With `/`, `-` or `_` between them any base does, as long as the quote is money. Without one both
    halves must be known: three letters before USD do not make a coin.
    """
    text = symbol.upper().removesuffix("=X").removeprefix("X:").removeprefix("C:")
    written = _PAIR.fullmatch(text)
    if written is not None:
        base, quote = written[1], written[2]
        return (base, quote) if quote in CURRENCIES or quote in COIN_QUOTES else None
    for quote in (*COIN_QUOTES, text[-3:]):
        if text.endswith(quote) and _is_known_pair(text.removesuffix(quote), quote):
            return text.removesuffix(quote), quote
    return None


def canonical_spelling(symbol: str) -> str:
    """Return how we spell what a vendor spells otherwise, as far as the spelling settles it.

    `X:BTCUSD`, `BTC/USD` and `BTCUSDT` give `BTC-USD` and `BTC-USDT`; `C:EURUSD` and `EURUSD=X`
    give `EUR/USD`; `BRK-B` and `BRK/B` give `BRK.B`. Everything else stays, in upper case.
    """
    text = symbol.upper()
    pair = split_pair(text)
    if pair is not None:
        return f"{pair[0]}{'-' if _by_pair(*pair) is AssetType.CRYPTO else '/'}{pair[1]}"
    if _US_TICKER.fullmatch(text):
        return text.replace("-", ".").replace("/", ".")
    return text


def _is_known_pair(base: str, quote: str) -> bool:
    if quote in COIN_QUOTES:
        return base in COINS
    return quote in CURRENCIES and base in COINS | CURRENCIES | METALS


def _by_prefix(prefix: str, rest: str) -> AssetType:
    if prefix == "X":
        return AssetType.CRYPTO
    if prefix == "C":
        return AssetType.COMMODITY if rest[:3] in METALS else AssetType.FOREX
    return AssetType.UNKNOWN


def _by_pair(base: str, quote: str) -> AssetType:
    if base in METALS:
        return AssetType.COMMODITY
    both_money = base in CURRENCIES and quote in CURRENCIES
    return AssetType.FOREX if both_money else AssetType.CRYPTO

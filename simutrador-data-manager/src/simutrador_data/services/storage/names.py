"""File names for symbols: reversible, and safe on every file system.

A name holds only `A-Z 0-9 . _ - %`. Every other character, small letters included, is written as
the percent-encoded bytes of its UTF-8 form, so two symbols never share a file, not even on a disk
that ignores case or normalises Unicode. A dot or dash at the start, a dot at the end, and the
device names of Windows are escaped as well. A name that would be too long is shortened to its
start, `~` and a hash: such a name cannot be decoded; the store's catalogue holds the true symbol.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import unquote

from simutrador_core.errors import InvalidSymbolError

LONGEST: Final = 120
_HASH_DIGITS: Final = 40
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_DEVICE: Final = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]|CONIN\$|CONOUT\$)(\.|$)")


def encode_name(symbol: str) -> str:
    """Return the file or folder name of a symbol, at most `LONGEST` characters of ASCII.

    Raises:
        InvalidSymbolError: the symbol is empty or holds a lone surrogate, which is no text.
    """
    if not symbol:
        raise InvalidSymbolError("a symbol needs at least one character", field="symbol")
    try:
        name = "".join(c if c in _PLAIN else _escape(c) for c in symbol)
    except UnicodeEncodeError as e:
        raise InvalidSymbolError(
            f"symbol {symbol!a} holds a lone surrogate, which is no text", field="symbol"
        ) from e
    if name[0] in ".-" or _DEVICE.match(name):
        name = _escape(name[0]) + name[1:]
    if name[-1] == ".":
        name = name[:-1] + _escape(".")
    return name if len(name) <= LONGEST else _shorten(name, symbol)


def decode_name(name: str) -> str:
    """Return the symbol a name was made from.

    Raises:
        InvalidSymbolError: `encode_name` makes no such name, or it was shortened.
    """
    if "~" in name:
        raise InvalidSymbolError(f"{name} was shortened; ask the store's catalogue for its symbol")
    symbol = unquote(name, errors="replace")
    if not name or encode_name(symbol) != name:
        raise InvalidSymbolError(f"{name!a} is not the file name of a symbol")
    return symbol


def _escape(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _shorten(name: str, symbol: str) -> str:
    digest = hashlib.sha256(symbol.encode()).hexdigest().upper()[:_HASH_DIGITS]
    return f"{name[: LONGEST - _HASH_DIGITS - 1]}~{digest}"


__all__ = ["encode_name", "decode_name", "LONGEST"]

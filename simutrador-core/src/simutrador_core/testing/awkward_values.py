"""Prices, volumes and names that a careless store would damage or take for one another."""

from __future__ import annotations

from typing import Final

EXACT_PRICES: Final[dict[str, list[float]]] = {
    "fx": [1.08127, 1.08131, 1.0812699999999999, 0.1 + 0.2],
    "coin": [0.00001234, 0.00001235, 1e-9, 5e-324],
    "btc": [97123.45678901, 97123.45678902, 99999999.99, 123456789012.345],
    "cents": [185.5, 185.51, 0.01, 4999.99],
    "mixed": [1.0, 1.08127, 97123.45678901, 1e15],
    "negative zero": [-0.0, 0.0, 0.25, 0.5],
    "third": [1 / 3, 2 / 3, 1e-300, 1.7976931348623157e308],
}
"""Prices that an encoding by scaled integers, cents or float32 would damage."""

EXACT_VOLUMES: Final = [0.0, 0.00000001, 9007199254740993.0, 1.8446744073709552e19]
"""Volumes from one satoshi to beyond 2^63."""

ODD_SYMBOLS: Final = [
    "BRK.B", "BRK/B", "BRK-B", "brk.b", "EUR/USD", "BTC-USD", "^GSPC", "CON", "NUL.txt", "a/b",
    "../X", "..%2fX", "%00", "X.", "X ", "-X", "X" * 300, "caf\u00e9", "cafe\u0301", "\u0410APL",
    "AAPL", "\u202eLPAA", "%2E%2E", "X%20",
]  # fmt: skip
"""Names that a file system, a URL or an eye could take for one another."""

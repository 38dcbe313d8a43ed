"""`dataset_id`: one name for the exact rows a read returned, whatever store, layout or machine.

sha256 over a header and one line per (symbol, timeframe, adjustment, UTC month), sorted. A line
holds the key and the blake2b-256 of the month's little-endian columns. See docs/decisions/0003.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from simutrador_core.errors import InvalidBarsError
from simutrador_core.models.bars import F64, OHLCV, Bars

HEADER = b"simutrador-rows-1\n"


def dataset_id(parts: Iterable[Bars], *, actions: Iterable[str] = ()) -> str:
    """Return the hash of the rows in `parts`; each part is one whole series range.

    Args:
        parts: Reads of different series, or of ranges of one series that share no UTC month.
        actions: For adjusted reads, `action_line` of each symbol's corporate actions.

    Returns:
        64 hexadecimal digits. No rows at all give the hash of the header alone.

    Raises:
        InvalidBarsError: a price is NaN, or two parts hold rows of the same month.
    """
    lines = [line for bars in parts for line in month_lines(bars)]
    return combine([*lines, *actions])


def combine(lines: Iterable[str]) -> str:
    """Return the dataset id of lines as `month_lines` and `action_line` give them, in any order.

    The same action line may come once for each timeframe of a symbol; it counts once.

    Raises:
        InvalidBarsError: two lines stand for the same month or for different actions of a symbol.
    """
    given = list(lines)
    actions = {line for line in given if line.split(" ", 2)[1] == "actions"}
    ordered = sorted([*actions, *(line for line in given if line not in actions)])
    keys = [line.rsplit(" ", 1)[0] for line in ordered]
    twice = next((key for key, after in pairwise(keys) if key == after), None)
    if twice is not None:
        raise InvalidBarsError(f"{twice} comes twice; join the parts of one month before hashing")
    digest = hashlib.sha256(HEADER)
    for line in ordered:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def month_lines(bars: Bars) -> Iterator[str]:
    """Yield `symbol timeframe adjustment YYYY-MM digest` for every UTC month that has rows.

    Raises:
        InvalidBarsError: a price is NaN.
    """
    if not len(bars):
        return
    # Only the ends are turned into months: to ask each row costs as much as to hash it.
    ends = bars.opened_at[[0, -1]].view("datetime64[us]").astype("datetime64[M]").view(np.int64)
    first, last = ends.tolist()
    months = np.arange(first, last + 2, dtype=np.int64).view("datetime64[M]")
    starts = months.astype("datetime64[us]").view(np.int64)
    edges = np.searchsorted(bars.opened_at, starts).tolist()
    for month, (begin, end) in zip(months, pairwise(edges), strict=False):
        if begin < end:
            yield f"{bars.series} {month} {rows_digest(bars.take(slice(begin, end)))}"


def rows_digest(bars: Bars) -> str:
    """Return the blake2b-256 of the six columns, little-endian, -0.0 written as 0.0.

    Raises:
        InvalidBarsError: a price is NaN.
    """
    digest = hashlib.blake2b(digest_size=32)
    digest.update(np.ascontiguousarray(bars.opened_at, dtype="<i8").data)
    for name in OHLCV:
        digest.update(_canonical(getattr(bars, name), name=name, symbol=bars.symbol).data)
    return digest.hexdigest()


def action_line(symbol: str, digest: str) -> str:
    """Return the line that stands for the corporate actions an adjusted read used."""
    return f"{symbol} actions {digest}"


def _canonical(column: F64, *, name: str, symbol: str) -> F64:
    # Prices are above zero, as a rule: one pass says so, and that there is no NaN and no -0.0.
    if len(column) and column.min() > 0:
        return np.ascontiguousarray(column, dtype="<f8")
    if np.isnan(column).any():
        raise InvalidBarsError(f"{name} of {symbol} holds NaN, which has no dataset id")
    return np.ascontiguousarray(column + 0.0, dtype="<f8")  # -0.0 + 0.0 is 0.0

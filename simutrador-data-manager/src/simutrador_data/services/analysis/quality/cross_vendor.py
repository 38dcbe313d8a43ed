"""Bars of the store against those a vendor gives now, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import OHLCV, BarQuery, Bars
from simutrador_data.services.analysis.quality.findings import Check, Finding
from simutrador_data.services.comparing import Tolerance
from simutrador_data.services.comparing.accounts import (
    STORED,
    Comparison,
    Fetching,
    compare_accounts,
)

TOLERANCE: Final = Tolerance()

_RULE: Final = "{name} is that of {vendor} within {limit:.2%}"
_ONLY: Final = "{holder} has no bars that {other} lacks"


async def compare_with(
    vendor: DataProvider, query: BarQuery, *, store: BarStore, fetching: Fetching
) -> Comparison:
    """Return how the stored bars of a query differ from those a vendor gives.

    Raises:
        UnknownSymbolError: nothing is stored of the series.
    """
    return await compare_accounts(
        query.series,
        query.start,
        query.end,
        names=(STORED, vendor.name),
        providers=[vendor],
        store=store,
        tolerance=TOLERANCE,
        fetching=fetching,
    )


def vendor_findings(comparison: Comparison) -> Iterator[Finding]:
    """Yield each bar that differs by its worst column, then what only one of the two has."""
    found, (stored, vendor) = comparison.found, comparison.names
    limits = [TOLERANCE.volume if name == "volume" else TOLERANCE.price for name in OHLCV]
    for at in range(len(found.one)):
        cut = slice(at, at + 1)
        one, other = found.one.take(cut), found.other.take(cut)
        apart = [_apart(one, other, name) for name in OHLCV]
        worst = int(np.argmax([a / b for a, b in zip(apart, limits, strict=True)]))
        rule = _RULE.format(name=OHLCV[worst], vendor=vendor, limit=limits[worst])
        yield Finding(Check.CROSS_VENDOR, rule, apart[worst], limits[worst], one, other)
    sides: Sequence[tuple[Bars, str, str]] = (
        (found.only_one, stored, vendor),
        (found.only_other, vendor, stored),
    )
    for bars, holder, other in sides:
        if len(bars):
            rule = _ONLY.format(holder=holder, other=other)
            yield Finding(Check.CROSS_VENDOR, rule, len(bars), 0, bars)


def _apart(one: Bars, other: Bars, name: str) -> float:
    first, second = float(getattr(one, name)[0]), float(getattr(other, name)[0])
    larger = max(abs(first), abs(second))
    return abs(first - second) / larger if larger else 0.0

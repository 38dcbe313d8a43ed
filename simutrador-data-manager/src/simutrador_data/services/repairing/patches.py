"""`Patch`: one bar as it stands and as it should stand, with the rule that says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

import numpy as np

from simutrador_core.models.bars import OHLCV, Bars, SeriesKey

Values: TypeAlias = tuple[float, float, float, float, float]
"""Open, high, low, close and volume of one bar."""


class Rule(StrEnum):
    """What kind of error a patch mends; the bars it writes come from `repair:RULE`."""

    SPLIT_MISSED = "split-missed"
    SPLIT_DOUBLED = "split-doubled"
    HUNDREDFOLD = "hundredfold"
    ZERO_PRICE = "zero-price"


@dataclass(frozen=True, slots=True)
class Patch:
    """A proposal for one bar.

    Attributes:
        series: Whose bar it is.
        opened_at: When the bar opens, microseconds since the epoch, UTC.
        session: Its trading day, where the bar has one.
        old: The whole bar as it stands; prices in quote currency, volume in units of the asset.
        new: The whole bar as it should stand.
        rule: Which rule says so.
        evidence: What the rule saw, for people.
    """

    series: SeriesKey
    opened_at: int
    session: date | None
    old: Values
    new: Values
    rule: Rule
    evidence: str

    @property
    def id(self) -> str:
        """Twelve hex digits of what the patch does: the same error gives the same patch again."""
        values = [value.hex() for value in (*self.old, *self.new)]
        text = "|".join([str(self.series), str(self.opened_at), self.rule, *values])
        return sha256(text.encode()).hexdigest()[:12]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that change."""
        pairs = zip(OHLCV, self.old, self.new, strict=True)
        return tuple(name for name, old, new in pairs if old != new)


def values_at(bars: Bars, at: int) -> Values:
    """Return one bar's prices and volume."""
    return (
        float(bars.open[at]),
        float(bars.high[at]),
        float(bars.low[at]),
        float(bars.close[at]),
        float(bars.volume[at]),
    )


def make_patch(bars: Bars, at: int, new: Values, rule: Rule, evidence: str) -> Patch:
    """Return the proposal that the bar at a place shall be `new`."""
    session = None if bars.sessions is None else bars.sessions[at].item()
    old = values_at(bars, at)
    return Patch(bars.series, int(bars.opened_at[at]), session, old, new, rule, evidence)


def to_bars(series: SeriesKey, patches: Iterable[Patch], *, old: bool = False) -> Bars:
    """Return the bars that patches of one series make, or with `old` those they found."""
    ordered = sorted(patches, key=lambda patch: patch.opened_at)
    rows = [patch.old if old else patch.new for patch in ordered]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(OHLCV)).T
    days = None
    if all(patch.session is not None for patch in ordered):
        days = np.array([patch.session for patch in ordered], dtype="datetime64[D]")
    opened_at = np.array([patch.opened_at for patch in ordered], dtype=np.int64)
    open_, high, low, close, volume = (np.ascontiguousarray(column) for column in columns)
    return Bars(
        series.symbol,
        series.timeframe,
        series.adjustment,
        opened_at,
        open_,
        high,
        low,
        close,
        volume,
        days,
    )


__all__ = ["Patch", "Rule", "Values", "values_at", "make_patch", "to_bars"]

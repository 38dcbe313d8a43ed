"""One page against what was asked: sound rows, rejected rows, or a fault of the vendor. Pure rules.

A fault means that nothing of the page can be trusted; it is asked for again. A rejected row is
put aside, and its place is asked for again. An unfinished bar is left for later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from simutrador_core.interfaces.data_provider import BarPage
from simutrador_core.models.bars import I64, OHLCV, Bars, BoolArray, SeriesKey, from_us, to_us
from simutrador_core.utils.validation import REASONS, RowFault, check_bars
from simutrador_data.services.data_providers.files import RejectedRow
from simutrador_data.services.downloading.hours import LATENCY_US, TradingHours
from simutrador_data.services.validation.spans import Spans

SKEW_US: Final = 60_000_000
"""A vendor's clock may be so far ahead of ours."""

_KINDS: Final[Mapping[int, str]] = {
    fault: fault.name.lower().replace("_", " ") for fault in RowFault
}


class PageFault(Exception):  # noqa: N818 - a verdict on a page, caught beside the one who asks
    """The page is not an answer to what was asked; the text says how."""


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What is left of a page.

    Attributes:
        bars: Sound, finished bars inside the range asked for.
        claim: The range `[start, end)` the page settles, int us UTC, as far as it can; empty
            where `start >= end`.
        broken: Where rejected rows stand: the page does not settle these.
        rejected: Rows that break a rule, by their place in the page, 1-based.
        rejected_at: When each of them opens, int64 us UTC.
        unfinished: Bars that were still forming.
        outside: Bars outside the range asked for.
    """

    bars: Bars
    claim: tuple[int, int]
    broken: Spans
    rejected: tuple[RejectedRow, ...]
    rejected_at: I64
    unfinished: int
    outside: int


def check_page(
    page: BarPage,
    *,
    series: SeriesKey,
    start: int,
    end: int,
    now_us: int,
    asked_us: int,
    hours: TradingHours,
) -> Checked:
    """Judge a page against the range `[start, end)` that was asked for.

    Args:
        page: What came.
        series: Whose bars were asked for.
        start: int us UTC.
        end: Exclusive.
        now_us: When it came.
        asked_us: When it was asked for, at or before: bars that end later are unfinished, though
            they may have closed while the answer was on its way.
        hours: When bars of the series are due.

    Raises:
        PageFault: it holds another series, or bars of the future.
    """
    bars = page.bars
    if bars.series != series:
        raise PageFault(f"gave bars of {bars.series} instead of {series}")
    if len(bars) and int(bars.opened_at[-1]) > now_us + SKEW_US:
        raise PageFault(f"gave a bar of the future, {from_us(int(bars.opened_at[-1])).isoformat()}")
    inside = (bars.opened_at >= start) & (bars.opened_at < end)
    forming = _forming(bars, hours, asked_us)
    codes = check_bars(bars.open, bars.high, bars.low, bars.close, bars.volume)
    bad = inside & ~forming & (codes != 0)
    sound = bars.take(inside & ~forming & (codes == 0))
    low, high = max(start, to_us(page.covered[0])), min(end, to_us(page.covered[1]))
    if forming.any():
        high = min(high, int(bars.opened_at[forming][0]))
    reached = hours.extent(sound)[1] if len(sound) else low
    high = min(high, asked_us, max(reached, asked_us - LATENCY_US))
    wrong = bars.take(bad)
    return Checked(
        bars=sound,
        claim=(low, high),
        broken=Spans.of(wrong.opened_at, hours.ends_of(wrong)),
        rejected=tuple(_rejected(bars, bad, codes)),
        rejected_at=wrong.opened_at,
        unfinished=int((forming & inside).sum()),
        outside=int((~inside).sum()),
    )


def _forming(bars: Bars, hours: TradingHours, asked_us: int) -> BoolArray:
    forming = hours.ends_of(bars) > asked_us
    if not bars.complete and len(bars):
        forming = forming | (bars.opened_at == bars.opened_at[-1])
    return forming


def _rejected(bars: Bars, bad: BoolArray, codes: np.ndarray) -> Iterator[RejectedRow]:
    for at in np.flatnonzero(bad).tolist():
        fault = int(codes[at])
        numbers = ",".join(repr(float(getattr(bars, name)[at])) for name in OHLCV)
        text = f"{from_us(int(bars.opened_at[at])).isoformat()},{numbers}"
        yield RejectedRow(at + 1, _KINDS[fault], REASONS[fault], text)

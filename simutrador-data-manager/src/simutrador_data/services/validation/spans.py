"""`Spans`: ranges of time as sorted columns; what sources were asked for, on trading time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import I64, BoolArray, to_us
from simutrador_data.services.validation.expected import TradingTime


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Ranges `[starts, ends)`, int64 microseconds UTC, ascending, apart from each other."""

    starts: I64
    ends: I64

    def __len__(self) -> int:
        """Return the number of ranges."""
        return len(self.starts)

    @classmethod
    def of(cls, starts: I64, ends: I64) -> Spans:
        """Return ranges given in any order, without empty ones, joined where they touch."""
        kept = starts < ends
        starts, ends = starts[kept], ends[kept]
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        if not len(starts):
            return cls(starts, ends)
        apart = np.flatnonzero(starts[1:] > ends[:-1])
        return cls(starts[np.append(0, apart + 1)], ends[np.append(apart, len(ends) - 1)])

    @classmethod
    def joined(cls, parts: Iterable[Spans]) -> Spans:
        """Return the ranges of all parts together."""
        given = list(parts)
        none = np.empty(0, dtype=np.int64)
        return cls.of(
            np.concatenate([none, *(part.starts for part in given)]),
            np.concatenate([none, *(part.ends for part in given)]),
        )

    @classmethod
    def range(cls, start: int, end: int) -> Spans:
        """Return one range, none where it is empty."""
        return cls.of(np.array([start], dtype=np.int64), np.array([end], dtype=np.int64))

    @property
    def length(self) -> int:
        """How long the ranges are together, microseconds."""
        return int((self.ends - self.starts).sum())

    def pairs(self) -> list[tuple[int, int]]:
        """Return the ranges as pairs of plain integers."""
        return list(zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def within(self, other: Spans) -> Spans:
        """Return what of these ranges lies in those of `other`."""
        return self.without(self.without(other))

    def clipped(self, start: int, end: int) -> Spans:
        """Return what of these ranges lies in `[start, end)`."""
        return Spans.of(np.maximum(self.starts, start), np.minimum(self.ends, end))

    def contain(self, opens: I64, ends: I64) -> BoolArray:
        """Return for each span `[opens, ends)` whether one of the ranges holds all of it."""
        if not len(self):
            return np.zeros(len(opens), dtype=np.bool_)
        at = np.searchsorted(self.starts, opens, side="right") - 1
        return (at >= 0) & (ends <= self.ends[at])

    def end_after(self, instant: int) -> int:
        """Return the end of the range that holds `instant`, or `instant` where none does."""
        at = int(np.searchsorted(self.starts, instant, side="right")) - 1
        return max(instant, int(self.ends[at])) if at >= 0 else instant

    def without(self, other: Spans) -> Spans:
        """Return what is left of these ranges when those of `other` are cut out."""
        first = np.searchsorted(other.ends, self.starts, side="right").tolist()
        last = np.searchsorted(other.starts, self.ends).tolist()
        none = np.empty(0, dtype=np.int64)
        starts, ends = [none], [none]
        for at, cut in enumerate(map(slice, first, last)):
            # Edges that lie outside of the range pair up as empty pieces, which `of` drops.
            starts += [self.starts[at : at + 1], other.ends[cut]]
            ends += [other.starts[cut], self.ends[at : at + 1]]
        return Spans.of(np.concatenate(starts), np.concatenate(ends))


def settled(coverage: Sequence[Coverage]) -> tuple[I64, I64]:
    """Return the range each record settles, int64 us UTC: it ends when the source was asked.

    A source that was asked at noon for the whole day knew nothing of the afternoon.
    """
    starts = [to_us(c.start) for c in coverage]
    ends = [min(to_us(c.end), to_us(c.asked_at)) for c in coverage]
    return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


def asked_spans(coverage: Sequence[Coverage], time: TradingTime) -> Spans:
    """Return what sources were asked for, each range widened over the closed hours next to it.

    So ranges that end with one session and start with the next join, and a half bar whose label
    lies before the open counts as asked for.
    """
    starts, ends = settled(coverage)
    kept = starts < ends
    return Spans.of(*widened(starts[kept], ends[kept], time))


def widened(starts: I64, ends: I64, time: TradingTime) -> tuple[I64, I64]:
    """Return ranges whose edges are moved outward over time in which the exchange is closed."""
    if not len(time.starts):
        return starts, ends
    before = np.searchsorted(time.ends, starts, side="left")
    earlier = np.where(before > 0, time.ends[before - 1], starts)
    trading = (before < len(time.ends)) & (
        time.starts[np.minimum(before, len(time.starts) - 1)] < starts
    )
    after = np.searchsorted(time.starts, ends, side="left")
    later = np.where(
        after < len(time.starts), time.starts[np.minimum(after, len(time.starts) - 1)], ends
    )
    open_still = (after > 0) & (time.ends[after - 1] > ends)
    return np.where(trading, starts, earlier), np.where(open_still, ends, later)

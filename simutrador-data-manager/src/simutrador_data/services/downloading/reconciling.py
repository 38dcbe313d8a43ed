"""New bars beside those that stand: what a source restates of its own is replaced. Pure rules.

A bar that another source gave is kept where the two differ. A bar that stands in the store and is
absent from the answer is kept too: a download never removes a bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simutrador_core.interfaces.storage import Segment
from simutrador_core.models.bars import OHLCV, Bars, BoolArray, to_us
from simutrador_core.models.enums import OnConflict


@dataclass(frozen=True, slots=True, eq=False)
class Reconciled:
    """What to write.

    Attributes:
        bars: With `REPLACE`, also every bar that stands and must stay.
        on_conflict: `REPLACE` where the source restates bars of its own.
        restated: How many of its own bars it gives anew with other numbers.
        kept: Bars of other sources that differ and stay.
    """

    bars: Bars
    on_conflict: OnConflict
    restated: int
    kept: int


def reconcile(new: Bars, stored: Bars, *, is_own: BoolArray) -> Reconciled:
    """Return what to write of new bars where others stand.

    Args:
        new: What the source gave.
        stored: What stands in the range that the change covers, of the same series.
        is_own: bool (n,), which of the stored bars the same source gave.
    """
    _, mine, theirs = np.intersect1d(
        new.opened_at, stored.opened_at, assume_unique=True, return_indices=True
    )
    differs = np.zeros(len(mine), dtype=np.bool_)
    for name in OHLCV:
        differs |= getattr(new, name)[mine] != getattr(stored, name)[theirs]
    restated = differs & is_own[theirs]
    kept = int((differs & ~is_own[theirs]).sum())
    if not restated.any():
        return Reconciled(new, OnConflict.KEEP, 0, kept)
    gone = np.zeros(len(stored), dtype=np.bool_)
    gone[theirs[restated]] = True
    left_out = np.zeros(len(new), dtype=np.bool_)
    left_out[mine[~restated]] = True
    whole = merged(stored.take(~gone), new.take(~left_out))
    return Reconciled(whole, OnConflict.REPLACE, int(restated.sum()), kept)


def merged(one: Bars, other: Bars) -> Bars:
    """Return the bars of two parts of one series that share no instant, in order of time."""
    order = np.argsort(np.concatenate([one.opened_at, other.opened_at]), kind="stable")
    columns = [
        np.concatenate([getattr(one, name), getattr(other, name)])[order]
        for name in ("opened_at", *OHLCV)
    ]
    sessions = None
    if one.sessions is not None and other.sessions is not None:
        sessions = np.concatenate([one.sessions, other.sessions])[order]
    marks = None
    if one.synthetic is not None or other.synthetic is not None:
        marks = np.concatenate([_marks(one), _marks(other)])[order]
    return replace(Bars.unchecked(one.series, columns, sessions), synthetic=marks)


def given_by(source: str, bars: Bars, segments: Sequence[Segment]) -> BoolArray:
    """Return which bars a source gave, by the segments that hold them, in order of time."""
    if not segments:
        return np.zeros(len(bars), dtype=np.bool_)
    starts = np.array([to_us(one.start) for one in segments], dtype=np.int64)
    own = np.array([one.source == source for one in segments], dtype=np.bool_)
    at = np.searchsorted(starts, bars.opened_at, side="right") - 1
    return own[np.maximum(at, 0)] & (at >= 0)


def _marks(bars: Bars) -> BoolArray:
    return np.zeros(len(bars), dtype=np.bool_) if bars.synthetic is None else bars.synthetic

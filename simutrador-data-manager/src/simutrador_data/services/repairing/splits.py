"""Bars that a recorded split was not applied to, or applied to twice. Pure.

Every bar is first put on the terms of today: a raw one is divided by the splits after it, an
adjusted one already is. Then prices go on smoothly, and near a split the rows that stand off by its
ratio give themselves away by the jumps at their edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from simutrador_core.interfaces.data_provider import ActionKind, CorporateAction
from simutrador_core.models.bars import D64, F64, Bars
from simutrador_core.models.enums import Adjustment
from simutrador_data.services.analysis.quality.robust import robust_scale
from simutrador_data.services.repairing.patches import Patch, Rule, Values, make_patch, values_at
from simutrador_data.services.repairing.split_edges import find_prefix, find_run

NEAR: Final = 10
"""How many bars from a split its error may begin or end, and how long a run of wrong bars is."""

_SMALLEST: Final = float(np.log(1.5)) - 1e-9
_ABOVE_NOISE: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Split:
    """A split as a step: `log` of new shares for one old; the bar `at` is the first after it."""

    effective: date
    ratio: float
    log: float
    at: int


def find_split_errors(bars: Bars, actions: Sequence[CorporateAction]) -> Iterator[Patch]:
    """Yield a patch for each bar that a recorded split was left out of, or put into twice.

    Args:
        bars: Daily bars, raw or adjusted. Bars with a price that is not above zero are ignored.
        actions: What is recorded of the symbol; without splits nothing is found.
    """
    if bars.sessions is None or len(bars) < 3:
        return
    sound = np.flatnonzero((bars.low > 0) & (bars.close > 0) & (bars.open > 0) & (bars.high > 0))
    splits = _splits(bars.sessions[sound], actions)
    level = np.log(bars.close[sound])
    if bars.adjustment is Adjustment.RAW:
        for split in splits:
            level[: split.at] -= split.log
    jumps = np.append(0.0, np.diff(level))
    scale = robust_scale(jumps[1:])
    done: set[int] = set()
    for split in splits:
        if abs(split.log) < max(_SMALLEST, _ABOVE_NOISE * scale):
            continue
        found = _find(bars.take(sound), jumps, split)
        if found is None:
            continue
        first, last, is_missed = found
        for at in range(first, last):
            if at not in done:
                yield _patch(bars, int(sound[at]), split, is_missed)
        done.update(range(first, last))


def _find(bars: Bars, jumps: F64, split: _Split) -> tuple[int, int, bool] | None:
    """Return `[first, last)` of the rows that are off, and whether the split was left out there."""
    window = range(max(1, split.at - NEAR), min(len(jumps), split.at + NEAR + 1))
    run = find_run(jumps, split.log, window, longest=NEAR)
    if bars.adjustment is Adjustment.RAW:
        # Where raw prices jump once, beside the recorded day, the record may be what is wrong.
        return None if run is None or split.at in run[:2] else run
    if run is not None:
        return run
    prefix = find_prefix(jumps, bars.volume, split.log, window)
    return None if prefix is None else (0, *prefix)


def _splits(sessions: D64, actions: Sequence[CorporateAction]) -> list[_Split]:
    """Return the splits inside the bars."""
    found: list[_Split] = []
    for action in actions:
        if action.kind is not ActionKind.SPLIT or action.ratio is None:
            continue
        at = int(np.searchsorted(sessions, np.datetime64(action.effective)))
        if 0 < at < len(sessions):
            ratio = float(action.ratio)
            found.append(_Split(action.effective, ratio, float(np.log(ratio)), at))
    return found


def _patch(bars: Bars, at: int, split: _Split, is_missed: bool) -> Patch:
    rule = Rule.SPLIT_MISSED if is_missed else Rule.SPLIT_DOUBLED
    factor = split.ratio if is_missed else 1 / split.ratio
    what = "without" if is_missed else "twice with"
    evidence = (
        f"the bars around stand on the terms of the split of {split.effective} "
        f"({split.ratio:.6g} for 1), this one {what} it"
    )
    return make_patch(bars, at, _divided(values_at(bars, at), factor), rule, evidence)


def _divided(values: Values, factor: float) -> Values:
    """Return a bar with its prices divided and its volume multiplied; whole volume stays whole."""
    open_, high, low, close, volume = values
    grown = volume * factor
    if volume.is_integer():
        grown = float(round(grown))
    return open_ / factor, high / factor, low / factor, close / factor, grown


__all__ = ["find_split_errors"]

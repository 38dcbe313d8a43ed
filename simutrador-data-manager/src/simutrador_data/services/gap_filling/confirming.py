"""What shows that absent bars never were: two vendors without them, the volume of the day.

Pure rules; all instants are int64 microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isclose
from typing import Final

import numpy as np

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.bars import I64, Bars
from simutrador_core.sessions.calendar import Schedule
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.downloading.planning import settled_spans
from simutrador_data.services.validation.notes import is_note
from simutrador_data.services.validation.spans import Spans

SAME_VOLUME: Final = 1e-9
"""Two sums of the same whole shares differ by no more, as a fraction."""


def vendors_asked(coverage: Sequence[Coverage], hours: TradingHours) -> dict[str, Spans]:
    """Return for each vendor what it gave a final answer for; files and our own work are none."""
    names = {one.provider for one in coverage if ":" not in one.provider}
    return {
        name: settled_spans([one for one in coverage if one.provider == name], hours)
        for name in sorted(names)
    }


def asked_for(coverage: Sequence[Coverage], hours: TradingHours, prefix: str) -> Spans:
    """Return what notes of a kind say finally; see `validation.notes`."""
    kept = [one for one in coverage if is_note(one.provider) and one.provider.startswith(prefix)]
    return settled_spans(kept, hours)


def absent_from_two(absent: Spans, asked: Mapping[str, Spans]) -> dict[tuple[str, str], Spans]:
    """Return what of the absent ranges two vendors answered for, by the two.

    Both were asked for these bars and neither has them. A range is given to the first two only.
    """
    found: dict[tuple[str, str], Spans] = {}
    for one, other in combinations(asked, 2):
        both = absent.within(asked[one]).within(asked[other])
        if len(both):
            found[one, other] = both
            absent = absent.without(both)
    return found


def whole_by_volume(
    absent: Spans, bars: Bars, daily: Bars, schedule: Schedule, days: tuple[I64, I64]
) -> Spans:
    """Return what of the absent ranges lies in sessions whose volume the stored bars make up.

    The daily volume is compared with that of the session's own hours and with that of the whole
    local day: vendors differ in whether trades before and after the session count.

    Args:
        absent: Ranges without bars.
        bars: Stored bars of these days.
        daily: Daily bars of the same symbol and adjustment, not made of `bars`.
        schedule: The sessions, shape (n,).
        days: When the local day of each session begins and ends, each shape (n,).
    """
    if daily.sessions is None or not len(daily) or not len(schedule):
        return Spans.range(0, 0)
    sums = np.append(0.0, np.cumsum(bars.volume))
    volume = dict(zip(daily.sessions.tolist(), daily.volume.tolist(), strict=True))
    own, whole = (
        sums[np.searchsorted(bars.opened_at, ends)] - sums[np.searchsorted(bars.opened_at, starts)]
        for starts, ends in ((schedule.opens, schedule.closes), days)
    )
    kept = [
        at
        for at, session in enumerate(schedule.sessions.tolist())
        if session in volume and _is_either(volume[session], float(own[at]), float(whole[at]))
    ]
    index = np.array(kept, dtype=np.int64)
    return absent.within(Spans.of(schedule.opens[index], schedule.closes[index]))


def _is_either(volume: float, *sums: float) -> bool:
    return any(isclose(volume, one, rel_tol=SAME_VOLUME, abs_tol=1e-6) for one in sums)

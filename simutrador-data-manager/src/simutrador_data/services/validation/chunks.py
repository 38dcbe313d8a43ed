"""A long range cut where the exchange is closed, so that it can be worked through in parts."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Final

from simutrador_core.models.bars import from_us, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_data.services.validation.expected import expected_bars

PERIODS: Final = {Timeframe.DAILY: 260, Timeframe.WEEKLY: 52, Timeframe.MONTHLY: 12}
"""How many sessions, weeks or months make a part: about a year each."""


def year_parts(
    schedule: Schedule, start: datetime, end: datetime, *, whole: Timeframe, first_weekday: int
) -> list[tuple[datetime, datetime]]:
    """Return `[start, end)` cut into parts of about a year, in order.

    Args:
        schedule: The sessions of the range, and whole weeks or months at its edges.
        start: Aware; the first part starts here.
        end: Exclusive; the last part ends here.
        whole: What no cut may divide: sessions (`daily`), weeks or months.
        first_weekday: Where weeks start.
    """
    ends = expected_bars(schedule, whole, first_weekday=first_weekday).ends
    # Cut at closes: a half bar of a clock grid is labelled before its session opens.
    cuts = ends[PERIODS[whole] - 1 :: PERIODS[whole]]
    inside = cuts[(cuts > to_us(start)) & (cuts < to_us(end))]
    # Not `np.unique`, which loads `numpy.ma`: 10 MB of every download.
    edges = [start, *(from_us(cut) for cut in sorted(set(inside.tolist()))), end]
    return list(pairwise(edges))

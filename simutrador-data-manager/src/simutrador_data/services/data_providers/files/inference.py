"""What the rows themselves tell: how long a bar lasts, which zone they are in, what times label.

All rules are pure and look at a sample: the first page of a file.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simutrador_core.models.bars import F64, I64
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Schedule
from simutrador_data.services.data_providers.files.instants import DAY_US, SECOND_US
from simutrador_data.services.data_providers.files.model import Label
from simutrador_data.services.data_providers.files.zones import local_to_utc

MINUTE_US: Final = 60 * SECOND_US

_INTRADAY: Final = {
    MINUTE_US: Timeframe.MINUTE_1,
    5 * MINUTE_US: Timeframe.MINUTE_5,
    15 * MINUTE_US: Timeframe.MINUTE_15,
    30 * MINUTE_US: Timeframe.MINUTE_30,
    60 * MINUTE_US: Timeframe.HOUR_1,
    120 * MINUTE_US: Timeframe.HOUR_2,
    240 * MINUTE_US: Timeframe.HOUR_4,
}
_LONG: Final = ((5, Timeframe.DAILY), (20, Timeframe.WEEKLY), (45, Timeframe.MONTHLY))
_BETTER_FIT: Final = 0.02
_THIN: Final = 0.5


def infer_timeframe(local_us: I64) -> Timeframe | None:
    """Return the timeframe of one symbol's times by their spacing, or None when it fits none.

    Intraday bars by the commonest step (holes and nights do not count), daily and longer by the
    median step, in days.
    """
    times = np.unique(local_us)
    steps = np.diff(times)
    if not len(steps):
        return None
    values, counts = np.unique(steps, return_counts=True)
    common = int(values[np.argmax(counts)])
    days = float(np.median(steps)) / DAY_US
    if common < DAY_US * 0.9 and days < 0.9:
        return _INTRADAY.get(common)
    return next((timeframe for limit, timeframe in _LONG if days < limit), None)


def infer_zone(
    local_us: I64, volume: F64, schedule: Schedule, home: ZoneInfo
) -> tuple[ZoneInfo, str]:
    """Return the zone of naive intraday times, and how it was decided.

    The exchange's own zone, unless read as UTC more of the volume falls into its sessions.
    """
    utc_zone = ZoneInfo("UTC")
    if not len(schedule) or home.key == "UTC":
        return home, "assumed: the exchange's zone; overrule with zone"
    at_home = session_share(local_to_utc(local_us, home)[0], volume, schedule)
    as_utc = session_share(local_us, volume, schedule)
    if as_utc > at_home + _BETTER_FIT:
        return utc_zone, (
            f"data: read as UTC {as_utc:.0%} of the volume is inside sessions, "
            f"as {home.key} {at_home:.0%}"
        )
    return home, f"assumed: the exchange's zone ({at_home:.0%} of the volume is inside sessions)"


def session_share(utc_us: I64, volume: F64, schedule: Schedule) -> float:
    """Return which part of the volume (of the rows where there is none) falls into sessions."""
    weight = np.where(np.isfinite(volume) & (volume > 0), volume, 0.0)
    if not weight.any():
        weight = np.ones(len(utc_us))
    at = np.searchsorted(schedule.opens, utc_us, side="right") - 1
    inside = (at >= 0) & (utc_us < schedule.closes[np.maximum(at, 0)])
    return float(weight[inside].sum() / weight.sum()) if len(utc_us) else 0.0


def infer_label(utc_us: I64, volume: F64, schedule: Schedule, step_us: int) -> tuple[Label, str]:
    """Return whether intraday times name the open or the close of a bar, and how it was decided.

    Times that name the close have no bar, or a thin one from before the session, at the instant
    the session opens, a busy one a step later, and one at the instant it closes.
    """
    known = len(schedule) and bool(np.all(schedule.opens[1:] > schedule.closes[:-1]))
    if not known:
        return Label.OPEN, "assumed: an unbroken market gives no hint; overrule with label"
    at_open = _volume_at(schedule.opens, utc_us, volume)
    after_open = _volume_at(schedule.opens + step_us, utc_us, volume)
    at_close = _volume_at(schedule.closes, utc_us, volume)
    if after_open > 0 and at_close > 0 and at_open < _THIN * after_open:
        return Label.CLOSE, (
            "data: bars stand at the closing instant of sessions, and none or thin ones at the open"
        )
    if at_open > 0:
        return Label.OPEN, "data: bars stand at the opening instant of sessions"
    return Label.OPEN, "assumed; overrule with label"


def _volume_at(instants: I64, utc_us: I64, volume: F64) -> float:
    """Return the volume of the bars labelled with one of the instants; bars without count 1e-9."""
    found = np.isin(utc_us, instants)
    return float(np.nan_to_num(volume[found]).sum()) + 1e-9 * int(found.sum())

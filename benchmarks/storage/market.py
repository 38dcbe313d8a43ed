"""Invented minutes on a grid of cents, in New York's sessions: the same rows for every store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from simutrador_core.models.bars import I64, from_us, to_us
from simutrador_core.sessions.exchange import get_calendar

SESSION: Final = 390
MONTH: Final = 21 * SESSION
_FROM: Final = to_us(datetime.combine(date(2014, 1, 1), datetime.min.time(), UTC))


@cache
def _opens() -> I64:
    """Return when each whole session from 2014 on opens; half days are left out."""
    schedule = get_calendar("XNYS").schedule
    return schedule.opens[(schedule.minutes() == SESSION) & (schedule.opens >= _FROM)]


def session_start(number: int) -> datetime:
    """Return when session `number` opens, counted from 2014 on."""
    return from_us(int(_opens()[number]))


def minutes(sessions: int, *, seed: int, first: int = 0) -> pd.DataFrame:
    """Return minutes: opened_at datetime64[us, UTC], open high low close volume float64.

    Steps and ranges are those of a liquid share near 200 dollars; volumes are log-normal.
    """
    rng = np.random.default_rng([seed, first])
    n = sessions * SESSION
    close = 20_000 + rng.normal(0, 4, n).round().astype(np.int64).cumsum()
    close += max(0, 500 - int(close.min()))
    opened = close + rng.integers(-4, 5, n)
    high = np.maximum(opened, close) + rng.poisson(3, n)
    low = np.minimum(opened, close) - rng.poisson(3, n)
    volume = rng.lognormal(8.5, 0.8, n).round()
    opens = _opens()[first : first + sessions]
    times = (opens[:, None] + np.arange(SESSION) * 60_000_000).ravel()
    stamps = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC")
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame(
        {"opened_at": stamps, **{k: v / 100 for k, v in prices.items()}, "volume": volume}
    )

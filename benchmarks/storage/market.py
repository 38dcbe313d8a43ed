"""Invented minutes on a grid of cents: the same rows for every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

SESSION: Final = 390
MONTH: Final = 21 * SESSION
_FIRST: Final = int(datetime(2020, 1, 2, 14, 30, tzinfo=UTC).timestamp())


def session_start(number: int) -> datetime:
    """Return when session `number` opens: each weekday from 2020-01-02 on, 14:30 UTC."""
    first = np.busday_offset("2020-01-02", number)
    return datetime.combine(first.item(), datetime.min.time(), UTC) + timedelta(
        hours=14, minutes=30
    )


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
    opens = np.array(
        [int(session_start(first + number).timestamp()) * 10**6 for number in range(sessions)]
    )
    times = (opens[:, None] + np.arange(SESSION) * 60_000_000).ravel()
    stamps = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC")
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame(
        {"opened_at": stamps, **{k: v / 100 for k, v in prices.items()}, "volume": volume}
    )

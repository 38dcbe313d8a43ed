"""Price paths in whole ticks, drawn from raw PCG64 bits: the same bytes on every machine.

`PCG64.random_raw` and `SeedSequence` are streams numpy promises never to change; the distributions
of `Generator` are not. Only integers, and the float operations that IEEE 754 rounds exactly
(+ - * / and square root), are used: no exp, log or power, whose last bit depends on the machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simutrador_core.models.bars import F64, I64

_BELL_DEVIATION: Final = 37837.0
"""Standard deviation of the sum of four uniform 16-bit numbers: 65536 * sqrt(4 / 12), rounded."""

_DAILY_VOLATILITY: Final = 0.012
_OVERNIGHT_SHARE: Final = 0.3
_MOST_A_SESSION: Final = 0.15
_FEWEST_TICKS: Final = 50
_VOLUME_A_MINUTE: Final = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class SessionPath:
    """Where each session opens and closes, in ticks, and how much it moves: arrays (sessions,)."""

    opens: I64
    closes: I64
    volatility: F64


@dataclass(frozen=True, slots=True, eq=False)
class MinutePath:
    """The minutes of one session: prices in ticks, int64 (n,); volume in units, int64 (n,)."""

    open: I64
    high: I64
    low: I64
    close: I64
    volume: I64


def raw_bits(seed: int, *stream: int | str, count: int) -> NDArray[np.uint64]:
    """Return `count` raw 64-bit numbers of the stream that `seed` and `stream` name."""
    keys = [key if isinstance(key, int) else _number_of(key) for key in stream]
    return np.random.PCG64(np.random.SeedSequence([seed, *keys])).random_raw(count)


def bell(bits: NDArray[np.uint64]) -> F64:
    """Return a number of mean 0 and deviation 1 for each 64 bits: the sum of four uniform ones."""
    quarters = [(bits >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    total = sum(quarter.astype(np.int64) for quarter in quarters)
    return np.asarray(total - 131_070, dtype=np.float64) / _BELL_DEVIATION


def session_path(seed: int, symbol: str, *, sessions: int, first: int) -> SessionPath:
    """Return the sessions of a symbol that starts at `first` ticks; quiet and wild days cluster.

    The variance of a session follows the one before it: 5 % the long-run level, 10 % the last
    move squared, 85 % the last variance (a GARCH(1,1) recursion).
    """
    moves = bell(raw_bits(seed, symbol, "sessions", count=sessions)).tolist()
    gaps = bell(raw_bits(seed, symbol, "overnight", count=sessions)).tolist()
    opens: list[int] = []
    closes: list[int] = []
    deviations: list[float] = []
    level, variance = first, _DAILY_VOLATILITY * _DAILY_VOLATILITY
    for move, gap in zip(moves, gaps, strict=True):
        deviation = sqrt(variance)
        change = max(-_MOST_A_SESSION, min(_MOST_A_SESSION, deviation * move))
        opened = _moved(level, _OVERNIGHT_SHARE * deviation * gap)
        level = _moved(opened, change)
        opens.append(opened)
        closes.append(level)
        deviations.append(deviation)
        variance = (
            0.05 * _DAILY_VOLATILITY * _DAILY_VOLATILITY + 0.10 * change * change + 0.85 * variance
        )
    return SessionPath(
        np.array(opens, dtype=np.int64),
        np.array(closes, dtype=np.int64),
        np.array(deviations, dtype=np.float64),
    )


def minute_path(
    seed: int, symbol: str, *, day: int, minutes: int, opened: int, closed: int, volatility: float
) -> MinutePath:
    """Return the minutes of the session numbered `day`, from `opened` to `closed` ticks.

    A bridge of random steps, larger near open and close, where most of the volume is too.
    """
    place = (np.arange(minutes, dtype=np.float64) * 2.0 + 1.0) / minutes - 1.0
    smile = 0.6 + 1.2 * place * place
    steps = bell(raw_bits(seed, symbol, "steps", day, count=minutes))
    size = opened * volatility / sqrt(minutes)
    wandered = np.cumsum(np.rint(steps * smile * size).astype(np.int64))
    pull = (closed - opened) - int(wandered[-1])
    done = np.arange(1, minutes + 1, dtype=np.int64)
    close = np.maximum(opened + wandered + pull * done // minutes, 2)
    open_ = np.concatenate([[opened], close[:-1]])
    tails = raw_bits(seed, symbol, "tails", day, count=2 * minutes) >> np.uint64(54)
    reach = (tails.astype(np.float64) / 1024.0 * size).astype(np.int64)
    high = np.maximum(open_, close) + reach[:minutes]
    low = np.maximum(np.minimum(open_, close) - reach[minutes:], 1)
    draws = (raw_bits(seed, symbol, "volume", day, count=minutes) >> np.uint64(53)).astype(np.int64)
    excited = 1.0 + np.abs(close - open_) / max(size, 1.0)
    volume = np.rint(_VOLUME_A_MINUTE * smile * excited * (256 + draws) / 1280.0).astype(np.int64)
    return MinutePath(open_, high, low, close, np.maximum(volume, 1))


def _moved(ticks: int, change: float) -> int:
    return max(_FEWEST_TICKS, round(ticks * (1.0 + change)))


def _number_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

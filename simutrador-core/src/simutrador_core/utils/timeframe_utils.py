"""Timeframes: their lengths, their spellings, and which can be made from which."""

from __future__ import annotations

import re
from typing import Final

from simutrador_core.errors import InvalidTimeframeError
from simutrador_core.models.enums import Timeframe

_DAY: Final = 1440
_MINUTES: Final = {
    Timeframe.MINUTE_1: 1,
    Timeframe.MINUTE_5: 5,
    Timeframe.MINUTE_15: 15,
    Timeframe.MINUTE_30: 30,
    Timeframe.HOUR_1: 60,
    Timeframe.HOUR_2: 120,
    Timeframe.HOUR_4: 240,
    Timeframe.DAILY: _DAY,
    Timeframe.WEEKLY: 7 * _DAY,
}
_PANDAS: Final = {
    Timeframe.DAILY: "1D",
    Timeframe.WEEKLY: "W-MON",
    Timeframe.MONTHLY: "MS",
}
_TEXTS: Final = {
    Timeframe.MINUTE_1: "1 minute",
    Timeframe.MINUTE_5: "5 minutes",
    Timeframe.MINUTE_15: "15 minutes",
    Timeframe.MINUTE_30: "30 minutes",
    Timeframe.HOUR_1: "1 hour",
    Timeframe.HOUR_2: "2 hours",
    Timeframe.HOUR_4: "4 hours",
    Timeframe.DAILY: "1 session",
    Timeframe.WEEKLY: "1 week of sessions",
    Timeframe.MONTHLY: "1 month of sessions",
}
_UNITS: Final = {
    **dict.fromkeys(("m", "t", "min", "mins", "minute", "minutes"), "minute"),
    **dict.fromkeys(("h", "hr", "hour", "hours", "hourly"), "hour"),
    **dict.fromkeys(("d", "day", "days", "daily"), "day"),
    **dict.fromkeys(("w", "wk", "week", "weeks", "weekly"), "week"),
    **dict.fromkeys(("mo", "mon", "month", "months", "monthly"), "month"),
}
_INTRADAY: Final = {minutes: tf for tf, minutes in _MINUTES.items() if minutes < _DAY}
_LONG: Final = {"day": Timeframe.DAILY, "week": Timeframe.WEEKLY, "month": Timeframe.MONTHLY}
_SPELLING: Final = re.compile(r"([1-9][0-9]{0,3})? ?([A-Za-z]+)")


def parse_timeframe(text: str | Timeframe) -> Timeframe:
    """Return the timeframe a text names, in any usual spelling.

    `1min`, `1m`, `60min`, `1H`, `hour`, `1d`, `1D`, `1day`, `daily`, `1w`, `1mo`. Letter case does
    not matter but for one: `1m` is a minute and `1M`, as exchanges write it, a month.

    Raises:
        InvalidTimeframeError: the text names none; the error lists those there are.
    """
    found = _SPELLING.fullmatch(str(text))
    if found is not None:
        count = int(found[1] or 1)
        unit = "month" if found[2] == "M" else _UNITS.get(found[2].lower())
        if unit in ("minute", "hour"):
            timeframe = _INTRADAY.get(count * (60 if unit == "hour" else 1))
        else:
            timeframe = _LONG.get(unit or "") if count == 1 else None
        if timeframe is not None:
            return timeframe
    names = ", ".join(Timeframe)
    raise InvalidTimeframeError(f"{text!r} is no timeframe; use one of {names}", field="timeframe")


def get_timeframe_minutes(timeframe: Timeframe | str) -> int | None:
    """Return the length in minutes (daily 1440, 1w 10080); None for a month or an unknown text."""
    known = _known(timeframe)
    return None if known is None else _MINUTES.get(known)


def timeframe_us(timeframe: Timeframe | str) -> int:
    """Return the length in microseconds, of the clock: a daily bar counts 24 hours.

    Raises:
        InvalidTimeframeError: the text names no timeframe, or a month, which has no fixed length.
    """
    parsed = parse_timeframe(timeframe)
    if parsed not in _MINUTES:
        raise InvalidTimeframeError(f"{parsed} has no fixed length", field="timeframe")
    return _MINUTES[parsed] * 60_000_000


def get_pandas_frequency(timeframe: Timeframe | str) -> str:
    """Return the pandas offset alias: `1min` to `4h`, `1D`; `W-MON` and `MS` label by their start.

    For `W-MON` pass `closed="left", label="left"` to `resample`.

    Raises:
        InvalidTimeframeError: the text names no timeframe.
    """
    parsed = parse_timeframe(timeframe)
    return _PANDAS.get(parsed, str(parsed))


def validate_timeframe_conversion(
    from_timeframe: Timeframe | str, to_timeframe: Timeframe | str
) -> bool:
    """Return whether bars can be resampled: the target is longer and made of whole source bars.

    A month is made of sessions, so of everything up to daily, but not of weeks. An unknown
    timeframe gives False.
    """
    source, target = _known(from_timeframe), _known(to_timeframe)
    if source is None or target is None or source is Timeframe.MONTHLY:
        return False
    if target is Timeframe.MONTHLY:
        return source is not Timeframe.WEEKLY
    return _MINUTES[target] > _MINUTES[source] and _MINUTES[target] % _MINUTES[source] == 0


def get_supported_timeframes() -> dict[str, str]:
    """Return every timeframe's wire value and what it is called, shortest first."""
    return {str(timeframe): text for timeframe, text in _TEXTS.items()}


def get_resampling_rules() -> dict[str, str]:
    """Return how each column of bars is combined, in pandas' words."""
    return {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def _known(timeframe: Timeframe | str) -> Timeframe | None:
    try:
        return parse_timeframe(timeframe)
    except InvalidTimeframeError:
        return None

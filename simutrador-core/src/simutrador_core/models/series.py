"""Which bars: `SeriesKey` names a stored series, `BarQuery` a range of it; instants as integers.

Times inside `Bars` are int64 microseconds since the Unix epoch, UTC. No numpy and no pydantic here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from simutrador_core.errors import InvalidRangeError
from simutrador_core.models.enums import Adjustment, Timeframe

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Return microseconds since the epoch of an aware instant.

    Raises:
        InvalidRangeError: the instant is naive.
    """
    if instant.utcoffset() is None:
        raise InvalidRangeError(f"{instant.isoformat()} has no time zone; add one, for instance Z")
    return (instant - EPOCH) // MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the aware UTC instant of microseconds since the epoch.

    Raises:
        InvalidRangeError: the instant falls outside the years 1 to 9999.
    """
    try:
        return EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError as e:
        raise InvalidRangeError(
            f"{microseconds} microseconds since 1970 is outside the years 1 to 9999"
        ) from e


def check_range(start: datetime, end: datetime) -> None:
    """Accept `[start, end)`, both aware and in order; an empty range is legal.

    Raises:
        InvalidRangeError: an end is naive, or they are reversed; `field` names it.
    """
    for name, instant in (("start", start), ("end", end)):
        if instant.utcoffset() is None:
            raise InvalidRangeError(
                f"{name} {instant.isoformat()} has no time zone; add one, for instance Z",
                field=name,
            )
    if start > end:
        raise InvalidRangeError(
            f"start {start.isoformat()} is after end {end.isoformat()}", field="start"
        )


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What identifies one stored series of bars."""

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment = Adjustment.RAW

    def __str__(self) -> str:
        """Return the key as shown to people: `AAPL daily raw`."""
        return f"{self.symbol} {self.timeframe} {self.adjustment}"


@dataclass(frozen=True, slots=True)
class BarQuery:
    """Bars of one series that open in `[start, end)`, both aware.

    Attributes:
        symbol: Canonical symbol.
        timeframe: How long each bar lasts.
        start: First instant wanted, aware.
        end: First instant no longer wanted, aware.
        adjustment: What the prices shall be corrected for.
        actions_as_of: Adjust by the corporate actions in effect and known on that date; None means
            all that stored bars reach.
        as_of: Commit id: read the store as it was then, 0 before its first; None means the latest.

    Raises:
        InvalidRangeError: an end is naive, or they are reversed.
    """

    symbol: str
    timeframe: Timeframe
    start: datetime
    end: datetime
    adjustment: Adjustment = Adjustment.RAW
    actions_as_of: date | None = None
    as_of: int | None = None

    def __post_init__(self) -> None:
        """Refuse a naive or reversed range."""
        check_range(self.start, self.end)

    @property
    def series(self) -> SeriesKey:
        """The series asked for."""
        return SeriesKey(self.symbol, self.timeframe, self.adjustment)

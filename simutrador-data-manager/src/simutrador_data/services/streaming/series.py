"""`LiveSeries`: one followed series: what is settled, what came, what must be asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from simutrador_core.models.bars import Bars, SeriesKey, from_us
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_core.utils.validation import check_bars
from simutrador_data.services.downloading.checking import SKEW_US
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.streaming.backoff import Backoff
from simutrador_data.services.streaming.report import Written

_LONGEST_GRACE_US: Final = 60_000_000
NEVER: Final = 1 << 62
MOST_FAILURES: Final = 3
"""Once the end asked for is over, what fails so often in a row is given up."""


@dataclass(slots=True)
class LiveSeries:
    """One followed series. Instants are int microseconds UTC, but for `ask_at`.

    Attributes:
        series: Which one.
        hours: When its bars are due.
        settled: Up to here no bar is missing, from where following began.
        begun: That is here; what is older is left alone.
        until: Where following ends; bars that close later are left alone.
        asks: How long to wait between asking over REST for what stays absent.
        known: Up to here something is stored.
        ask_at: When it may be asked for again, seconds of a monotonic clock.
        is_late: What is absent shall be asked for without waiting for the stream: it closed before
            the connection was made, or a later bar came.
        failures: Times in a row that it was asked for in vain.
        message: Why, in the vendor's words.
        live: Bars of the stream written.
        backfilled: Bars written that were asked for.
    """

    series: SeriesKey
    hours: TradingHours
    settled: int
    asks: Backoff
    until: int = NEVER
    known: int = 0
    ask_at: float = 0.0
    is_late: bool = False
    failures: int = 0
    message: str = ""
    live: int = 0
    backfilled: int = 0
    begun: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin where it is settled."""
        self.begun = self.settled

    @property
    def written(self) -> Written:
        """Bars written so far."""
        return Written(self.live, self.backfilled)

    @property
    def end(self) -> datetime | None:
        """Where following ends, None for never."""
        return None if self.until == NEVER else from_us(self.until)

    def sound(self, bars: Bars, now: int) -> Bars:
        """Return the bars that can be right and are wanted; those left out are holes to ask for."""
        ends = self.hours.ends_of(bars)
        codes = check_bars(bars.open, bars.high, bars.low, bars.close, bars.volume)
        return bars.take((codes == 0) & (ends <= min(now + SKEW_US, self.until)))

    def split(self, bars: Bars) -> tuple[Bars, Bars]:
        """Return bars where others may be stored, and bars later than all that is."""
        first = int(np.searchsorted(bars.opened_at, max(self.settled, self.known)))
        return bars.take(slice(0, first)), bars.take(slice(first, None))

    def add(self, bars: Bars) -> None:
        """Note bars of the stream that are stored now."""
        self.live += len(bars)
        ends = self.hours.ends_of(bars).tolist()
        for opened_at, end in zip(bars.opened_at.tolist(), ends, strict=True):
            if not self._misses_bars(opened_at):
                self.settled = max(self.settled, end)
            elif opened_at > self.settled:
                self.is_late = True
            self.known = max(self.known, end)

    def wants(self, now: int, at: float) -> bool:
        """Return whether to ask for what is absent.

        Args:
            now: The time.
            at: The same, seconds of the monotonic clock of `ask_at`.
        """
        return at >= self.ask_at and self.owes(now)

    def owes(self, now: int) -> bool:
        """Return whether a bar is absent that closed, unless the stream may still bring it."""
        edge = now if self.is_late else now - self._grace
        if edge < self.until and edge - self.settled < timeframe_us(self.series.timeframe):
            return False  # the usual case, without a look at the calendar
        return self._misses_bars(min(edge, self.until))

    def is_complete(self) -> bool:
        """Return whether every bar until the end is settled."""
        return self.until < NEVER and not self._misses_bars(self.until)

    def is_hopeless(self, now: int) -> bool:
        """Return whether the end is over and what is absent is not to be had."""
        return now >= self.until and self.failures >= MOST_FAILURES

    def is_owing(self, now: int) -> bool:
        """Return whether a bar is absent that was asked for, to who stops now."""
        if self.until < NEVER:
            return not self.is_complete()
        return self._misses_bars(now - self._grace)

    def dispute(self, bars: Bars) -> None:
        """Note bars that differ from what is stored, or came too late: REST has the last word."""
        opened_at = bars.opened_at[bars.opened_at >= self.begun]
        if len(opened_at):
            self.settled = min(self.settled, int(opened_at[0]))
            self.is_late = True

    def reconnect(self, now: int) -> None:
        """Note that the stream is open again: what was missed is asked for at once."""
        self.is_late, self.ask_at = self._misses_bars(min(now, self.until)), 0.0

    def answer(
        self, reached: tuple[int, int], *, written: int, failure: str, now: int, ask_at: float
    ) -> None:
        """Note that it was asked for.

        Args:
            reached: Up to where no bar is missing now, and where the last known part ends.
            written: Bars that came.
            failure: Why some did not, or ``.
            now: The time.
            ask_at: When it may be asked for again.
        """
        self.settled = max(self.settled, reached[0])
        self.known = max(self.known, *reached)
        self.backfilled += written
        self.failures, self.message = (self.failures + 1, failure) if failure else (0, "")
        self.is_late = self._misses_bars(self.known)
        self.ask_at = ask_at
        if not self.owes(now):
            self.asks.reset()

    @property
    def _grace(self) -> int:
        return min(timeframe_us(self.series.timeframe), _LONGEST_GRACE_US)

    def _misses_bars(self, end: int) -> bool:
        """Return whether a whole bar is due between what is settled and an instant."""
        return end > self.settled and self.hours.expects_bars(self.settled, end)

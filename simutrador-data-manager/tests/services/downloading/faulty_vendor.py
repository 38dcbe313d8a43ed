"""A vendor in this process that answers truly, but for the faults a test plants."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import ClassVar, Final

import numpy as np

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.testing.builders import make_bars
from simutrador_core.testing.calendars import make_calendar
from simutrador_core.testing.synthetic_market import to_pages

MINUTES_A_SESSION: Final = 20
CALENDAR: Final = make_calendar(
    date(2024, 1, 1), date(2024, 3, 1), opens=time(9, 30), closes=time(9, 50)
)
"""New York sessions of twenty minutes."""

NOW: Final = datetime(2024, 2, 20, tzinfo=UTC)


class Fault(StrEnum):
    """What can be wrong with one answer."""

    DUPLICATED = "a page comes twice"
    SHUFFLED = "two pages change places"
    OVERLAPPING = "a page begins with bars of the page before it"
    OFF_BY_ONE = "a page lacks its first bar"
    ONE_SHORT = "a page lacks its last bar"
    LOST = "a page is absent"
    CUT = "the answer ends early and says it is whole"
    EMPTY = "no bars at all"
    STUCK = "one page for ever"
    WRONG_SYMBOL = "bars of another symbol"
    FUTURE = "bars of the future"
    UNFINISHED = "a bar that is still forming, with other prices"
    ZEROS = "a row of zeros"
    RAISES = "the connection breaks in the middle"


def answer(  # noqa: C901 - one case a fault
    bars: Bars, request: BarRequest, fault: Fault | None, *, rows: int, chance: random.Random
) -> Iterator[BarPage]:
    """Yield what the vendor says about a request: the truth in pages, spoilt by one fault."""
    within = bars.between(to_us(request.start), to_us(request.end))
    pages = to_pages(within, start=request.start, end=request.end, rows=rows)
    at = chance.randrange(len(pages))
    match fault:
        case Fault.DUPLICATED:
            pages.insert(at, pages[at])
        case Fault.SHUFFLED:
            other = chance.randrange(len(pages))
            pages[at], pages[other] = pages[other], pages[at]
        case Fault.OVERLAPPING if at:
            first = max(0, at * rows - 1 - chance.randrange(rows))
            pages[at] = replace(pages[at], bars=within.take(slice(first, (at + 1) * rows)))
        case Fault.OFF_BY_ONE:
            pages[at] = replace(pages[at], bars=pages[at].bars.take(slice(1, None)))
        case Fault.ONE_SHORT:
            pages[at] = replace(pages[at], bars=pages[at].bars.take(slice(0, -1)))
        case Fault.LOST:
            pages = _without(pages, at)
        case Fault.CUT:
            pages = [*pages[:at], replace(pages[at], covered=(pages[at].covered[0], request.end))]
        case Fault.EMPTY:
            nothing = Bars.empty(bars.symbol, bars.timeframe, bars.adjustment)
            pages = [BarPage(nothing, (request.start, request.end))]
        case Fault.STUCK:
            pages = [*pages[:at], *[pages[at]] * 50]
        case Fault.WRONG_SYMBOL:
            pages[at] = replace(pages[at], bars=replace(pages[at].bars, symbol="OTHER"))
        case Fault.FUTURE:
            moved = pages[at].bars.opened_at + 400 * 86_400_000_000
            pages[at] = replace(pages[at], bars=replace(pages[at].bars, opened_at=moved))
        case Fault.UNFINISHED if len(pages[at].bars):
            pages[at] = replace(pages[at], bars=_forming(pages[at].bars))
        case Fault.ZEROS if len(pages[at].bars):
            spoilt = pages[at].bars.low.copy()
            spoilt[chance.randrange(len(spoilt))] = 0.0
            pages[at] = replace(pages[at], bars=replace(pages[at].bars, low=spoilt))
        case Fault.RAISES:
            yield from pages[:at]
            raise BrokenAnswerError("the connection broke", provider="faulty")
        case _:
            pass
    yield from pages


class BrokenAnswerError(DataProviderError):
    """Something that can succeed when asked again."""

    retryable: ClassVar[bool] = True


def _without(pages: list[BarPage], at: int) -> list[BarPage]:
    """Return pages of which one is absent; the next one claims its range, as cursors would."""
    if at + 1 < len(pages):
        later = pages[at + 1]
        joined = replace(later, covered=(pages[at].covered[0], later.covered[1]))
        return [*pages[:at], joined, *pages[at + 2 :]]
    if at:
        earlier = pages[at - 1]
        return [
            *pages[: at - 1],
            replace(earlier, covered=(earlier.covered[0], pages[at].covered[1])),
        ]
    return pages


def _forming(bars: Bars) -> Bars:
    close = bars.close.copy()
    close[-1] = bars.low[-1]
    return replace(bars, close=close, complete=False)


@dataclass
class FaultyVendor:
    """A `DataProvider` of bars given to it; the n-th answer has the n-th fault, then none."""

    held: Sequence[Bars]
    faults: Iterable[Fault | None] = ()
    rows: int = 7
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    requests: list[BarRequest] = field(default_factory=list[BarRequest])

    name: ClassVar[str] = "faulty"
    capabilities: ClassVar[Capabilities] = Capabilities(
        timeframes=frozenset({Timeframe.MINUTE_1, Timeframe.DAILY}),
        adjustments=frozenset({Adjustment.RAW}),
        rows_per_request=7,
        requests_per_minute=None,
        needs_key=False,
    )

    def __post_init__(self) -> None:
        """Begin with the first fault."""
        self._faults = iter(self.faults)

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages; `cursor` is not used by the engine."""
        self.requests.append(request)
        bars = next((b for b in self.held if b.symbol == request.symbol), None)
        if bars is None:
            raise DataProviderError(f"symbol {request.symbol} is unknown", provider=self.name)
        fault = next(self._faults, None)
        for page in answer(bars, request, fault, rows=self.rows, chance=self.chance):
            yield page

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield nothing."""
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing."""
        for nothing in ():
            yield nothing


def truth(
    symbol: str = "AAPL",
    *,
    first: date = date(2024, 1, 2),
    last: date = date(2024, 1, 12),
    absent: Sequence[int] = (),
    price: float = 100.0,
    calendar: Calendar = CALENDAR,
) -> Bars:
    """Return every minute of the sessions from `first` to `last`, but for those counted absent."""
    days = calendar.between(first, date.fromordinal(last.toordinal() + 1)).sessions.tolist()
    times = np.concatenate([calendar.minutes(day) for day in days])
    whole = replace(make_bars(symbol, n=len(times), price=price), opened_at=times)
    return whole.take(~np.isin(np.arange(len(times)), absent))

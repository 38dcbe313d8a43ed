"""The download engine: symbols side by side, page by page, each page one commit.

What is missing is read from the store alone, so a download that was killed goes on where the last
commit stands: a kill costs at most the page that was on its way. Nothing is written in the event
loop, and a page is never asked for before the one ahead of it is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.downloading.asks import Patience
from simutrador_data.services.downloading.desk import Desk
from simutrador_data.services.downloading.report import DownloadReport
from simutrador_data.services.downloading.symbol import SymbolDownload
from simutrador_data.services.downloading.watching import NobodyWatches, Watch
from simutrador_data.services.serving.ranges import Range

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """What to download.

    Attributes:
        symbols: Canonical symbols; each is downloaded once.
        timeframe: Of the bars.
        range: Dates are trading days of each symbol's exchange. Without a start, what is missing
            since the first stored bar; without an end, until now.
        adjustment: What the vendor shall correct prices for; raw bars can be adjusted on read.
        at_once: How many symbols are worked on side by side.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe = Timeframe.MINUTE_1
    range: Range = field(default_factory=Range)
    adjustment: Adjustment = Adjustment.RAW
    at_once: int = AT_ONCE

    def __post_init__(self) -> None:
        """Refuse a request for nothing.

        Raises:
            InputError: no symbol is named, or none may be worked on.
        """
        if not self.symbols:
            raise InputError("name at least one symbol", field="symbols")
        if self.at_once < 1:
            raise InputError(f"at_once {self.at_once} is below 1", field="at_once")


def utc_now() -> datetime:
    """Return the present instant, aware UTC."""
    return datetime.now(UTC)


async def download(
    request: DownloadRequest,
    *,
    providers: Sequence[DataProvider],
    store: BarStore,
    registry: AssetRegistry,
    calendars: Callable[[str], Calendar] = get_calendar,
    watch: Watch | None = None,
    cancel: asyncio.Event | None = None,
    quarantine: Path | None = None,
    now: Callable[[], datetime] = utc_now,
    patience: Patience | None = None,
) -> DownloadReport:
    """Fetch what the store lacks, and store it.

    Args:
        request: Which bars.
        providers: Whom to ask, opened by the caller: what the first one fails to give is asked of
            the next. Each bar keeps the name of the one that gave it.
        store: Where bars go.
        registry: Calendar, listing and delisting of each symbol.
        calendars: Gives a calendar by its name.
        watch: Told how far each symbol has come.
        cancel: Set it to stop: what is stored stays, and the next download goes on there.
        quarantine: Folder for the lists of rejected rows; None writes none.
        now: The clock, aware: bars that end later are unfinished.
        patience: How often a range is asked for again; None takes the usual.

    Returns:
        What became of every symbol. Vendors' failures are in it, never raised.

    Raises:
        InputError: there is no provider to ask.
        StoreError: the store cannot be read or written; what was committed before stays.
    """
    if not providers:
        raise InputError("name at least one provider", field="provider")
    desk = Desk(
        providers=tuple(providers),
        store=store,
        registry=registry,
        calendars=calendars,
        watch=watch or NobodyWatches(),
        quarantine=quarantine,
        now=now,
        patience=patience or Patience(),
    )
    symbols = dict.fromkeys(request.symbols)
    queue = [
        SymbolDownload(
            desk, SeriesKey(symbol, request.timeframe, request.adjustment), request.range
        )
        for symbol in symbols
    ]
    reports = await side_by_side(queue, request.at_once, cancel or asyncio.Event())
    return DownloadReport(tuple(reports))


class Doing(Protocol[R_co]):
    """Work on one symbol: `run` it once, `report` at any time."""

    async def run(self) -> None:
        """Do the work."""
        ...

    def report(self) -> R_co:
        """Return what has become of it."""
        ...


async def side_by_side(queue: Sequence[Doing[R]], at_once: int, cancel: asyncio.Event) -> list[R]:
    """Do the work of every symbol, so many at a time; return the reports in their order.

    Once `cancel` is set no further one begins, and those that run are cancelled.
    """
    waiting = iter(queue)

    async def work() -> None:
        for one in waiting:
            if cancel.is_set():
                return
            await one.run()

    workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(queue)))]
    stop = asyncio.create_task(cancel.wait())
    try:
        running = set(workers)
        while running:
            done, _ = await asyncio.wait({*running, stop}, return_when=asyncio.FIRST_COMPLETED)
            running -= done
            if stop in done or any(task.exception() for task in done - {stop}):
                break
    finally:
        for task in (*workers, stop):
            task.cancel()
        ended = await asyncio.gather(*workers, return_exceptions=True)
        await asyncio.gather(stop, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    return [one.report() for one in queue]

"""`follow`: keep series current from a vendor's stream, without a hole, through every outage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError, InvalidRangeError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import SeriesKey, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.exchange import get_calendar
from simutrador_data.services.downloading.asking import in_thread
from simutrador_data.services.downloading.engine import utc_now
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.streaming.backoff import Backoff
from simutrador_data.services.streaming.keeping import Keeper
from simutrador_data.services.streaming.linking import HopelessError, Link
from simutrador_data.services.streaming.patience import LivePatience
from simutrador_data.services.streaming.reach import begin_at
from simutrador_data.services.streaming.report import FollowReport, FollowStatus
from simutrador_data.services.streaming.series import NEVER, LiveSeries
from simutrador_data.services.streaming.source import LiveSource
from simutrador_data.services.streaming.watching import LiveWatch, NobodyWatches


@dataclass(frozen=True, slots=True)
class FollowRequest:
    """What to follow.

    Attributes:
        symbols: Canonical symbols; each is followed once.
        timeframe: Of the bars.
        start: From when bars are wanted, aware; None goes on from the newest stored bar of each
            series, or begins now.
        until: Following ends when every bar that closes until then is settled; None goes on until
            cancelled.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe = Timeframe.MINUTE_1
    start: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a request for nothing.

        Raises:
            InputError: no symbol is named.
            InvalidRangeError: an instant has no zone, or the two are reversed.
        """
        if not self.symbols:
            raise InputError("name at least one symbol", field="symbols")
        for name in ("start", "until"):
            instant = getattr(self, name)
            if instant is not None and instant.utcoffset() is None:
                raise InvalidRangeError(f"{name} {instant} has no time zone", field=name)
        if self.start is not None and self.until is not None and self.start > self.until:
            raise InvalidRangeError(
                f"start {self.start} is after until {self.until}", field="start"
            )


async def follow(
    request: FollowRequest,
    *,
    provider: DataProvider,
    live: LiveSource,
    store: BarStore,
    registry: AssetRegistry,
    patience: LivePatience | None = None,
    now: Callable[[], datetime] = utc_now,
    watch: LiveWatch | None = None,
    cancel: asyncio.Event | None = None,
) -> FollowReport:
    """Store the bars of a stream as they close; ask over REST for all it leaves out.

    Args:
        request: Which bars.
        provider: Whom to ask for what was missed, opened by the caller; stored bars carry its name.
        live: Its stream.
        store: Where bars go.
        registry: Calendar, listing and delisting of each symbol.
        patience: Bounds of silence and waits; None takes the usual.
        now: The clock, aware.
        watch: Told what happens.
        cancel: Set it to stop; what is stored stays, and the next `follow` goes on there.

    Returns:
        What was written and what became of the connections. Vendors' failures are waited out.

    Raises:
        NotOfferedError: the vendor has no stream of one of the series.
        InputError: the symbols are too many, or the stream's address is none.
        StoreError: the store cannot be read or written; what was committed before stays.
    """
    symbols = tuple(dict.fromkeys(request.symbols))
    url = live.url(symbols, request.timeframe)
    bounds, watch = patience or LivePatience(), watch or NobodyWatches()
    cancel = cancel or asyncio.Event()
    started = to_us(now())
    series = {
        symbol: await in_thread(
            lambda symbol=symbol: _series(symbol, request, store, registry, started, bounds)
        )
        for symbol in symbols
    }
    keeper = Keeper(
        series,
        provider=provider,
        store=store,
        registry=registry,
        watch=watch,
        now=now,
        cancel=cancel,
    )
    link = Link(
        url,
        live,
        patience=bounds,
        watch=watch,
        connected=keeper.connected,
        failed=keeper.wake,
        take=keeper.take,
    )
    failure = await _side_by_side(link, keeper, cancel)
    ended = to_us(now())
    owing = tuple(symbol for symbol, one in series.items() if one.is_owing(ended))
    return FollowReport(
        symbols={symbol: one.written for symbol, one in series.items()},
        connections=link.tally.connections,
        refused=link.tally.refused,
        stale=link.tally.stale,
        cut=link.tally.cut,
        status=_status(failure, request, cancel, owing),
        owing=owing,
        message=failure or next((one.message for one in series.values() if one.message), ""),
    )


async def _side_by_side(link: Link, keeper: Keeper, cancel: asyncio.Event) -> str:
    """Run both until the keeper is done; return why the stream never opened, or ``."""
    linking, keeping = asyncio.create_task(link.run()), asyncio.create_task(keeper.run())
    stop = asyncio.create_task(cancel.wait())
    tasks = (linking, keeping, stop)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            linking.cancel()
            keeper.wake()
            await keeping
        for task in (keeping, linking):
            if task.done() and not task.cancelled():
                task.result()
    except HopelessError as e:
        return str(e)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return ""


def _series(
    symbol: str,
    request: FollowRequest,
    store: BarStore,
    registry: AssetRegistry,
    now: int,
    patience: LivePatience,
) -> LiveSeries:
    series = SeriesKey(symbol, request.timeframe)
    hours = TradingHours.of(get_calendar(registry.get(symbol).calendar), request.timeframe)
    begun = request.start
    return LiveSeries(
        series,
        hours,
        begin_at(store, series, hours, now) if begun is None else to_us(begun),
        Backoff(
            patience.first_backoff_s, patience.most_backoff_s, patience.least_between_connects_s
        ),
        until=NEVER if request.until is None else to_us(request.until),
    )


def _status(
    failure: str, request: FollowRequest, cancel: asyncio.Event, owing: tuple[str, ...]
) -> FollowStatus:
    if failure:
        return FollowStatus.FAILED
    if request.until is not None and not owing:
        return FollowStatus.COMPLETED
    return FollowStatus.CANCELLED if cancel.is_set() else FollowStatus.PARTIAL

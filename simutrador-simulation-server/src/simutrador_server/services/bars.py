"""`BarLoader`: reads what a simulation replays. Synchronous; shells call it in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from simutrador_core.assets.registry import Asset, AssetRegistry
from simutrador_core.errors import InputError, SimutradorError
from simutrador_core.interfaces.storage import BarSource, SeriesInfo
from simutrador_core.models.bars import BarQuery, Bars, concat, from_us
from simutrador_core.models.enums import Adjustment, AssetType, Timeframe
from simutrador_core.models.websocket import ErrorCode
from simutrador_core.sessions.calendar import Schedule
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.utils.timeframe_utils import timeframe_us
from simutrador_server.services.one_version import OneVersion, of_one_version
from simutrador_server.simulation.conversation import Wanted
from simutrador_server.simulation.making import make_simulation
from simutrador_server.simulation.setup import CreateRequest, Defaults, Material, Refusal
from simutrador_server.simulation.simulation import Simulation

FINEST: Final = Decimal("0.00000001")
"""Price or quantity step where an asset's own is not known: as fine as the ledger books."""

_CORRECTED: Final = (Adjustment.TOTAL, Adjustment.SPLIT, Adjustment.RAW)
_AS_TRADED: Final = (Adjustment.RAW, Adjustment.SPLIT, Adjustment.TOTAL)
_MARGIN: Final = timedelta(days=10)
_LISTED_AT_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """The stored series that stands for a symbol, and what to say if it is not as asked."""

    info: SeriesInfo
    warning: str | None = None


class BarLoader:
    """Makes simulations from the bars of one source.

    Args:
        source: Where bars are read.
        registry: Calendars and steps of symbols.
        defaults: What a simulation gets where its request is silent.
    """

    def __init__(self, source: BarSource, registry: AssetRegistry, defaults: Defaults) -> None:
        self._source = source
        self._registry = registry
        self._defaults = defaults

    def load(self, wanted: Wanted, *, now: datetime) -> Simulation:
        """Return the simulation, ready to start.

        Raises:
            Refusal: a symbol, timeframe or range is not stored, or the bars cannot be traded.
        """
        try:
            return make_simulation(wanted, self.material(wanted.request), self._defaults, now=now)
        except InputError as e:
            raise Refusal(ErrorCode.INVALID_PARAMS, str(e), reason=e.code) from e
        except SimutradorError as e:
            raise Refusal(ErrorCode.DATA_FETCH_FAILED, str(e), reason=e.code) from e

    def material(self, request: CreateRequest) -> Material:
        """Return bars, hours, steps and the name of the dataset, all of one version.

        Raises:
            Refusal: a symbol, timeframe or range is not stored.
            ChangedError: a source without versions changed each time it was read.
        """
        return of_one_version(self._source, lambda version: self._of(version, request))

    def _of(self, version: OneVersion, request: CreateRequest) -> Material:
        choices = _choose(version.symbols, request)
        bars = {symbol: _read(version, request, one.info) for symbol, one in choices.items()}
        _check_range(request, bars, choices)
        assets = {symbol: self._registry.get(symbol) for symbol in bars}
        return Material(
            bars=bars,
            schedules={s: schedule_of(assets[s], own) for s, own in bars.items()},
            tick_sizes={symbol: asset.tick_size or FINEST for symbol, asset in assets.items()},
            lot_sizes={symbol: lot_size(asset) for symbol, asset in assets.items()},
            dataset_id=version.dataset_id(
                [_query(one, one.first or request.start_date, request) for one in bars.values()],
                list(bars.values()),
            ),
            warnings=[one.warning for one in choices.values() if one.warning],
        )


def _choose(infos: Iterable[SeriesInfo], request: CreateRequest) -> dict[str, Choice]:
    stored: dict[str, dict[Adjustment, SeriesInfo]] = {}
    timeframes: dict[str, set[str]] = {}
    for info in infos:
        timeframes.setdefault(info.series.symbol, set()).add(info.series.timeframe.value)
        if info.series.timeframe is Timeframe(request.timeframe):
            stored.setdefault(info.series.symbol, {})[info.series.adjustment] = info
    unknown = [symbol for symbol in request.symbols if symbol not in timeframes]
    if unknown:
        known = sorted(timeframes)
        raise Refusal(
            ErrorCode.INVALID_SYMBOL,
            f"no bars are stored for {', '.join(unknown)}",
            invalid_symbols=unknown,
            available_symbols=known[:_LISTED_AT_MOST],
        )
    for symbol in request.symbols:
        if symbol not in stored:
            have = ", ".join(sorted(timeframes[symbol]))
            raise Refusal(
                ErrorCode.INVALID_PARAMS,
                f"{symbol} has no {request.timeframe} bars; stored are {have}",
                symbol=symbol,
                timeframes=sorted(timeframes[symbol]),
            )
    return {
        symbol: choose(symbol, stored[symbol], adjusted=request.adjusted)
        for symbol in request.symbols
    }


def _read(version: OneVersion, request: CreateRequest, info: SeriesInfo) -> Bars:
    key = info.series
    query = BarQuery(
        key.symbol, key.timeframe, request.start_date, request.end_date, key.adjustment
    )
    bars = version.read(query)
    if not request.warmup_bars or info.first is None:
        return bars
    return concat([_history(version, request, info, info.first), bars])


def _history(
    version: OneVersion, request: CreateRequest, info: SeriesInfo, first: datetime
) -> Bars:
    """Return the last bars before the start, reading back no further than is needed."""
    key, start, count = info.series, request.start_date, request.warmup_bars
    span = timedelta(microseconds=2 * count * timeframe_us(key.timeframe)) + _MARGIN
    while True:
        begin = max(first, start - span) if start - first > span else first
        if begin >= start:
            return Bars.empty(key.symbol, key.timeframe, key.adjustment)
        query = BarQuery(key.symbol, key.timeframe, begin, start, key.adjustment)
        bars = version.read(query)
        if len(bars) >= count or begin == first:
            return bars.take(slice(max(len(bars) - count, 0), len(bars)))
        span *= 4


def choose(symbol: str, stored: Mapping[Adjustment, SeriesInfo], *, adjusted: bool) -> Choice:
    """Return the stored series nearest to what was asked, and a warning if it is not that."""
    order = _CORRECTED if adjusted else _AS_TRADED
    found = next(adjustment for adjustment in order if adjustment in stored)
    if adjusted == (found is not Adjustment.RAW):
        return Choice(stored[found])
    asked = "adjusted" if adjusted else "raw"
    have = "raw" if adjusted else f"{found}-adjusted"
    return Choice(
        stored[found],
        f"{symbol}: {asked} prices were asked for, but only {have} ones are stored; "
        f"{have} prices are replayed",
    )


def lot_size(asset: Asset) -> Decimal:
    """Return the least quantity step; where it is not known, coins can be split and units not."""
    if asset.lot_size is not None:
        return asset.lot_size
    return FINEST if asset.asset_type is AssetType.CRYPTO else Decimal(1)


def schedule_of(asset: Asset, bars: Bars) -> Schedule:
    """Return the sessions of an asset's exchange around its bars.

    They reach some days beyond the last bar, so that a day order always has a close to expire at.

    Raises:
        CalendarError: the calendar is unknown.
    """
    calendar = get_calendar(asset.calendar)
    first, last = from_us(int(bars.opened_at[0])), from_us(int(bars.opened_at[-1]))
    start = max((first - _MARGIN).date(), calendar.start)
    end: date = min((last + _MARGIN).date(), calendar.end)
    return calendar.between(start, max(start, end))


def _check_range(
    request: CreateRequest, bars: Mapping[str, Bars], choices: Mapping[str, Choice]
) -> None:
    """Refuse a range in which a symbol has no bar, and say where it has some."""
    empty = [
        symbol for symbol, own in bars.items() if own.last is None or own.last < request.start_date
    ]
    if empty:
        raise Refusal(
            ErrorCode.INVALID_DATE_RANGE,
            f"{', '.join(empty)}: no {request.timeframe} bars from {request.start_date.date()} "
            f"to {request.end_date.date()}",
            available={symbol: _span(choices[symbol].info) for symbol in empty},
        )


def _span(info: SeriesInfo) -> dict[str, str | None]:
    ends = {"first": info.first, "last": info.last}
    return {name: None if at is None else at.isoformat() for name, at in ends.items()}


def _query(bars: Bars, first: datetime, request: CreateRequest) -> BarQuery:
    return BarQuery(bars.symbol, bars.timeframe, first, request.end_date, bars.adjustment)

"""Where two accounts come from: a vendor asked anew, the store, or bars made of shorter ones."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.errors import InputError, UnknownSymbolError
from simutrador_core.interfaces.data_provider import DataProvider
from simutrador_core.interfaces.storage import BarSource, BarStore
from simutrador_core.models.bars import BarQuery, Bars, SeriesKey
from simutrador_core.models.enums import Timeframe
from simutrador_core.sessions.calendar import Calendar
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.utils.timeframe_utils import validate_timeframe_conversion
from simutrador_data.services.comparing.differences import (
    BarDifferences,
    Tolerance,
    differences,
    joined_differences,
)
from simutrador_data.services.downloading import (
    DownloadReport,
    DownloadRequest,
    Patience,
    Watch,
    download,
)
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.chunks import year_parts
from simutrador_data.services.validation.expected import first_weekday, sessions_around
from simutrador_data.services.workflows.resampling import resample

STORED: Final = "stored"
"""The account of the store itself, beside the names of providers."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two accounts of one series, what differs, and what their vendors did not give.

    `reports` holds one for each account that was fetched, in order.
    """

    series: SeriesKey
    names: tuple[str, str]
    start: datetime
    end: datetime
    found: BarDifferences
    reports: tuple[DownloadReport, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every vendor gave all it was asked for."""
        return not any(report.exit_code for report in self.reports)


@dataclass(frozen=True, slots=True)
class Fetching:
    """How accounts of vendors are fetched; see `download`."""

    registry: AssetRegistry
    now: Callable[[], datetime]
    calendars: Callable[[str], Calendar] = get_calendar
    watch: Watch | None = None
    patience: Patience | None = None


async def compare_accounts(
    series: SeriesKey,
    start: datetime,
    end: datetime,
    *,
    names: tuple[str, str],
    providers: Sequence[DataProvider],
    store: BarStore,
    tolerance: Tolerance,
    fetching: Fetching,
) -> Comparison:
    """Return how two accounts of `[start, end)` differ; nothing is written to the store.

    Vendors are asked as `update` asks them, with all its care, into a folder that is deleted.

    Args:
        series: Which bars.
        start: Aware.
        end: Exclusive.
        names: Of the accounts: a provider's, or `stored`.
        providers: Those of the names that are providers, opened.
        store: What `stored` stands for.
        tolerance: How far they may lie apart.
        fetching: How vendors are asked.

    Raises:
        UnknownSymbolError: `stored` is asked for and nothing is.
    """
    given = {provider.name: provider for provider in providers}
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        sources: list[BarSource] = []
        reports: list[DownloadReport] = []
        for name in names:
            if name == STORED:
                sources.append(store)
                continue
            fresh = await asyncio.to_thread(ParquetStore, folder / str(len(sources)))
            opened.callback(fresh.close)
            reports.append(
                await download(
                    DownloadRequest(
                        (series.symbol,), series.timeframe, Range(start, end), series.adjustment
                    ),
                    providers=[given[name]],
                    store=fresh,
                    registry=fetching.registry,
                    calendars=fetching.calendars,
                    now=fetching.now,
                    watch=fetching.watch,
                    patience=fetching.patience,
                )
            )
            sources.append(fresh)
        calendar = fetching.calendars(fetching.registry.get(series.symbol).calendar)
        query = BarQuery(series.symbol, series.timeframe, start, end, series.adjustment)
        found = await asyncio.to_thread(
            _compare, (sources[0], sources[1]), query, calendar, tolerance, names
        )
    return Comparison(series, names, start, end, found, tuple(reports))


def compare_timeframes(
    source: BarSource,
    query: BarQuery,
    *,
    made_of: Timeframe,
    calendar: Calendar,
    tolerance: Tolerance,
) -> Comparison:
    """Return how stored bars differ from those that stored bars of a shorter timeframe make.

    Args:
        source: Where both are read.
        query: The longer bars and the range.
        made_of: The shorter timeframe.
        calendar: By which they are made.
        tolerance: How far they may lie apart.

    Raises:
        InputError: the longer ones are not made of whole shorter ones.
        UnknownSymbolError: one of the series is not stored.
    """
    if not validate_timeframe_conversion(made_of, query.timeframe):
        raise InputError(
            f"{query.timeframe} bars are not made of whole {made_of} bars; name the shorter "
            "timeframe first",
            field="timeframes",
        )
    found: list[BarDifferences] = []
    for part in _parts(query, calendar):
        shorter = BarQuery(query.symbol, made_of, part.start, part.end, query.adjustment)
        made = resample(source.read(shorter), to=query.timeframe, calendar=calendar)
        found.append(differences(source.read(part), made, tolerance))
    names = (str(query.timeframe), f"made of {made_of}")
    return Comparison(query.series, names, query.start, query.end, joined_differences(found))


def _compare(
    sources: tuple[BarSource, BarSource],
    query: BarQuery,
    calendar: Calendar,
    tolerance: Tolerance,
    names: tuple[str, str],
) -> BarDifferences:
    found: list[BarDifferences] = []
    for part in _parts(query, calendar):
        one, other = (_read(*pair, part) for pair in zip(sources, names, strict=True))
        found.append(differences(one, other, tolerance))
    return joined_differences(found)


def _read(source: BarSource, name: str, query: BarQuery) -> Bars:
    try:
        return source.read(query)
    except UnknownSymbolError:
        if name == STORED:
            raise
        return Bars.empty(query.symbol, query.timeframe, query.adjustment)


def _parts(query: BarQuery, calendar: Calendar) -> Iterator[BarQuery]:
    """Yield the query cut into parts of about a year, between sessions, weeks or months."""
    whole = Timeframe.DAILY if query.timeframe.is_intraday else query.timeframe
    schedule = sessions_around(calendar, query.start, query.end, whole)
    weekday = first_weekday(calendar)
    for start, end in year_parts(
        schedule, query.start, query.end, whole=whole, first_weekday=weekday
    ):
        yield BarQuery(query.symbol, query.timeframe, start, end, query.adjustment)

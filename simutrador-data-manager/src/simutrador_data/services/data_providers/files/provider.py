"""A folder of files as a vendor: CSV, Parquet and Lean, detected as `import` detects them.

Source: the files themselves. What a file says of its zone, adjustment and timeframe holds; what it
does not say is detected, and `simutrador-data import FILE` shows what it would be taken for. A
folder settles whatever it is asked; a file with rows that are no sound bars settles nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from simutrador_core.errors import DataProviderError, ImportFileError
from simutrador_core.interfaces.data_provider import (
    ActionRequest,
    BarPage,
    BarRequest,
    Capabilities,
    CorporateAction,
    TradeRequest,
    Trades,
)
from simutrador_core.models.bars import Bars, SeriesKey, from_us, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.files.calendars import RegistryCalendars
from simutrador_data.services.data_providers.files.detect import open_bar_file
from simutrador_data.services.data_providers.files.folder import bar_files
from simutrador_data.services.data_providers.files.model import BarFile
from simutrador_data.services.data_providers.http import UnknownVendorSymbolError
from simutrador_data.services.data_providers.paging import Rows, instant_of, to_page
from simutrador_data.services.data_providers.plugin import ProviderPlugin

NAME: Final = "files"
FOLDER: Final = "FILES__BASE_URL"
MOST_ROWS: Final = 50_000
CAPABILITIES: Final = Capabilities(
    timeframes=frozenset(Timeframe),
    adjustments=frozenset(Adjustment),
    rows_per_request=MOST_ROWS,
    requests_per_minute=None,
    needs_key=False,
    source="the files",
)


@dataclass(frozen=True)
class Folder:
    """The bar files below a path, looked at once."""

    path: Path
    calendars: RegistryCalendars

    @cached_property
    def files(self) -> tuple[tuple[Path, BarFile], ...]:
        """Every file that is understood as bars, by path; others are left out.

        Raises:
            DataProviderError: there is no such folder.
        """
        if not self.path.is_dir():
            text = f"{self.path} is no folder; set {FOLDER} to the one that holds the files"
            raise DataProviderError(text, provider=NAME)
        return tuple(self._understood())

    def _understood(self) -> Iterator[tuple[Path, BarFile]]:
        for path in bar_files(self.path):
            try:
                yield path, open_bar_file(path, calendars=self.calendars)
            except ImportFileError:
                continue  # a folder may hold other tables too; `import` says what is wrong with one

    def read(self, request: BarRequest) -> Bars:
        """Return the bars of a request, sorted and unique.

        Raises:
            UnknownVendorSymbolError: no file holds the series.
            DataProviderError: a file has rows that are no sound bars, or two differ about a bar.
        """
        series = SeriesKey(request.symbol, request.timeframe, request.adjustment)
        try:
            parts = [
                bars
                for path, file in self._files_of(request)
                for bars in _sound(path, file)
                if bars.series == series
            ]
        except ImportFileError as e:
            raise DataProviderError(str(e), provider=NAME) from e
        if not parts:
            raise UnknownVendorSymbolError(request.symbol, provider=NAME)
        start, end = to_us(request.start), to_us(request.end)
        return _joined(series, [bars.between(start, end) for bars in parts])

    def _files_of(self, request: BarRequest) -> Iterator[tuple[Path, BarFile]]:
        """Yield the files that may hold the series."""
        for path, file in self.files:
            about = file.description
            if (
                about.symbol in {None, request.symbol}
                and about.timeframe is request.timeframe
                and request.adjustment in about.adjustments
            ):
                yield path, file


class FilesProvider:
    """Bars of a folder of files; satisfies `DataProvider`."""

    name: ClassVar[str] = NAME
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, folder: Folder) -> None:
        """Keep the folder; nothing is read yet."""
        self._folder = folder

    async def fetch_bars(
        self, request: BarRequest, *, cursor: str | None = None
    ) -> AsyncIterator[BarPage]:
        """Yield pages of `[start, end)`, oldest first; `cursor` resumes after a page.

        Raises:
            DataProviderError: no file holds the series, or one cannot be read.
        """
        since = request.start if cursor is None else instant_of(cursor)
        bars = await asyncio.to_thread(self._folder.read, request)
        bars = bars.between(to_us(since), to_us(request.end))
        for at in range(0, max(1, len(bars)), MOST_ROWS):
            more = at + MOST_ROWS < len(bars)
            rows = _rows(bars.take(slice(at, at + MOST_ROWS)))
            page = to_page(request, rows, since=since, more=more, provider=NAME)
            yield page
            since = page.covered[1]

    async def fetch_actions(self, request: ActionRequest) -> AsyncIterator[CorporateAction]:
        """Yield nothing: import corporate actions with `simutrador-data actions import`."""
        for nothing in ():
            yield nothing

    async def fetch_trades(self, request: TradeRequest) -> AsyncIterator[Trades]:
        """Yield nothing: single trades are not read from files."""
        for nothing in ():
            yield nothing


@asynccontextmanager
async def open_files(access: ProviderAccess) -> AsyncGenerator[FilesProvider]:
    """Open the folder that `access.base_url` names.

    Raises:
        DataProviderError: none is set.
    """
    if not access.base_url:
        raise DataProviderError(f"set {FOLDER} to the folder of the files", provider=NAME)
    folder = Folder(Path(access.base_url), RegistryCalendars(access.registry))
    yield FilesProvider(folder)


def _rows(bars: Bars) -> Rows:
    return Rows(
        bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.sessions
    )


def _sound(path: Path, file: BarFile) -> Iterator[Bars]:
    """Yield the bars of a file.

    Raises:
        DataProviderError: a row is no sound bar.
    """
    for page in file.pages():
        for row in page.rejected:
            text = f"{path} line {row.line}: {row.reason}; correct it, or take the rest by `import`"
            raise DataProviderError(text, provider=NAME)
        yield from page.bars


def _joined(series: SeriesKey, parts: list[Bars]) -> Bars:
    """Return the parts of several files as one series, each bar once.

    Raises:
        DataProviderError: two files differ about a bar.
    """
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS]
    order = np.argsort(columns[0], kind="stable")
    columns = [column[order] for column in columns]
    again = 1 + np.flatnonzero(np.diff(columns[0]) == 0)
    for column in columns:
        differ = again[column[again] != column[again - 1]]
        if len(differ):
            at = from_us(int(columns[0][differ[0]]))
            raise DataProviderError(f"two files differ about {series} at {at}", provider=NAME)
    sessions = None
    if not series.timeframe.is_intraday:
        days = [part.sessions for part in parts if part.sessions is not None]
        sessions = np.delete(np.concatenate(days)[order], again)
    opened_at, *values = (np.delete(column, again) for column in columns)
    open_, high, low, close, volume = values
    return Bars(
        series.symbol,
        series.timeframe,
        series.adjustment,
        opened_at,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        sessions=sessions,
    )


_COLUMNS: Final = ("opened_at", "open", "high", "low", "close", "volume")
PLUGIN: Final = ProviderPlugin(NAME, CAPABILITIES, open_files)

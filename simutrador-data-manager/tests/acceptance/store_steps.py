"""What the writers of `store_processes` do, step by step, and what must be read after each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from simutrador_core.errors import UnknownSymbolError
from simutrador_core.interfaces.storage import Change, Covered
from simutrador_core.models.bars import Bars, concat, from_us, to_us
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import query_all
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
BASE_US: Final = to_us(datetime(2020, 1, 1, tzinfo=UTC))
MINUTE_US: Final = 60_000_000
CELL: Final = 20
"""Minutes of one append; a cell is an hour of which these minutes trade."""
MANY: Final = 9_000
"""More rows than fit into a block of the catalogue."""


def cell_times(cell: int) -> np.ndarray:
    """Return the opens of a cell's minutes, microseconds."""
    return BASE_US + (cell * 60 + np.arange(CELL, dtype=np.int64)) * MINUTE_US


def flat(symbol: str, timeframe: Timeframe, times: np.ndarray, price: float) -> Bars:
    """Return bars whose prices all are `price`."""
    prices = np.full(len(times), price)
    return Bars(symbol, timeframe, Adjustment.RAW, times, prices, prices, prices, prices, prices)


class Model:
    """What the store holds after some steps: prices by cell, hour, and of the large series."""

    def __init__(self) -> None:
        self.cells: dict[int, float] = {}
        self.hours: dict[int, float] = {}
        self.large: float | None = None

    def step(self, number: int) -> list[Change | Maintenance]:
        """Apply step `number` to the model and return what a writer does for it."""
        price = float(number + 1)
        kind = number % 8
        if kind == 4:
            return [self._restate(number // 2, price)]
        if kind == 5:
            self.large = price
            times = BASE_US + np.arange(MANY, dtype=np.int64) * MINUTE_US
            page = flat("BIG", Timeframe.MINUTE_1, times, price)
            return [change(page, on_conflict=OnConflict.REPLACE)]
        if kind == 6 and number % 3 == 0:
            return [Maintenance.COMPACT, Maintenance.VACUUM]
        self.cells[number] = price
        self.hours[number] = price
        minutes = flat("AAPL", Timeframe.MINUTE_1, cell_times(number), price)
        hour = flat("AAPL", Timeframe.HOUR_1, cell_times(number)[:1], price)
        return [change(minutes, hour)]

    def _restate(self, cell: int, price: float) -> Change:
        """Give a cell half of its minutes anew, and withdraw the other half."""
        page = flat("AAPL", Timeframe.MINUTE_1, cell_times(cell)[::2], price)
        start = int(cell_times(cell)[0])
        covered = Covered(page.series, from_us(start), from_us(start + 60 * MINUTE_US))
        self.cells[cell] = -price
        return change(page, covered=(covered,), on_conflict=OnConflict.REPLACE)

    def expected(self) -> dict[str, Bars | None]:
        """Return what each series must read as; None where there is none yet."""
        minutes = [
            flat("AAPL", Timeframe.MINUTE_1, cell_times(cell)[:: 1 if price > 0 else 2], abs(price))
            for cell, price in sorted(self.cells.items())
        ]
        hours = [
            flat("AAPL", Timeframe.HOUR_1, cell_times(cell)[:1], price)
            for cell, price in sorted(self.hours.items())
        ]
        times = BASE_US + np.arange(MANY, dtype=np.int64) * MINUTE_US
        large = None if self.large is None else flat("BIG", Timeframe.MINUTE_1, times, self.large)
        return {"AAPL 1min": together(minutes), "AAPL 1h": together(hours), "BIG 1min": large}


def together(parts: list[Bars]) -> Bars | None:
    """Return ascending parts as one, None for no parts."""
    return concat(parts) if parts else None


def change(*pages: Bars, **terms: Any) -> Change:
    """Return a change of these tests."""
    given = {"covered": (), "source": "test", "request": "", "fetched_at": NOW}
    return Change(pages, **{**given, **terms})


def held(store: ParquetStore) -> dict[str, Bars | None]:
    """Return what a store holds of the series of `Model`."""

    def read(symbol: str, timeframe: Timeframe) -> Bars | None:
        try:
            return store.read(query_all(symbol, timeframe))
        except UnknownSymbolError:
            return None

    return {
        "AAPL 1min": read("AAPL", Timeframe.MINUTE_1),
        "AAPL 1h": read("AAPL", Timeframe.HOUR_1),
        "BIG 1min": read("BIG", Timeframe.MINUTE_1),
    }


def same(left: dict[str, Bars | None], right: dict[str, Bars | None]) -> bool:
    """Return whether two answers of `held` hold the same rows."""
    return all(_same(left[name], right[name]) for name in left)


def _same(left: Bars | None, right: Bars | None) -> bool:
    if left is None or right is None:
        return left is right
    return (
        len(left) == len(right)
        and np.array_equal(left.opened_at, right.opened_at)
        and np.array_equal(left.close, right.close)
    )


def rows_of_version(version: int) -> int:
    """Return how many bars version `version` of the watched series has."""
    return 30 + version % 11


def change_to_version(version: int) -> Change:
    """Return the change that makes every watched bar say `version`, and their number too."""
    times = BASE_US + np.arange(rows_of_version(version), dtype=np.int64) * MINUTE_US
    page = flat("AAPL", Timeframe.MINUTE_1, times, float(version))
    day = timedelta(days=1)
    covered = Covered(page.series, from_us(BASE_US), from_us(BASE_US) + day)
    return change(page, covered=(covered,), on_conflict=OnConflict.REPLACE)

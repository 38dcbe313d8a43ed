"""A folder of files as a provider: the contract over a CSV, and real files beside it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from simutrador_core.errors import DataProviderError
from simutrador_core.interfaces.data_provider import BarRequest
from simutrador_core.models.bars import Bars, concat, to_us
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.provider_contract import DataProviderContract
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.files import provider
from simutrador_data.services.data_providers.files.provider import FilesProvider, open_files

MARCH_8 = datetime(2024, 3, 8, tzinfo=UTC)  # a Friday; New York opens at 14:30 UTC
MINUTES = BarRequest("AAPL", Timeframe.MINUTE_1, MARCH_8, MARCH_8.replace(day=9))
HEADER = "symbol,timestamp,open,high,low,close,volume\n"


def minutes(symbol: str, first: int, count: int) -> str:
    """Return rows of invented bars, from the minute numbered `first` after 14:30 UTC."""
    return "".join(
        f"{symbol},2024-03-08T{(840 + n) // 60}:{n % 60:02d}:00Z,10,11,9,10.5,{100 + n - 30}\n"
        for n in range(first + 30, first + 30 + count)
    )


def bars_of(folder: Path, request: BarRequest) -> Bars:
    async def run() -> Bars:
        async with open_files(ProviderAccess(str(folder))) as opened:
            return concat([page.bars async for page in opened.fetch_bars(request)])

    return asyncio.run(run())


class TestContract(DataProviderContract):
    request = MINUTES
    empty_request = replace(MINUTES, start=MARCH_8.replace(day=9), end=MARCH_8.replace(day=11))
    unknown_request = replace(MINUTES, symbol="MSFT")

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(provider, "MOST_ROWS", 40)  # several pages of few rows
        (tmp_path / "one.csv").write_text(HEADER + minutes("AAPL", 0, 60))
        (tmp_path / "two.csv").write_text(HEADER + minutes("AAPL", 50, 70))
        self.place = tmp_path

    @asynccontextmanager
    async def open_provider(self) -> AsyncGenerator[FilesProvider]:
        async with open_files(ProviderAccess(str(self.place))) as opened:
            yield opened


def test_files_that_overlap_give_each_bar_once(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(HEADER + minutes("AAPL", 0, 60))
    (tmp_path / "a.csv").write_text(HEADER + minutes("AAPL", 50, 70))
    bars = bars_of(tmp_path, MINUTES)
    assert bars.volume.tolist() == [100 + n for n in range(120)]
    assert bars.opened_at[0] == to_us(MARCH_8.replace(hour=14, minute=30))


def test_files_that_differ_about_a_bar_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + minutes("AAPL", 0, 60))
    (tmp_path / "b.csv").write_text(HEADER + minutes("AAPL", 50, 20).replace(",10.5,", ",10.6,"))
    with pytest.raises(DataProviderError, match=r"AAPL.* at 2024-03-08 15:20"):
        bars_of(tmp_path, MINUTES)


def test_a_row_that_is_no_bar_settles_nothing(tmp_path: Path) -> None:
    rows = minutes("AAPL", 0, 60).replace(",11,9,10.5,130\n", ",11,9,-10.5,130\n")
    (tmp_path / "a.csv").write_text(HEADER + rows)
    with pytest.raises(DataProviderError, match=r"a\.csv line 32: .*correct it"):
        bars_of(tmp_path, MINUTES)


def test_other_tables_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + minutes("AAPL", 0, 60))
    (tmp_path / "notes.csv").write_text("who,what\nme,this\n")
    assert len(bars_of(tmp_path, MINUTES)) == 60


def test_a_folder_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DataProviderError, match="is no folder; set FILES__BASE_URL"):
        bars_of(tmp_path / "nowhere", MINUTES)
    with pytest.raises(DataProviderError, match="set FILES__BASE_URL"):
        asyncio.run(_open(ProviderAccess("")))


async def _open(access: ProviderAccess) -> None:
    async with open_files(access):
        pass


def test_a_day_of_a_lean_folder_is_read(test_data: Path, tmp_path: Path) -> None:
    source = test_data / "bars" / "equity_us" / "minute" / "spy"
    target = tmp_path / "equity" / "usa" / "minute" / "spy"
    target.mkdir(parents=True)
    for day in ("20131007", "20131008"):
        shutil.copy(source / f"{day}_trade.zip", target)
    october_7 = datetime(2013, 10, 7, tzinfo=UTC)
    request = BarRequest("SPY", Timeframe.MINUTE_1, october_7, october_7.replace(hour=20))
    bars = bars_of(tmp_path, request)
    # The zip's first row is 14400000,1674100,...,3197: 04:00 in New York, ten-thousandths of a
    # dollar; 390 of its rows lie between 09:30 and 16:00 there, and 16:00 is 20:00 UTC.
    assert bars.opened_at[0] == to_us(october_7.replace(hour=8))
    assert (bars.open[0], bars.volume[0]) == (167.41, 3197.0)
    assert np.count_nonzero(bars.opened_at >= to_us(october_7.replace(hour=13, minute=30))) == 390

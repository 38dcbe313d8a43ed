"""A download that ends between a page and the confirmation of a silence goes on afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from data_vendors import Bounds, fetched, made_up_minutes, stored
from simutrador_core.models.bars import Bars
from simutrador_data.services.data_providers.http import Retries
from simutrador_data.services.downloading import DownloadStatus, Patience
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import Fault, FaultServer

MINUTES = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 2))
GIVES_UP = replace(Bounds(), retries=Retries(attempts=1), patience=Patience(outages=1))


@pytest.mark.parametrize("quiet", [slice(0, 1), slice(195, 230), slice(740, 773)])
def test_a_silence_beside_stored_bars_is_confirmed_by_the_next_download(
    quiet: slice, tmp_path: Path
) -> None:
    kept = [n for n in range(len(MINUTES)) if not quiet.start <= n < quiet.stop]
    traded = take(MINUTES, kept)
    asked = [MINUTES]  # up to the ends of both sessions, whatever was traded
    for answers in range(4, 7):
        with (
            FaultServer([traded], page_rows=200) as server,
            ParquetStore(tmp_path / str(answers)) as store,
        ):
            server.inject(*[None] * answers)
            server.always(Fault.UNAVAILABLE)
            fetched(server, store, asked, bounds=GIVES_UP)
        with (
            FaultServer([traded], page_rows=200) as server,
            ParquetStore(tmp_path / str(answers)) as store,
        ):
            report = fetched(server, store, asked)
            assert report.status is DownloadStatus.COMPLETED, report.symbols[0].failures
            assert stored(store, traded).equals(traded)


def take(bars: Bars, rows: list[int]) -> Bars:
    columns = ("opened_at", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[rows] for name in columns})

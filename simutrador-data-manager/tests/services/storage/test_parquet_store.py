"""`ParquetStore` and `LocalBars` against the contracts every store and source is held to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from simutrador_core.interfaces.storage import BarSource, Change
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.store_contract import BarSourceContract, DurableStoreContract
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore


class TestParquetStore(DurableStoreContract):
    def make_store(self, tmp_path: Path) -> ParquetStore:
        return ParquetStore(tmp_path)


class TestParquetStoreWithFilesOnly(DurableStoreContract):
    """The same with every commit of more than one row in a Parquet file of its own."""

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "MAX_ROWS", 1)

    def make_store(self, tmp_path: Path) -> ParquetStore:
        return ParquetStore(tmp_path)


class TestLocalBars(BarSourceContract):
    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        with ParquetStore(tmp_path) as store:
            for change in changes:
                store.commit(change)
        return LocalBars(tmp_path)


class TestLocalBarsOfACompactedStore(BarSourceContract):
    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        with ParquetStore(tmp_path) as store:
            for change in changes:
                store.commit(change)
            store.maintain(Maintenance.COMPACT)
            store.maintain(Maintenance.VACUUM)
        return LocalBars(tmp_path)

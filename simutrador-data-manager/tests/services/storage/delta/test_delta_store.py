"""`DeltaStore` against the contract every store is held to: local path and S3-compatible server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.testing.store_contract import DurableStoreContract
from simutrador_data.services.storage.delta import DeltaStore


class TestDeltaStoreOnALocalPath(DurableStoreContract):
    def make_store(self, tmp_path: Path) -> DeltaStore:
        return DeltaStore(tmp_path)


@pytest.mark.slow  # S10 runs it in CI
class TestDeltaStoreInAnObjectStore(DurableStoreContract):
    @pytest.fixture(autouse=True)
    def bucket(self, object_store: Any) -> None:
        self.bucket_ = object_store

    def make_store(self, tmp_path: Path) -> DeltaStore:
        name = hashlib.sha256(str(tmp_path).encode()).hexdigest()
        return DeltaStore(self.bucket_.url(name), storage_options=self.bucket_.options)

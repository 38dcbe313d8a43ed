"""`MemoryStore` against the contract of every store, and the little that is its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_contract import BarStoreContract


class TestMemoryStore(BarStoreContract):
    def make_store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore()


def test_commits_carry_the_instant_of_the_clock_given() -> None:
    noon = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    store = MemoryStore(clock=lambda: noon)
    assert store.commit(make_change(make_bars())).at == noon

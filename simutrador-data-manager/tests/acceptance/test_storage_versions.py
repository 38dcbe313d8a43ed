"""S5, second half: compaction and vacuum change nothing that any version reads."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from simutrador_core.interfaces.storage import BarStore, Change
from simutrador_core.models.enums import Maintenance, OnConflict
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import blocks, compaction
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


def any_change(chance: random.Random) -> Change:
    """Return a change of AAPL or IBM minutes: some bars, sometimes with a range they settle."""
    symbol = chance.choice(["AAPL", "IBM"])
    start = START + timedelta(minutes=chance.randrange(60))
    bars = make_bars(symbol, start=start, n=chance.randrange(12), price=chance.randrange(10, 90))
    end = start + timedelta(minutes=chance.randrange(20))
    covered = [make_covered(symbol, start=start, end=end)] if chance.random() < 0.4 else []
    on_conflict = chance.choice([OnConflict.KEEP, OnConflict.REPLACE, OnConflict.REPLACE])
    return make_change(bars, covered=covered, source=chance.choice("ab"), on_conflict=on_conflict)


@contextmanager
def drops_a_segment() -> Iterator[None]:
    """Fault: compaction forgets one of the segments whose rows it wrote."""
    whole = compaction._point_at

    def forgetful(catalogue: Any, *given: Any, **named: Any) -> int:
        moved = whole(catalogue, *given, **named)
        with catalogue.write() as connection:
            connection.execute("DELETE FROM segments WHERE id = (SELECT max(id) FROM segments)")
        return moved

    with patch.object(compaction, "_point_at", forgetful):
        yield


@pytest.mark.acceptance("S5", package="data-manager", breaks=drops_a_segment)
def test_compaction_and_vacuum_change_nothing_that_any_version_reads(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 6)
    commits = at_scale(120, 1_000)
    chance = random.Random(7)
    oracle: BarStore = MemoryStore(clock=lambda: NOW)
    with ParquetStore(fast_path, clock=lambda: NOW) as store:
        for number in range(commits):
            change = any_change(chance)
            oracle.commit(change)
            store.commit(change)
            if number % 30 == 29:
                store.maintain(Maintenance.COMPACT)
                store.maintain(Maintenance.VACUUM)
                assert facts_of(store) == facts_of(oracle)
    versions = sum(len(facts["versions"]) for facts in without_symbols(facts_of(oracle)))
    figure(f"{versions} versions of 2 series read the same after {commits // 30} clean-ups")


def without_symbols(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for name, value in facts.items() if name != "symbols"]

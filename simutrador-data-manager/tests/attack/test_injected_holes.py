"""Eight kinds of holes, planted where the test knows them, found by store, calendar and ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from planted_holes import (
    END,
    KINDS,
    SERIES,
    START,
    download,
    every_minute,
    found_by,
    planted,
    registry,
    truth_of,
)
from simutrador_core.models.enums import GapReason
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.synthetic_market import Hole
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.ledger import Explanation, Ledger
from simutrador_data.services.workflows.validate_store import validate_series


def judged(store: ParquetStore, holes: list[Hole]) -> Ledger:
    known = [
        Explanation(hole.start, hole.end, hole.reason, "told by the exchange")
        for hole in holes
        if hole.reason in {GapReason.HALTED, GapReason.NO_TRADE}
    ]
    return validate_series(store, registry(), SERIES, start=START, end=END, explanations=known)


@pytest.mark.parametrize("seed", range(at_scale(6, 100)))
def test_every_planted_hole_is_found_with_its_reason_and_nothing_else(
    fast_path: Path, seed: int
) -> None:
    holes = planted(seed)
    with ParquetStore(fast_path / "store") as store:
        bars = download(store, holes)
        ledger = judged(store, holes)
    found, truth = found_by(ledger), truth_of(holes)
    assert set(truth) | set(bars.opened_at.tolist()) == {at for _, at in every_minute()}
    assert found == truth
    assert set(truth.values()) == {*KINDS, GapReason.NOT_LISTED, GapReason.DELISTED}


def test_holidays_and_the_tail_of_a_half_day_are_closed(fast_path: Path) -> None:
    with ParquetStore(fast_path / "store") as store:
        download(store, [])
        ledger = judged(store, [])
    closed = [(g.start, g.end, g.expected) for g in ledger.gaps if g.reason is GapReason.CLOSED]
    assert closed == [
        (datetime(2024, 6, 19, 4, tzinfo=UTC), datetime(2024, 6, 20, 4, tzinfo=UTC), 0),
        (datetime(2024, 7, 3, 17, tzinfo=UTC), datetime(2024, 7, 3, 20, tzinfo=UTC), 0),
        (datetime(2024, 7, 4, 4, tzinfo=UTC), datetime(2024, 7, 5, 4, tzinfo=UTC), 0),
    ]
    assert ledger.completeness == 1.0
    assert ledger.is_explained

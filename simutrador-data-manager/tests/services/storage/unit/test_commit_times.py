"""Commit ids always rise and commit times never fall, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from simutrador_core.errors import VersionGoneError
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.parquet_store import ParquetStore

NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def test_a_clock_that_is_set_back_does_not_reorder_commits(tmp_path: Path) -> None:
    shown = [NOW, NOW - HOUR, NOW - 1000 * HOUR, NOW + HOUR, NOW]
    for number, instant in enumerate(shown):
        with ParquetStore(tmp_path, clock=lambda: instant) as store:  # noqa: B023
            bars = make_bars(start=START + number * HOUR, n=3)
            commit = store.commit(make_change(bars, fetched_at=instant))
            assert commit.id == number + 1
            assert commit.fetched_at == instant
    with ParquetStore(tmp_path) as store:
        commits = store.history("AAPL", Timeframe.MINUTE_1)
    assert [c.at for c in commits] == [NOW, NOW, NOW, NOW + HOUR, NOW + HOUR]
    assert all(one.id < other.id for one, other in pairwise(commits))


def test_an_instant_names_the_version_that_was_newest_then_in_spite_of_the_clock(
    tmp_path: Path,
) -> None:
    shown = iter([NOW, NOW - HOUR, NOW + 2 * HOUR])
    with ParquetStore(tmp_path, clock=lambda: next(shown)) as store:
        for price in (10.0, 20.0, 30.0):
            bars = make_bars(price=price)
            store.commit(make_change(bars, on_conflict=OnConflict.REPLACE))
        store.vacuum(keep_versions_since=NOW + HOUR)
        assert_same_bars(store.read(query_all(as_of=2)), make_bars(price=20.0))
        with pytest.raises(VersionGoneError):
            store.read(query_all(as_of=1))

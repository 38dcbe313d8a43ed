"""What every `BarStore` must do, as a class of tests; subclass it and say how to make one.

    class TestParquetStore(DurableStoreContract):
        def make_store(self, tmp_path):
            return ParquetStore(tmp_path)

`BarStoreContract` is for any store, `DurableStoreContract` adds what outlives the object. Needs
pytest (extra `testing`). Expected values are worked by hand from the bars written.
"""

# ruff: noqa: D102 - the name of a test is a sentence that says what it shows

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from simutrador_core import dataset
from simutrador_core.errors import ConflictError, InputError
from simutrador_core.interfaces.storage import BarSource, BarStore, Change, Covered
from simutrador_core.models.bars import from_us
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing._commit_contract import CommitContract
from simutrador_core.testing._store_cases import (
    AAPL,
    DAY,
    assert_versions,
    write_versions,
)
from simutrador_core.testing._version_contract import VersionContract
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.comparing import assert_same_bars, joined
from simutrador_core.testing.source_contract import BarSourceContract
from simutrador_core.testing.store_facts import facts_of


class BarStoreContract(CommitContract, VersionContract, BarSourceContract):
    """Behaviour of a store: commits, conflicts, versions, provenance, coverage, maintenance."""

    @abstractmethod
    def make_store(self, tmp_path: Path) -> BarStore:
        """Return a store; a durable one keeps its files in `tmp_path` and finds them again."""
        raise NotImplementedError

    def make_source(self, tmp_path: Path, changes: Sequence[Change]) -> BarSource:
        """Return a store that holds these changes."""
        made = self.make_store(tmp_path)
        try:
            for change in changes:
                made.commit(change)
        except BaseException:
            self.close(made)
            raise
        return made

    @pytest.fixture
    def store(self, tmp_path: Path, opened: list[BarSource]) -> BarStore:
        """Return an empty store."""
        made = self.make_store(tmp_path)
        opened.append(made)
        return made

    def test_it_satisfies_the_protocol(self, store: BarStore) -> None:
        assert isinstance(store, BarStore)
        assert store.symbols() == []

    def test_a_stored_adjusted_series_is_not_adjusted_anew(self, store: BarStore) -> None:
        split = make_bars("AAPL", adjustment=Adjustment.SPLIT)
        store.commit(make_change(split, make_bars("AAPL")))
        asked = replace(AAPL, adjustment=Adjustment.SPLIT, actions_as_of=date(2024, 1, 1))
        with pytest.raises(InputError):
            store.read(asked)
        with pytest.raises(InputError):
            list(store.stream(asked))
        with pytest.raises(InputError):
            store.dataset_id([asked])
        assert_same_bars(store.read(replace(AAPL, actions_as_of=date(2024, 1, 1))), make_bars())

    def test_dataset_id_does_not_depend_on_how_the_rows_came(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        bars = make_bars("AAPL", Timeframe.DAILY, n=80)
        query = query_all("AAPL", Timeframe.DAILY)
        whole = self._source(tmp_path / "whole", opened, bars)
        parts = [bars.take(slice(i, i + 20)) for i in (60, 0, 40, 20)]
        pieces = self.make_store(tmp_path / "pieces")
        opened.append(pieces)
        pieces.commit(make_change(make_bars("AAPL", Timeframe.DAILY, n=90, price=7)))
        for part in parts:
            pieces.commit(make_change(part, on_conflict=OnConflict.REPLACE))
        rest = Covered(bars.series, from_us(bars.opened_at[-1] + 1), START + 400 * DAY)
        pieces.commit(make_change(covered=[rest], on_conflict=OnConflict.REPLACE))
        expected = dataset.dataset_id([bars])
        assert whole.dataset_id([query]) == pieces.dataset_id([query]) == expected
        pieces.maintain(Maintenance.COMPACT)
        assert pieces.dataset_id([query]) == expected


class DurableStoreContract(BarStoreContract):
    """What a store keeps when its object goes away, and what two objects on one place share."""

    def test_everything_is_found_again(self, tmp_path: Path, opened: list[BarSource]) -> None:
        place = tmp_path / "store"
        before = self.make_store(place)
        versions = write_versions(before)
        before.commit(make_change(covered=[make_covered("NEW")], source="acme"))
        facts = facts_of(before)
        self.close(before)
        after = self.make_store(place)
        opened.append(after)
        assert_versions(after, versions)
        assert facts_of(after) == facts

    def test_two_instances_see_each_other(self, tmp_path: Path, opened: list[BarSource]) -> None:
        one, two = self.make_store(tmp_path), self.make_store(tmp_path)
        opened.extend([one, two])
        first = one.commit(make_change(make_bars("AAPL", n=3)))
        assert_same_bars(two.read(AAPL), make_bars("AAPL", n=3))
        second = two.commit(make_change(make_bars("AAPL", n=5)), base=first.id)
        assert second.id > first.id
        assert_same_bars(one.read(AAPL), make_bars("AAPL", n=5))
        with pytest.raises(ConflictError):
            one.commit(make_change(make_bars("AAPL", n=6)), base=first.id)

    def test_maintenance_by_one_instance_does_not_disturb_another(
        self, tmp_path: Path, opened: list[BarSource]
    ) -> None:
        one, two = self.make_store(tmp_path), self.make_store(tmp_path)
        opened.extend([one, two])
        versions = write_versions(one)
        stream = two.stream(AAPL, rows=2)
        parts = [next(stream)]
        one.maintain(Maintenance.COMPACT)
        one.maintain(Maintenance.VACUUM)
        parts.extend(stream)
        assert_same_bars(joined(parts, series=AAPL.series), versions[-1][1])
        assert_versions(two, versions)


__all__ = ["BarSourceContract", "BarStoreContract", "DurableStoreContract"]

"""What commits said is found again, whether gathered, half gathered or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage.delta import DeltaStore, chronicle


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "SIZES", (20, 5))


@pytest.fixture
def store(fast_path: Path) -> Iterator[DeltaStore]:
    """Return a store of 46 versions of one series."""
    with DeltaStore(fast_path) as made:
        for n in range(1, 46):
            made.commit(make_change(make_bars("AAPL", n=n)))
        yield made


def gathered(folder: Path) -> list[Path]:
    return sorted((folder / "bars" / "_simutrador" / "commits").glob("*"))


def test_each_hundred_and_each_ten_thousand_versions_are_gathered(
    store: DeltaStore, fast_path: Path
) -> None:
    names = [path.name for path in gathered(fast_path)]
    assert [name for name in names if "-5." in name] == [
        f"{first:020}-5.json.z" for first in range(0, 45, 5)
    ]
    assert [name for name in names if "-20." in name] == [
        f"{first:020}-20.json.z" for first in (0, 20)
    ]


def test_opening_reads_a_gathered_file_instead_of_its_commits(
    store: DeltaStore, fast_path: Path
) -> None:
    facts = facts_of(store)
    read: list[str] = []

    class Watched(chronicle.Chronicle):
        def _text_of(self, version: int) -> chronicle.Text:
            read.append(str(version))
            return super()._text_of(version)

    found = Watched(store._opened().files, "test").texts(-1, 45)
    assert len(list(found)) == 46
    assert read == ["45"]
    with DeltaStore(fast_path) as again:
        assert facts_of(again) == facts


@pytest.mark.parametrize("damage", ["absent", "torn", "foreign"])
def test_gathered_files_are_made_again_when_they_are_damaged(
    store: DeltaStore, fast_path: Path, damage: str
) -> None:
    facts = facts_of(store)
    whole = {path: path.read_bytes() for path in gathered(fast_path)}
    for path, data in whole.items():
        if damage == "absent":
            path.unlink()
        else:
            path.write_bytes(data[: len(data) // 2] if damage == "torn" else b"[]")
    with DeltaStore(fast_path) as again:
        assert facts_of(again) == facts
        again.maintain(Maintenance.COMPACT)
    assert {path: path.read_bytes() for path in gathered(fast_path)} == whole


def test_vacuum_and_verify_leave_gathered_files_alone(store: DeltaStore, fast_path: Path) -> None:
    before = gathered(fast_path)
    for task in (Maintenance.VACUUM, Maintenance.VERIFY):
        assert store.maintain(task).problems == ()
    assert gathered(fast_path) == before

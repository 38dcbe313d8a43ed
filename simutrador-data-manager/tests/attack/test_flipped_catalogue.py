"""A bit turns over inside the catalogue: reads refuse, or answer as before; never otherwise."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from simutrador_core import dataset
from simutrador_core.errors import InputError, SimutradorError, StoreError, UnknownSymbolError
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage import digests
from simutrador_data.services.storage.catalogue import CATALOGUE_NAME
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

FLIPS: Final = at_scale(100, 20_000)
MONTH: Final = timedelta(days=31)
QUERIES: Final = [query_all("AAPL"), query_all("IBM", Timeframe.DAILY), query_all("AAPL", as_of=1)]


@dataclass(frozen=True)
class Whole:
    """A store at rest, and what it answers."""

    root: Path
    facts: dict[str, Any]
    ids: list[str]


def all_facts(source: Any) -> dict[str, Any]:
    """Return all that a reader answers, asked like a store."""
    return facts_of(source)


def ids_of(source: LocalBars) -> list[str]:
    return [source.dataset_id([query]) for query in QUERIES]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Return a store with files, blocks, older versions, and a digest kept of each month."""
    root = tmp_path_factory.mktemp("flips") / "store"
    covered = make_covered(start=START, end=START + timedelta(minutes=60))
    with ParquetStore(root, mirror_limit_bytes=0) as store:
        store.commit(make_change(make_bars("AAPL", n=60), covered=[covered], source="acme"))
        store.commit(make_change(make_bars("IBM", Timeframe.DAILY, n=40), request="GET /bars"))
        store.maintain(Maintenance.COMPACT)
        late = make_bars("AAPL", start=START + timedelta(minutes=10), n=5, price=77)
        store.commit(make_change(late, on_conflict=OnConflict.REPLACE))
        store.commit(make_change(make_bars("AAPL", start=START + MONTH, n=20, price=80)))
        ids = ids_of(store)
        assert ids == [dataset.dataset_id([store.read(query)]) for query in QUERIES]
        assert store.verify().problems == ()
        facts = facts_of(store)
    return Whole(root, facts, ids)


@pytest.fixture
def copy(whole: Whole, tmp_path: Path) -> Path:
    """Return a copy of the store to harm."""
    return Path(shutil.copytree(whole.root, tmp_path / "copy"))


def flip(root: Path, at: int, bit: int = 0) -> None:
    """Turn over one bit of the catalogue file."""
    with (root / CATALOGUE_NAME).open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def places_of(root: Path, value: bytes) -> list[int]:
    """Return where bytes stand in the catalogue file."""
    data = (root / CATALOGUE_NAME).read_bytes()
    found: list[int] = []
    at = data.find(value)
    while at >= 0:
        found.append(at)
        at = data.find(value, at + 1)
    return found


def stored(root: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(root / CATALOGUE_NAME)) as connection:
        return connection.execute(query).fetchall()


def refuses_or_agrees(ask: Callable[[], object], expected: object) -> bool:
    """Return whether an answer is the one before, or an error of ours."""
    try:
        return ask() == expected
    except (InputError, UnknownSymbolError):  # what is not found is not refused
        return False
    except AssertionError:  # two answers contradict each other
        return False
    except (SimutradorError, OSError):
        return True


BEHIND: Final = {"digest": 0, "first_us": 64, "last_us": 72, "memo_sum": 80}
"""Where the values of a month stand in its row, counted from the text of its digest."""


def test_a_harmed_digest_of_a_month_never_changes_a_dataset_id(whole: Whole, copy: Path) -> None:
    memos = stored(copy, "SELECT digest FROM months WHERE digest <> ''")
    assert len(memos) >= 4
    for (digest,) in memos:
        (at,) = places_of(copy, digest.encode())
        for offset in BEHIND.values():
            for place, bit in ((at + offset, 0), (at + offset + 5, 3), (at + offset + 7, 6)):
                flip(copy, place, bit)
                with LocalBars(copy) as store:
                    assert ids_of(store) == whole.ids
                flip(copy, place, bit)


@pytest.mark.parametrize("column", BEHIND)
def test_verify_mends_a_harmed_digest_of_a_month(whole: Whole, copy: Path, column: str) -> None:
    ((digest,),) = stored(copy, "SELECT digest FROM months WHERE digest <> '' LIMIT 1")
    (at,) = places_of(copy, digest.encode())
    flip(copy, at + BEHIND[column] + 6, 2)
    with ParquetStore(copy) as store:
        report = store.verify()
        assert report.changed == 1
        (problem,) = report.problems
        assert "is not that of its rows; it was mended" in problem
        assert store.verify().problems == ()
        assert ids_of(store) == whole.ids
        assert facts_of(store) == whole.facts


def test_verify_finds_a_digest_that_is_consistent_and_wrong(whole: Whole, copy: Path) -> None:
    with ParquetStore(copy) as store:
        with store._catalogue.write() as connection:
            (series, month, commit) = connection.execute(
                "SELECT series_id, month, commit_id FROM months WHERE digest <> '' LIMIT 1"
            ).fetchone()
            wrong = digests.Month(month, commit, "ab" * 32, 1, 2)
            digests.write(connection, [digests.Memo(series, wrong)])
        report = store.verify()
        assert (report.changed, len(report.problems)) == (1, 1)
        assert ids_of(store) == whole.ids


@pytest.mark.parametrize("column", ["rows", "last_us"])
def test_the_counts_of_a_series_are_refused_and_mended(
    whole: Whole, copy: Path, column: str
) -> None:
    ((last, first),) = stored(copy, "SELECT last_us, first_us FROM series WHERE symbol = 'AAPL'")
    place = next(
        at for at in places_of(copy, last.to_bytes(8)) if first.to_bytes(8) in near(copy, at)
    )
    # The number of rows stands right before the two instants.
    flip(copy, place + 7 if column == "last_us" else place - 9, 1)
    with LocalBars(copy) as store, pytest.raises(StoreError, match="series in the catalogue"):
        store.symbols()
    with ParquetStore(copy) as store:
        report = store.verify()
        assert report.changed == 1
        assert "AAPL 1min raw counts other rows than it lists; it was mended" in report.problems[0]
        assert facts_of(store) == whole.facts
        assert store.verify().problems == ()


def near(root: Path, at: int) -> bytes:
    return (root / CATALOGUE_NAME).read_bytes()[at - 8 : at]


@pytest.mark.parametrize("text", [b"acme", b"GET /bars"])
def test_a_harmed_word_of_provenance_is_refused_and_reported(
    whole: Whole, copy: Path, text: bytes
) -> None:
    for at in places_of(copy, text):
        flip(copy, at + 1, 1)
        with LocalBars(copy) as store:
            assert refuses_or_agrees(lambda: all_facts(store), whole.facts)
        with ParquetStore(copy) as store:
            problems = store.verify().problems
        assert any("do not match their sums; restore" in one for one in problems), problems
        flip(copy, at + 1, 1)


def test_a_harmed_block_is_refused_and_put_aside(whole: Whole, copy: Path) -> None:
    ((data,),) = stored(
        copy, "SELECT data FROM objects WHERE data IS NOT NULL ORDER BY id DESC LIMIT 1"
    )
    (at,) = places_of(copy, data[:64])
    flip(copy, at + 40, 5)
    with LocalBars(copy) as store:
        assert refuses_or_agrees(lambda: store.read(QUERIES[0]), None)
        assert refuses_or_agrees(lambda: all_facts(store), whole.facts)
    with ParquetStore(copy) as store:
        report = store.verify()
        assert report.changed >= 1
        assert report.refetch


def is_noticed(root: Path) -> bool:
    """Return whether verifying a store finds something, or cannot be done."""
    try:
        with ParquetStore(root) as store:
            return bool(store.verify().problems)
    except (SimutradorError, OSError):
        return True


def does_no_harm(whole: Whole, root: Path) -> bool:
    """Return whether every kind of answer is refused or as before."""
    try:
        with LocalBars(root) as store:
            return refuses_or_agrees(lambda: ids_of(store), whole.ids) and refuses_or_agrees(
                lambda: all_facts(store), whole.facts
            )
    except (SimutradorError, OSError):
        return True


def test_any_bit_of_the_catalogue_is_noticed_or_does_no_harm(whole: Whole, copy: Path) -> None:
    chance = random.Random(11)
    data = (copy / CATALOGUE_NAME).read_bytes()
    used = [at for at, byte in enumerate(data) if byte and at >= 100]
    silent: list[int] = []
    for at in chance.sample(used, min(FLIPS, len(used))):
        bit = chance.randrange(8)
        flip(copy, at, bit)
        if not does_no_harm(whole, copy) and not is_noticed(copy):
            silent.append(at)
        (copy / CATALOGUE_NAME).write_bytes(data)
        for rest in copy.glob(f"{CATALOGUE_NAME}-*"):
            rest.unlink()
    assert silent == []

"""What is particular to a Delta table: batches, races, files, other tools, damage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from simutrador_core.errors import (
    ConflictError,
    CorruptDataError,
    MissingExtraError,
    StoreError,
    StoreFormatError,
    VersionGoneError,
)
from simutrador_core.models.bars import BarQuery
from simutrador_core.models.enums import Maintenance, OnConflict, Timeframe
from simutrador_core.testing.builders import (
    START,
    make_bars,
    make_change,
    make_covered,
    query_all,
)
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_core.testing.memory_store import MemoryStore
from simutrador_core.testing.store_facts import facts_of
from simutrador_data.services.storage.delta import DeltaStore, files
from simutrador_data.services.storage.delta.log import Log
from simutrador_data.services.storage.local_bars import utc_now

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(fast_path: Path) -> Iterator[DeltaStore]:
    """Return an empty store."""
    with DeltaStore(fast_path) as made:
        yield made


def version(store: DeltaStore) -> int:
    """Return the newest version of the Delta table."""
    return DeltaTable(f"{store.url}/bars").version()


def data_files(store: DeltaStore) -> list[Path]:
    return sorted((Path(store.url) / "bars").glob("1min/**/*.parquet"))


def test_changes_of_different_series_share_one_delta_commit(store: DeltaStore) -> None:
    before = version(store)
    changes = [make_change(make_bars(f"S{n}"), source=f"source {n}") for n in range(50)]
    done = store.commit_many([*changes, make_change(make_bars("S0"))])
    assert version(store) == before + 2 - 1, "the last one changes nothing, so it needs no commit"
    assert [commit.id for commit in done] == [*range(1, 51), 50]
    assert [commit.no_op for commit in done] == [False] * 50 + [True]
    assert store.history("S7", Timeframe.MINUTE_1) == [done[7]]


def test_batches_say_the_same_as_one_commit_after_another(fast_path: Path) -> None:
    now = utc_now()
    changes = [
        make_change(
            make_bars(f"S{n % 3}", n=1 + n % 7, price=1 + n % 5),
            covered=[make_covered(f"S{n % 3}")] if n % 4 == 0 else [],
            on_conflict=OnConflict.REPLACE,
            source="ab"[n % 2],
        )
        for n in range(40)
    ]
    oracle = MemoryStore(clock=lambda: now)
    for change in changes:
        oracle.commit(change)
    with DeltaStore(fast_path, clock=lambda: now) as store:
        store.commit_many(changes)
        assert facts_of(store) == facts_of(oracle)
        assert version(store) < 40


def test_batch_with_a_refused_change_writes_nothing_of_its_delta_commit(store: DeltaStore) -> None:
    store.commit(make_change(make_bars("AAPL")))
    different = make_bars("AAPL", price=7)
    with pytest.raises(ConflictError):
        store.commit_many(
            [make_change(make_bars("IBM")), make_change(different, on_conflict=OnConflict.FAIL)]
        )
    assert [info.symbol for info in store.symbols()] == ["AAPL"]
    assert len(data_files(store)) == 1


class Overtaken:
    """Lets another writer commit just before each of the next commits to the log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, others: list[Any]) -> None:
        whole = Log.commit

        def late(log: Log, *given: Any, **named: Any) -> bool:
            if others:
                others.pop(0)()
            return whole(log, *given, **named)

        monkeypatch.setattr(Log, "commit", late)


def test_overtaken_writer_of_another_series_keeps_its_files(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DeltaStore(store.url) as other:
        written: list[str] = []
        put = files.LocalFiles.put

        def watched(self: files.LocalFiles, path: str, data: bytes) -> None:
            written.append(path)
            put(self, path, data)

        monkeypatch.setattr(files.LocalFiles, "put", watched)
        Overtaken(monkeypatch, [lambda: other.commit(make_change(make_bars("IBM")))])
        commit = store.commit(make_change(make_bars("AAPL")), base=0)
        assert (commit.id, len(written), len(data_files(store))) == (2, 2, 2)
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_overtaken_writer_of_the_same_series_looks_again(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DeltaStore(store.url) as other:
        Overtaken(monkeypatch, [lambda: other.commit(make_change(make_bars("AAPL", n=3)))])
        commit = store.commit(make_change(make_bars("AAPL", n=5)))
        assert (commit.id, commit.added) == (2, 2)
        assert_same_bars(store.read(query_all("AAPL")), make_bars("AAPL", n=5))
        assert len(data_files(store)) == 2, "the files of the first attempt are gone"


def test_writer_that_is_overtaken_again_and_again_gives_up(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DeltaStore(store.url) as other:

        def more(n: int) -> Any:
            return lambda: other.commit(make_change(make_bars("AAPL", n=n)))

        # Each of the other's commits goes through the same door, so it takes every second one.
        others: list[Any] = []
        for n in range(1, 8):
            others += [more(n), lambda: None]
        Overtaken(monkeypatch, others)
        with pytest.raises(ConflictError, match="AAPL 1min raw 6 times in a row"):
            store.commit(make_change(make_bars("AAPL", n=20)))
        assert len(store.read(query_all("AAPL"))) == 6


def test_writer_overtaken_past_its_base_is_refused(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DeltaStore(store.url) as other:
        Overtaken(monkeypatch, [lambda: other.commit(make_change(make_bars("AAPL", n=3)))])
        with pytest.raises(ConflictError, match="after 0"):
            store.commit(make_change(make_bars("AAPL", n=5)), base=0)
        assert len(store.read(query_all("AAPL"))) == 3


def test_commit_whose_answer_was_lost_is_not_written_twice(store: DeltaStore) -> None:
    table = store._opened().log._table

    class Deaf:
        """A handle that makes the version and then says that it failed."""

        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        def create_write_transaction(self, *given: Any, **named: Any) -> None:
            table.create_write_transaction(*given, **named)
            raise CommitFailedError("connection reset")

    store._opened().log._table = Deaf()
    commit = store.commit(make_change(make_bars("AAPL", n=4)))
    assert (commit.id, commit.added) == (1, 4)
    assert [c.id for c in store.history("AAPL", Timeframe.MINUTE_1)] == [1]
    assert_same_bars(store.read(query_all("AAPL")), make_bars("AAPL", n=4))


def test_compaction_joins_files_of_about_one_size(store: DeltaStore) -> None:
    bars = make_bars("AAPL", n=60)
    for first in range(0, 60, 5):
        store.commit(make_change(bars.take(slice(first, first + 5))))
    identity = store.dataset_id([query_all("AAPL")])
    live = DeltaTable(f"{store.url}/bars")
    assert len(live.file_uris()) == 12
    assert store.maintain(Maintenance.COMPACT).changed == 1
    live.update_incremental()
    assert len(live.file_uris()) == 1
    assert store.dataset_id([query_all("AAPL")]) == identity
    store.commit(make_change(make_bars("AAPL", start=START + 60 * MINUTE, n=2)))
    assert store.maintain(Maintenance.COMPACT).changed == 0, "60 rows are not moved for 2"


def test_compaction_overtaken_by_a_writer_leaves_what_it_wrote(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (2, 4):
        store.commit(make_change(make_bars("AAPL", n=n), make_bars("IBM", n=n)))
    with DeltaStore(store.url) as other:
        restated = make_change(make_bars("AAPL", n=4, price=9), on_conflict=OnConflict.REPLACE)
        Overtaken(monkeypatch, [lambda: other.commit(restated)])
        assert store.maintain(Maintenance.COMPACT).changed == 1
        assert_same_bars(store.read(query_all("AAPL")), make_bars("AAPL", n=4, price=9))
        assert_same_bars(store.read(query_all("IBM")), make_bars("IBM", n=4))
        assert store.maintain(Maintenance.VERIFY).problems == ()


def test_vacuum_deletes_only_what_no_version_names_and_is_old(store: DeltaStore) -> None:
    for n in (2, 4, 6):
        store.commit(make_change(make_bars("AAPL", n=n, price=n), on_conflict=OnConflict.REPLACE))
    store.maintain(Maintenance.COMPACT)
    named = data_files(store)
    left = named[0].with_name("2024-00000000000000aa.parquet")
    left.write_bytes(b"of a writer that was killed")
    foreign = named[0].with_name("notes.txt")
    foreign.write_text("not ours")
    assert store.maintain(Maintenance.VACUUM).changed == 0, "its writer may be at work"
    with DeltaStore(store.url, clock=lambda: utc_now() + timedelta(days=2)) as later:
        report = later.maintain(Maintenance.VACUUM)
    assert (report.changed, report.freed_bytes) == (1, 27)
    assert data_files(store) == named
    assert foreign.exists()


def test_version_another_tool_vacuumed_away_is_gone_and_newer_ones_stay(store: DeltaStore) -> None:
    first = store.commit(make_change(make_bars("AAPL", n=3)))
    second = make_change(make_bars("AAPL", n=3, price=5), on_conflict=OnConflict.REPLACE)
    store.commit(second)
    DeltaTable(f"{store.url}/bars").vacuum(0, dry_run=False, enforce_retention_duration=False)
    query = query_all("AAPL", as_of=first.id)
    with DeltaStore(store.url) as again:
        for ask in (again.read, again.segments, lambda q: list(again.stream(q))):
            with pytest.raises(VersionGoneError, match="version 1 of AAPL"):
                ask(query)
        assert_same_bars(again.read(query_all("AAPL")), make_bars("AAPL", n=3, price=5))


def test_only_the_files_and_columns_of_a_read_are_opened(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = make_bars("AAPL", Timeframe.HOUR_1, n=3 * 8_784, start=START.replace(year=2020))
    store.commit(make_change(bars, *(make_bars(f"S{n}") for n in range(20))))
    opened: list[str] = []
    whole = files.LocalFiles.open

    def watched(self: files.LocalFiles, path: str) -> Any:
        opened.append(path)
        return whole(self, path)

    monkeypatch.setattr(files.LocalFiles, "open", watched)
    day = START.replace(year=2021, month=7)
    query = BarQuery("AAPL", Timeframe.HOUR_1, day, day + timedelta(days=1))
    assert len(store.read(query)) == 24
    assert [path.split("/")[-1][:5] for path in opened] == ["2021-"]


@pytest.mark.parametrize("damage", ["bit", "cut", "gone"])
def test_damaged_files_are_found_and_not_served(store: DeltaStore, damage: str) -> None:
    store.commit(make_change(make_bars("AAPL", n=400), make_bars("IBM")))
    (path,) = [path for path in data_files(store) if "AAPL" in str(path)]
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[len(data) // 3] ^= 1
        path.write_bytes(data if damage == "bit" else data[: len(data) // 2])
    with pytest.raises(CorruptDataError, match=path.name):
        store.read(query_all("AAPL"))
    with pytest.raises(CorruptDataError, match=path.name):
        list(store.stream(query_all("AAPL")))
    problems = store.maintain(Maintenance.VERIFY).problems
    assert len(problems) == 1
    assert path.name in problems[0]
    assert_same_bars(store.read(query_all("IBM")), make_bars("IBM"))


def test_tables_of_others_and_of_newer_releases_are_refused(tmp_path: Path) -> None:
    rows = DeltaTable.create(
        tmp_path / "other" / "bars", make_bars().to_arrow().schema, name="prices"
    )
    assert rows.version() == 0
    with pytest.raises(StoreFormatError, match="'prices'"):
        DeltaStore(tmp_path / "other")
    with DeltaStore(tmp_path / "newer") as store:
        store.commit(make_change(make_bars("AAPL")))
        log = tmp_path / "newer" / "bars" / "_delta_log" / "00000000000000000001.json"
        text = log.read_text()
        info = json.loads(text.splitlines()[0])["commitInfo"]["simutrador"]
        newer = info.replace('"format":1', '"format":2')
        log.write_text(text.replace(json.dumps(info), json.dumps(newer)))
    with pytest.raises(StoreFormatError, match="format 2"):
        DeltaStore(tmp_path / "newer")


def test_rows_another_tool_wrote_are_reported(store: DeltaStore) -> None:
    store.commit(make_change(make_bars("AAPL", n=3)))
    url = f"{store.url}/bars"
    rows = DeltaTable(url).to_pyarrow_table().slice(0, 1)
    write_deltalake(url, rows, mode="append")
    problems = store.maintain(Maintenance.VERIFY).problems
    assert any("two bars of one instant" in problem for problem in problems)
    with pytest.raises(CorruptDataError, match="two bars"):
        store.read(query_all("AAPL"))


def test_long_histories_are_read_back_from_checkpoints(fast_path: Path) -> None:
    with DeltaStore(fast_path) as store:
        for n in range(1, 61):
            store.commit(make_change(make_bars("AAPL", n=n, start=START.replace(microsecond=1))))
        facts = facts_of(store)
    assert list((fast_path / "bars" / "_delta_log").glob("*.checkpoint.parquet"))
    with DeltaStore(fast_path) as again:
        assert facts_of(again) == facts


def test_closed_store_says_so(store: DeltaStore) -> None:
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.symbols()


def test_reading_in_a_cold_process_imports_no_pandas(store: DeltaStore) -> None:
    store.commit(make_change(make_bars("AAPL"), make_bars("AAPL", Timeframe.DAILY)))
    code = (
        "import sys; from simutrador_data.services.storage.delta import DeltaStore;"
        "from simutrador_core.testing.builders import query_all;"
        f"store = DeltaStore({store.url!r});"
        "print(len(store.read(query_all('AAPL'))), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "5 False\n"


def test_without_the_extra_its_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(MissingExtraError, match=r"simutrador-data-manager\[delta\]"):
        DeltaStore(tmp_path)

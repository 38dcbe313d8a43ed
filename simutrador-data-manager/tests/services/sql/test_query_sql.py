"""SQL sees exactly the rows a read gives, of one version, and nothing beside them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from simutrador_core.errors import CorruptDataError, InputError, InvalidRangeError
from simutrador_core.models.bars import OHLCV, Bars, SeriesKey
from simutrador_core.models.enums import Adjustment, Maintenance, OnConflict, Timeframe
from simutrador_core.testing._store_cases import write_versions
from simutrador_core.testing.awkward_values import EXACT_PRICES, EXACT_VOLUMES
from simutrador_core.testing.builders import START, make_bars, make_change, make_covered, query_all
from simutrador_data.services.sql.database import COLUMNS, opened
from simutrador_data.services.sql.pruning import readable_series
from simutrador_data.services.sql.query import (
    SqlError,
    SqlMemoryError,
    SqlTimeoutError,
    query_sql,
)
from simutrador_data.services.storage import blocks
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.storage.record import Record

ALL = "FROM bars ORDER BY symbol, timeframe, adjustment, opened_at"
DAY = timedelta(days=1)


@pytest.fixture(params=["blocks", "files", "compacted"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return where rows stand: in the catalogue, in a file a commit, or compacted."""
    if request.param == "files":
        monkeypatch.setattr(blocks, "MAX_ROWS", 1)
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path, layout: str) -> Iterator[ParquetStore]:
    """Return an empty store of that layout."""
    with ParquetStore(tmp_path / "store") as made:
        yield made


@pytest.fixture
def settle(store: ParquetStore, layout: str) -> Callable[[], None]:
    """Return what brings the rows to where they shall stand."""

    def compact() -> None:
        if layout == "compacted":
            store.maintain(Maintenance.COMPACT)
            store.maintain(Maintenance.VACUUM)

    return compact


def rows_of(parts: Sequence[Bars]) -> list[tuple[Any, ...]]:
    """Return the rows that `ALL` gives for some bars."""
    found: list[tuple[Any, ...]] = []
    for bars in parts:
        days: list[date | None] = [None] * len(bars)
        if bars.sessions is not None:
            days = bars.sessions.tolist()
        times = [datetime.fromtimestamp(at / 10**6, UTC) for at in bars.opened_at.tolist()]
        columns = [getattr(bars, name).tolist() for name in OHLCV]
        key = (bars.symbol, str(bars.timeframe), str(bars.adjustment))
        found += [(*key, *row) for row in zip(times, days, *columns, strict=True)]
    return sorted(found, key=lambda row: row[:4])


@pytest.mark.parametrize("case", EXACT_PRICES)
def test_prices_are_exact(store: ParquetStore, settle: Callable[[], None], case: str) -> None:
    bars = make_bars("X", close=EXACT_PRICES[case], volume=EXACT_VOLUMES)
    store.commit(make_change(bars))
    store.commit(make_change(make_bars("Y", close=[1.25, 7.5, 3.0])))
    settle()
    found = query_sql(store, "SELECT close, volume FROM bars WHERE symbol = 'X' ORDER BY opened_at")
    assert found.rows == list(zip(EXACT_PRICES[case], EXACT_VOLUMES, strict=True))


def test_decimals_of_different_places_are_exact_side_by_side(
    store: ParquetStore, settle: Callable[[], None]
) -> None:
    rng = np.random.default_rng(3)
    parts = [
        make_bars(f"S{places}", close=(rng.integers(1, 10**7, 500) / 10**places).tolist())
        for places in range(7)
    ]
    store.commit(make_change(*parts))
    settle()
    found = query_sql(store, ALL)
    assert found.rows == rows_of([store.read(query_all(part.symbol)) for part in parts])
    assert found.rows == rows_of(parts)


def test_every_version_has_its_own_rows_each_once(
    store: ParquetStore, settle: Callable[[], None]
) -> None:
    versions = write_versions(store)
    settle()
    ibm = make_bars("IBM")
    for commit, expected in versions:
        others = [ibm] if commit >= versions[2][0] else []
        found = query_sql(store, ALL, as_of=commit)
        assert (found.rows, found.as_of) == (rows_of([expected, *others]), commit)
    assert query_sql(store, ALL).rows == rows_of([versions[-1][1], ibm])


def test_series_are_kept_apart_and_carry_their_sessions(
    store: ParquetStore, settle: Callable[[], None]
) -> None:
    daily = make_bars("AAPL", Timeframe.DAILY, n=4)
    minutes = make_bars("AAPL", n=4)
    split = make_bars("AAPL", n=4, price=25, adjustment=Adjustment.SPLIT)
    dated = replace(make_bars("ES", n=2), sessions=np.array(["2024-01-03"] * 2, dtype="M8[D]"))
    store.commit(make_change(daily, minutes, split, dated))
    settle()
    found = query_sql(store, ALL)
    assert found.columns == list(COLUMNS)
    assert found.rows == rows_of([daily, minutes, split, dated])


def test_rows_that_a_commit_took_away_are_gone(
    store: ParquetStore, settle: Callable[[], None]
) -> None:
    store.commit(make_change(make_bars("AAPL", n=9)))
    gone = make_covered(start=START, end=START + DAY)
    store.commit(make_change(covered=[gone], on_conflict=OnConflict.REPLACE))
    settle()
    assert query_sql(store, "SELECT count(*) FROM bars").rows == [(0,)]
    assert query_sql(store, "SELECT count(*) FROM bars", as_of=1).rows == [(9,)]


def test_an_empty_store_has_an_empty_view(store: ParquetStore) -> None:
    found = query_sql(store, "FROM bars")
    assert (found.columns, found.rows, found.as_of) == (list(COLUMNS), [], 0)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[ParquetStore]:
    """Return a store of 300 minutes of AAPL in a file and 5 of IBM in a block."""
    with ParquetStore(tmp_path / "small") as made:
        made.commit(make_change(make_bars("AAPL", n=300)))
        made.maintain(Maintenance.COMPACT)
        made.commit(make_change(make_bars("IBM", n=5)))
        yield made


def test_a_version_the_store_has_not_reached_is_refused(small: ParquetStore) -> None:
    with pytest.raises(InvalidRangeError, match="as_of 3"):
        query_sql(small, "FROM bars", as_of=3)
    assert query_sql(small, "FROM bars", as_of=0).rows == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not 0"),
        ("-- nothing", "not 0"),
        ("SELECT 1; SELECT 2", "not 2"),
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM bars", 'column "nope" not found'),
        ("SELECT * FROM nothing", "nothing does not exist"),
        ("SELECT 1) UNION ALL (SELECT 2", "syntax error"),
        ("COPY bars TO 'out.csv'", "type COPY"),
        ("CREATE TABLE t AS FROM bars", "type CREATE"),
        ("INSERT INTO bars VALUES (1)", "type INSERT"),
        ("DELETE FROM bars", "type DELETE"),
        ("DROP VIEW bars", "type DROP"),
        ("ATTACH 'other.db'", "type ATTACH"),
        ("SET lock_configuration = false", "type SET"),
        ("PRAGMA version", "type"),
        ("INSTALL httpfs", "type LOAD"),
        ("LOAD httpfs", "type LOAD"),
        ("EXPLAIN ANALYZE COPY bars TO 'out.csv'", "type EXPLAIN"),
        ("EXPORT DATABASE 'out'", "type EXPORT"),
        ("SELECT * FROM read_text('/etc/passwd')", "disabled"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM glob('/etc/*')", "disabled"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM 'http://127.0.0.1/x.parquet'", "disabled"),
        ("SELECT * FROM read_parquet('http://127.0.0.1/x.parquet')", "disabled"),
        ("SELECT * FROM read_blob('/etc/passwd')", "disabled"),
        ("SELECT * FROM read_json('/etc/passwd')", "disabled"),
        ("SELECT * FROM read_parquet('../*/*.parquet')", "disabled"),
        ("SELECT * FROM sniff_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM parquet_metadata('/etc/passwd')", "disabled"),
        ("SELECT * FROM read_duckdb('other.db')", "disabled"),
        ("FROM json_execute_serialized_sql(json_serialize_sql('FROM ''/etc/x.csv'''))", "disabled"),
        ("SELECT * FROM query('COPY (SELECT 1) TO ''out.csv''')", "single SELECT"),
        ("SELECT * FROM enable_logging(storage = 'file', storage_path = 'out')", "locked"),
        ("SELECT * FROM enable_profiling(save_location = 'out.json')", "locked"),
        ("SELECT getenv('HOME')", "getenv does not exist"),
        ("PRAGMA memory_limit = '90GB'", "type"),
        ("PRAGMA enable_profiling", "type"),
        ("SET memory_limit = '90GB'", "type SET"),
        ("SET SESSION threads = 99", "type SET"),
        ("RESET memory_limit", "type"),
        ("SELECT 1; SET memory_limit = '90GB'", "not 2"),
        ("FORCE INSTALL httpfs", "type LOAD"),
        ("CALL enable_logging()", "type"),
        ("ATTACH ':memory:' AS m", "type ATTACH"),
        ("DETACH memory", "type DETACH"),
        ("USE memory", "type"),
        ("COPY (SELECT 1) TO 'out.csv'", "type COPY"),
        ("COPY bars FROM '/etc/passwd'", "type COPY"),
        ("CREATE SECRET s (TYPE s3)", "type CREATE"),
        ("PREPARE p AS SELECT 1", "type PREPARE"),
        ("VACUUM", "type VACUUM"),
        ("BEGIN", "type TRANSACTION"),
        ("SELECT * FROM store", "store does not exist"),
        ("SELECT * FROM inside.parts", "inside"),
    ],
)
def test_nothing_but_one_query_over_bars_is_taken(
    small: ParquetStore, text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SqlError, match=says):
        query_sql(small, text)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_files_of_the_record_cannot_be_named(small: ParquetStore) -> None:
    (file,) = small.root.rglob("bars/**/*.parquet")
    with pytest.raises(SqlError, match="disabled"):
        query_sql(small, f"SELECT count(*) FROM bars, read_parquet('{file}')")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM bars -- all of them )",
        "SELECT count(*) FROM bars /* ( */;",
        "WITH b AS (FROM bars) SELECT count(*) FROM b",
        "SELECT 305",
        "VALUES (305)",
        "SELECT count(*) FROM (DESCRIBE bars) d, bars WHERE d.column_name = 'symbol'",
    ],
)
def test_queries_of_any_form_are_taken(small: ParquetStore, text: str) -> None:
    assert query_sql(small, text).rows == [(305,)]


def test_times_are_in_utc_and_zones_are_known(small: ParquetStore) -> None:
    text = """SELECT opened_at, opened_at AT TIME ZONE 'America/New_York', opened_at::VARCHAR
        FROM bars WHERE symbol = 'IBM' ORDER BY opened_at LIMIT 1"""
    (row,) = query_sql(small, text).rows
    assert row[0] == START
    assert row[1] == datetime(2024, 1, 2, 9, 30)
    assert row[2] == "2024-01-02 14:30:00+00"


@pytest.mark.parametrize(("most", "rows", "is_cut"), [(304, 304, True), (305, 305, False)])
def test_no_more_rows_come_than_allowed(
    small: ParquetStore, most: int, rows: int, is_cut: bool
) -> None:
    found = query_sql(small, "FROM bars", max_rows=most)
    assert (len(found.rows), found.is_cut) == (rows, is_cut)


def test_the_order_asked_for_survives_the_limit(small: ParquetStore) -> None:
    found = query_sql(small, "FROM bars ORDER BY opened_at DESC, symbol", max_rows=2)
    assert [row[3] for row in found.rows] == [
        START + timedelta(minutes=299),
        START + timedelta(minutes=298),
    ]


def test_a_query_without_end_is_stopped(small: ParquetStore) -> None:
    begun = monotonic()
    with pytest.raises(SqlTimeoutError, match=r"longer than 0\.5 s"):
        query_sql(
            small, "SELECT count(*) FROM range(10000000000) a, bars WHERE a.range > close",
            timeout_s=0.5,
        )  # fmt: skip
    assert monotonic() - begun < 10


def test_a_query_for_too_much_memory_is_stopped(small: ParquetStore) -> None:
    text = "SELECT length(string_agg(repeat('x', 10000000) || range::VARCHAR, '')) FROM range(900)"
    with pytest.raises(SqlMemoryError, match="fewer symbols"):
        query_sql(small, text)


@pytest.mark.parametrize(
    ("name", "value"), [("max_rows", 0), ("timeout_s", 0), ("timeout_s", -1), ("memory_mb", 49)]
)
def test_limits_out_of_bounds_are_refused(small: ParquetStore, name: str, value: int) -> None:
    with pytest.raises(InputError, match=name):
        query_sql(small, "FROM bars", **{name: value})


KEYS = [
    SeriesKey("AAPL", Timeframe.DAILY),
    SeriesKey("AAPL", Timeframe.MINUTE_1),
    SeriesKey("AMZN", Timeframe.DAILY),
    SeriesKey("B'C", Timeframe.DAILY, Adjustment.SPLIT),
]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("FROM bars", {0, 1, 2, 3}),
        ("SELECT count(*) FROM bars", {0, 1, 2, 3}),
        ("FROM bars WHERE symbol = 'AAPL'", {0, 1}),
        ("FROM bars WHERE symbol = 'AAPL' AND timeframe = 'daily' AND close > 5", {0}),
        ("FROM bars WHERE symbol LIKE 'A%' AND timeframe <> '1min'", {0, 2}),
        ("FROM bars WHERE symbol = 'B''C'", {3}),
        ("FROM bars WHERE lower(symbol) = 'amzn'", {2}),
        ("FROM bars WHERE symbol = 'NOPE'", set[int]()),
        ("FROM bars a JOIN bars b USING (opened_at) WHERE a.symbol = 'AMZN' AND b.symbol = 'AAPL'",
         {0, 1, 2}),
        ("FROM bars WHERE symbol = (SELECT max(symbol) FROM bars)", {0, 1, 2, 3}),
        ("SELECT (SELECT count(*) FROM bars WHERE adjustment = 'split'), 1", {3}),
        ("SELECT 1", set[int]()),
    ],
)  # fmt: skip
def test_only_series_a_query_can_read_are_opened(text: str, places: set[int]) -> None:
    with opened() as connection:
        found = readable_series(connection, text, KEYS)
    assert set(found) >= {KEYS[place] for place in places}
    assert found == [key for place, key in enumerate(KEYS) if place in places]


def damage(store: ParquetStore, symbol: str) -> None:
    """Flip a bit in the middle of a file."""
    (file,) = (path for path in store.root.rglob("bars/**/*.parquet") if symbol in str(path))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_damaged_rows_are_never_served_and_others_still_are(tmp_path: Path) -> None:
    with ParquetStore(tmp_path) as store:
        store.commit(make_change(make_bars("AAPL", n=300), make_bars("IBM", n=300)))
        store.maintain(Maintenance.COMPACT)
        damage(store, "AAPL")
        with pytest.raises(CorruptDataError, match="checksum"):
            query_sql(store, "SELECT count(*) FROM bars")
        found = query_sql(store, "SELECT count(*) FROM bars WHERE symbol = 'IBM'")
    assert found.rows == [(300,)]


def test_files_that_go_while_a_query_starts_are_looked_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 1)
    calls = 0

    class Vacuumed(ParquetStore):
        """A store whose files go once, right after they were named."""

        def record(self, *given: Any, **named: Any) -> Record:
            nonlocal calls
            calls += 1
            found = super().record(*given, **named)
            if calls == 1:
                self.maintain(Maintenance.COMPACT)
                self.maintain(Maintenance.VACUUM)
            return found

    with Vacuumed(tmp_path) as store:
        for number in range(5):
            part = make_bars("AAPL", start=START + number * DAY, n=20)
            store.commit(make_change(part))
        found = query_sql(store, "SELECT count(*) FROM bars", as_of=4)
    assert (found.rows, calls) == ([(80,)], 2)


def test_without_duckdb_the_extra_is_named(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["duckdb"] = None
from pathlib import Path
from simutrador_core import MissingExtraError
from simutrador_data.services.sql.query import query_sql
from simutrador_data.services.storage.parquet_store import ParquetStore
with ParquetStore(Path({str(tmp_path)!r})) as store:
    try:
        query_sql(store, "SELECT 1")
    except MissingExtraError as e:
        print(e)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().endswith("pip install 'simutrador-data-manager[sql]'")

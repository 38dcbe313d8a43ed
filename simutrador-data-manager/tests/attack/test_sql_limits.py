"""Queries that want all of the machine get their share, an error that names it, and no more."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.services.sql import child as sql_child
from simutrador_data.services.sql import query as sql_query
from simutrador_data.services.sql.database import opened
from simutrador_data.services.sql.query import SqlMemoryError, SqlTimeoutError, query_sql
from simutrador_data.services.storage.parquet_store import ParquetStore

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are of Linux")
LEAST = 100
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParquetStore]:
    """Return a store of 300 minutes of AAPL in a file and 5 of IBM in a block."""
    with ParquetStore(tmp_path_factory.mktemp("sql")) as made:
        made.commit(make_change(make_bars("AAPL", n=300)))
        made.maintain(Maintenance.COMPACT)
        made.commit(make_change(make_bars("IBM", n=5)))
        yield made


def peak() -> int:
    """Return the most memory this process held so far, bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def still_answers(store: ParquetStore) -> bool:
    return query_sql(store, "SELECT count(*) FROM bars", memory_mb=LEAST).rows == [(305,)]


@LINUX
@pytest.mark.parametrize(
    "text",
    [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT repeat(symbol, 500000000) FROM bars",
        "SELECT list_aggregate(range(1000000000), 'sum')",
        "SELECT list_aggregate(list_transform(range(100000000), lambda x: x::VARCHAR), 'max')",
        "SELECT list(a.range) FROM range(100000) a, range(10000) b",
        "SELECT string_agg(repeat(symbol, 100000), '') FROM bars, range(1000)",
        (
            "SELECT max(place) FROM (SELECT row_number() OVER (ORDER BY a.close * b.close * c.close"
            ") AS place FROM bars a, bars b, bars c)"
        ),
        "SELECT flatten(list_transform(range(30000), lambda x: range(30000)))",
        "WITH RECURSIVE t AS (SELECT 'a' AS s UNION ALL SELECT s || s FROM t) SELECT max(s) FROM t",
    ],
)
def test_no_query_takes_more_memory_than_it_may(store: ParquetStore, text: str) -> None:
    begun, before = monotonic(), peak()
    with pytest.raises(SqlMemoryError, match=r"more than 100 MB of memory .* \(--memory\)"):
        query_sql(store, text, memory_mb=LEAST)
    assert peak() - before < 50 * MEGABYTE
    assert monotonic() - begun < 30  # what is asked for would take longer
    assert still_answers(store)


@pytest.mark.parametrize(
    "text",
    [
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
        "SELECT sum(generate_series % 7) FROM generate_series(1, 1000000000000)",
        "SELECT count(*) FROM bars a, bars b, bars c, bars d, bars e WHERE a.close > b.close",
        "SELECT count(*) FROM range(10000000000) WHERE regexp_matches(range::VARCHAR, '^(1|11)*$')",
    ],
)
def test_no_query_takes_longer_than_it_may(store: ParquetStore, text: str) -> None:
    begun = monotonic()
    with pytest.raises(SqlTimeoutError, match=r"longer than 0\.2 s .* \(--timeout\)"):
        query_sql(store, text, timeout_s=0.2)
    assert monotonic() - begun < 20
    assert still_answers(store)


def test_no_answer_is_larger_than_it_may_be(
    store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_query, "MOST_ANSWER_BYTES", MEGABYTE)
    with pytest.raises(SqlMemoryError, match=r"larger than 1 MB; .*--limit"):
        query_sql(store, "SELECT repeat(symbol, 2000) FROM bars")
    assert still_answers(store)


def test_values_arrive_as_duckdb_gives_them(store: ParquetStore) -> None:
    text = """SELECT 2::HUGEINT ** 3, 170141183460469231731687303715884105727, 1.50::DECIMAL(9, 2),
        'a'::BLOB, '101'::BIT, DATE '2024-02-29', TIME '10:00:01', '10:00:00+02'::TIMETZ,
        TIMESTAMPTZ '2024-01-02 14:30:00Z', TIMESTAMP_NS '2024-01-02 14:30:00.000000001',
        INTERVAL 3 DAY, '{"a": [1, null]}'::JSON, MAP {1: [2]}, {'a': {'b': 'ü'}}, [1, 2]::INT[2],
        uuid '00badabe-f38f-4a4f-b1e2-a2ddc5e1fe9d', NULL, 'infinity'::DOUBLE,
        'x'::ENUM('x', 'y')"""
    with opened() as connection:
        expected = connection.execute(text).fetchall()
    found = query_sql(store, text).rows
    assert found == expected
    assert [type(value) for value in found[0]] == [type(value) for value in expected[0]]


def free_child(store: ParquetStore) -> sql_child.Child:
    """Return the process that waits for the next query."""
    assert still_answers(store)
    (child,) = sql_child._idle
    return child


def test_a_process_that_was_ended_meanwhile_is_not_asked(store: ParquetStore) -> None:
    child = free_child(store)
    child._process.kill()
    child.exit_code()
    assert still_answers(store)


@LINUX
def test_the_process_of_a_query_cannot_write_a_byte(store: ParquetStore) -> None:
    limits = Path(f"/proc/{free_child(store)._process.pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max file size"))
    assert line.split()[3:5] == ["0", "0"]


ABANDONED = """
import sys, threading
from pathlib import Path
from simutrador_data.services.sql import child
from simutrador_data.services.sql.query import query_sql
from simutrador_data.services.storage.local_bars import LocalBars
with LocalBars(Path(sys.argv[1])) as store:
    query_sql(store, "SELECT 1")
    print(child._idle[0]._process.pid, flush=True)
    query_sql(store, "SELECT sum(range) FROM range(1000000000000)", timeout_s=float(sys.argv[2]))
"""


@LINUX
def test_a_query_ends_in_time_when_nobody_is_left_to_end_it(store: ParquetStore) -> None:
    command = [sys.executable, "-c", ABANDONED, str(store.root), "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        handle = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    try:
        ended, _, _ = select.select([handle], [], [], 30)
    finally:
        os.close(handle)
    assert ended

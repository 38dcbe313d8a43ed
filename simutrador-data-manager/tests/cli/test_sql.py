"""`simutrador-data sql`: tables, CSV, JSON, limits and errors."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_table_shows_the_rows(run: Run, imported: Path) -> None:
    done = run("sql", "SELECT session, close FROM bars ORDER BY session", "--data", imported)
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["session", "close"],
        ["2024-01-02", "101.0"],
        ["2024-01-04", "102.0"],
        ["2024-01-05", "103.0"],
    ]


def test_json_is_one_document(run: Run, imported: Path) -> None:
    text = "SELECT symbol, opened_at, session, volume, 2::HUGEINT ** 70 AS big, MAP {1: 2} AS map"
    done = run("sql", f"{text} FROM bars ORDER BY opened_at LIMIT 1", "--data", imported, "--json")
    assert done.document == {
        "as_of": 1,
        "columns": ["symbol", "opened_at", "session", "volume", "big", "map"],
        "rows": [["ACME", "2024-01-02T14:30:00Z", "2024-01-02", 1000.0, 2.0**70, {"1": 2}]],
        "is_cut": False,
    }


def test_csv_takes_the_force_from_formulas(run: Run, imported: Path) -> None:
    text = "SELECT '=1+1' AS a, symbol, NULL AS nothing, -1.5 AS number FROM bars LIMIT 1"
    done = run("sql", text, "--data", imported, "--csv")
    assert list(csv.reader(io.StringIO(done.out))) == [
        ["a", "symbol", "nothing", "number"],
        ["'=1+1", "ACME", "", "-1.5"],
    ]


def test_what_is_left_out_is_said(run: Run, imported: Path) -> None:
    done = run("sql", "FROM bars", "--limit", 2, "--data", imported)
    assert done.code == 0
    assert len(done.out.splitlines()) == 3
    assert "only the first 2 rows" in done.err
    document = run("sql", "FROM bars", "--limit", 2, "--data", imported, "--json").document
    assert (len(document["rows"]), document["is_cut"]) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "error", "says"),
    [
        (["SELEC"], 2, "sql", "syntax error"),
        (["DROP VIEW bars"], 2, "sql", "type DROP"),
        (["FROM bars", "--as-of", "99"], 2, "invalid_range", "as_of 99"),
        (["FROM bars", "--csv"], 2, "invalid_input", "not both"),
        (["FROM range(10000000000) a, range(9) b WHERE a.range < b.range", "--timeout", "0.2"],
         1, "sql_timeout", "longer than 0.2 s"),
        (["FROM bars", "--data", "nowhere"], 1, "no_store", "no store"),
    ],
)  # fmt: skip
def test_an_error_is_a_document_with_its_code(
    run: Run, imported: Path, arguments: list[str], code: int, error: str, says: str
) -> None:
    done = run("sql", "--data", imported, *arguments, "--json")
    assert (done.code, done.document["error"]["code"]) == (code, error)
    assert says in done.document["error"]["message"]


def test_an_older_version_is_read(run: Run, imported: Path) -> None:
    document = run("sql", "FROM bars", "--as-of", 0, "--data", imported, "--json").document
    assert (document["as_of"], document["rows"]) == (0, [])

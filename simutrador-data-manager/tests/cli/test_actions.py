"""`actions`: import, list, compare and fetch corporate actions; bars adjusted by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

# ACME closes at 101, 102 and 103 on the 2nd, 4th and 5th of January 2024 (see conftest).
SPLIT = "kind,effective,ratio\nsplit,2024-01-04,2:1\n"


@pytest.fixture
def split(run: Run, imported: Path, tmp_path: Path) -> Path:
    """Return the store with a split of ACME recorded."""
    (tmp_path / "split.csv").write_text(SPLIT)
    done = run("actions", "import", "split.csv", "--symbol", "acme", "--data", imported)
    assert done.code == 0, done.err
    return imported


def closes(run: Run, *arguments: object) -> list[float]:
    document = run("bars", "ACME", *arguments, "--json").document
    return document["series"][0]["close"]


def test_imported_actions_are_listed_and_adjust(run: Run, split: Path) -> None:
    found = run("actions", "list", "ACME", "--data", split, "--json").document
    assert [(a["kind"], a["effective"], a["ratio"]) for a in found["actions"]] == [
        ("split", "2024-01-04", "2")
    ]
    assert found["actions"][0]["source"] == "file:split.csv"
    assert run("actions", "list", "--data", split, "--json").document == {"symbols": ["ACME"]}
    text = run("actions", "list", "ACME", "--data", split).out
    assert "2 for 1" in text
    assert closes(run, "--data", split) == [101, 102, 103]
    assert closes(run, "--adjustment", "split", "--data", split) == [50.5, 102, 103]
    dated = ("--adjustment", "split", "--actions-as-of", "2024-01-03", "--data", split)
    assert closes(run, *dated) == [101, 102, 103]
    assert "50.50" in run("bars", "ACME", "--adjustment", "split", "--data", split).out
    total = run("bars", "ACME", "--adjustment", "total", "--data", split)
    assert total.code == 1
    assert "record the corporate actions of ACME" in total.err


def test_a_restatement_is_shown_as_a_difference(run: Run, split: Path, tmp_path: Path) -> None:
    (tmp_path / "again.csv").write_text(SPLIT.replace("2:1", "4:1"))
    imported = ("actions", "import", "again.csv", "--symbol", "ACME", "--data", split, "--json")
    (made,) = run(*imported).document["files"]
    assert (made["added"][0]["ratio"], made["removed"][0]["ratio"]) == ("4", "2")
    assert run(*imported).document["files"][0]["no_op"]
    before = made["commit"] - 1
    found = run("actions", "diff", "ACME", "--from", before, "--data", split, "--json").document
    assert [a["ratio"] for a in found["added"]] == ["4"]
    assert [a["ratio"] for a in found["removed"]] == ["2"]
    text = run("actions", "diff", "ACME", "--from", before, "--data", split).out
    assert "1 added, 1 taken back" in text
    old = run("actions", "list", "ACME", "--as-of", before, "--data", split, "--json").document
    assert [a["ratio"] for a in old["actions"]] == ["2"]


def test_names_tell_companies_apart(run: Run, imported: Path, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(
        "symbol,kind,effective,successor\nOLD,rename,2024-01-04,ACME\n"
    )
    run("actions", "import", "names.csv", "--data", imported)
    text = run("actions", "list", "ACME", "--data", imported).out
    assert "one company: OLD (beginning to 2024-01-04), ACME (2024-01-04 to now)" in text


def test_bars_of_a_company_are_read_under_all_its_names(
    run: Run, imported: Path, tmp_path: Path
) -> None:
    (tmp_path / "ROAD.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2024-01-08,5,5,5,5,9\n2024-01-09,6,6,6,6,9\n"
    )
    run("import", "ROAD.csv", "--data", imported)
    (tmp_path / "names.csv").write_text(
        "symbol,kind,effective,ratio,successor\nACME,rename,2024-01-08,,ROAD\n"
        "ROAD,split,2024-01-08,20,\n"
    )
    run("actions", "import", "names.csv", "--data", imported)
    asked = ("bars", "ROAD", "--names", "company", "--data", imported)
    document = run(*asked, "--json").document
    assert [one["symbol"] for one in document["series"]] == ["ROAD"] * len(document["series"])
    found = [close for one in document["series"] for close in one["close"]]
    assert found == [101, 102, 103, 5, 6]
    split = run(*asked, "--adjustment", "split", "--json").document
    found = [close for one in split["series"] for close in one["close"]]
    assert found == pytest.approx([5.05, 5.1, 5.15, 5, 6], rel=1e-12)
    assert split["dataset_id"] != document["dataset_id"]
    assert "2 of 5 bars" in run(*asked, "--limit", "2").out
    alone = run("bars", "ROAD", "--data", imported, "--json").document
    assert alone["series"][0]["close"] == [5, 6]


def test_lean_files_are_recognised(run: Run, imported: Path, test_data: Path) -> None:
    folder = test_data / "bars/equity_us"
    files = [folder / "map_files/bac.csv", folder / "factor_files/bac.csv"]
    document = run("actions", "import", *files, "--data", imported, "--json").document
    # 96 rows: the listing and "until now" say nothing by themselves, the other 94 one thing each.
    assert [len(one["added"]) for one in document["files"]] == [1, 94]
    kinds = ("--kind", "split", "--kind", "rename")
    found = run("actions", "list", "BAC", *kinds, "--data", imported, "--json").document
    assert [(a["symbol"], a["effective"]) for a in found["actions"]] == [
        ("NB", "1998-10-01"),
        ("BAC", "2004-08-30"),
    ]


def test_actions_are_fetched_from_a_vendor(run: Run, imported: Path) -> None:
    arguments = ("actions", "fetch", "ACME", "--provider", "synthetic", "--data", imported)
    done = run(*arguments, "--start", "2000-01-01", "--end", "2024-01-01", "--json")
    assert done.code == 0, done.err
    (one,) = done.document["symbols"]
    assert (one["symbol"], one["failure"]) == ("ACME", None)
    assert {a["kind"] for a in one["added"]} <= {"split"}
    assert closes(run, "--adjustment", "total", "--data", imported) == [101, 102, 103]
    again = run(*arguments, "--start", "2000-01-01", "--end", "2024-01-01")
    assert "as before" in again.out


def test_actions_are_fetched_from_the_next_vendor_of_a_chain(run: Run, imported: Path) -> None:
    done = run(
        "actions", "fetch", "ACME", "--provider", "binance", "--fallback", "synthetic",
        "--start", "2000-01-01", "--end", "2024-01-01", "--data", imported, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (one,) = done.document["symbols"]
    assert (one["failure"], one["provider"]) == (None, "synthetic")


def test_a_vendor_without_actions_is_refused(run: Run, imported: Path) -> None:
    done = run("actions", "fetch", "ACME", "--provider", "binance", "--data", imported)
    assert done.code == 2
    assert "gives no corporate actions" in done.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["list", "ACME"], "actions import FILE"),
        (["list", "ACME", "--kind", "spilt"], "kind 'spilt' is unknown"),
        (["import", "none.csv"], "none.csv"),
        (["import", "none.csv", "--start", "2024-01-01"], "--start and --end go together"),
        (["import", "none.csv", "--format", "xls"], "format 'xls' is unknown"),
        (["diff", "ACME", "--from", "9"], "as_of 9 is no version"),
    ],
)
def test_what_is_wrong_is_said(
    run: Run, imported: Path, arguments: list[str], problem: str
) -> None:
    done = run("actions", *arguments, "--data", imported)
    assert done.code in {1, 2}
    assert problem in done.err

"""`simutrador-data jobs`: the long tasks of a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_jobs_of_a_new_store_are_none(run: Run, tmp_path: Path) -> None:
    listed = run("jobs", "--data", tmp_path / "store", "list", "--json")
    assert (listed.code, listed.document) == (0, {"jobs": []})


def test_an_unknown_job_is_a_problem(run: Run, tmp_path: Path) -> None:
    shown = run("jobs", "--data", tmp_path / "store", "show", "none", "--json")
    assert shown.code in {1, 2}
    assert shown.document["error"]["code"] == "unknown_job"

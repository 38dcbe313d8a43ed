"""`simutrador-data repair`: what each command shows, writes and ends with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.services.storage.parquet_store import ParquetStore

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    close = np.full(40, 10.0)
    close[[12, 20]] = 1000.0, 0.1
    path = tmp_path / "store"
    with ParquetStore(path) as store:
        store.commit(make_change(make_bars("BAD", Timeframe.DAILY, close=close)))
        store.commit(make_change(make_bars("GOOD", Timeframe.DAILY, n=40)))
    return path


def test_propose_ends_with_1_and_shows_each_patch(run: Run, folder: Path) -> None:
    done = run("repair", "propose", "--data", folder, "--json")
    assert done.code == 1
    patches = done.document["patches"]
    assert [(one["session"], one["old"]["close"], one["new"]["close"]) for one in patches] == [
        ("2024-01-14", 1000.0, 10.0),
        ("2024-01-22", 0.1, 10.0),
    ]
    assert {(one["symbol"], one["rule"]) for one in patches} == {("BAD", "hundredfold")}
    done = run("repair", "propose", "--data", folder)
    assert (done.code, "2 patches proposed" in done.out) == (1, True)


def test_propose_ends_with_0_where_nothing_is_wrong(run: Run, folder: Path) -> None:
    done = run("repair", "propose", "GOOD", "--data", folder, "--json")
    assert (done.code, done.document) == (0, {"patches": []})


def test_a_patch_is_applied_undone_and_logged(run: Run, folder: Path) -> None:
    proposed = run("repair", "propose", "BAD", "--data", folder, "--json").document["patches"]
    one = proposed[0]["id"]
    done = run("repair", "apply", "BAD", "--only", one, "--data", folder, "--json")
    assert done.code == 0
    assert [(c["source"], len(c["patches"])) for c in done.document["commits"]] == [
        ("repair:hundredfold", 1)
    ]
    left = run("repair", "propose", "BAD", "--data", folder, "--json").document["patches"]
    assert left == proposed[1:]
    done = run("repair", "undo", one, "--data", folder)
    assert (done.code, "repair:undo" in done.out) == (0, True)
    again = run("repair", "propose", "BAD", "--data", folder, "--json").document["patches"]
    assert again == proposed
    entries = run("repair", "log", "--data", folder, "--json").document["entries"]
    assert [(e["action"], e["patch"]["id"], e["commit"]) for e in entries] == [
        ("apply", one, 3),
        ("undo", one, 4),
    ]
    done = run("repair", "log", "BAD", "--data", folder)
    assert (done.code, done.out.count("hundredfold")) == (0, 2)


def test_all_that_is_proposed_is_applied_by_default(run: Run, folder: Path) -> None:
    assert run("repair", "apply", "BAD", "--data", folder).code == 0
    assert run("repair", "propose", "--data", folder).code == 0
    done = run("repair", "apply", "BAD", "--data", folder)
    assert (done.code, "nothing to repair" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("apply", "BAD", "--only", "0123456789ab"), 2),
        (("undo", "0123456789ab"), 2),
        (("apply",), 2),
        (("propose", "NONE"), 1),
    ],
)
def test_what_cannot_be_done_says_so(
    run: Run, folder: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert run("repair", *arguments, "--data", folder).code == code


def test_recorded_splits_tell_which_bars_are_off(run: Run, tmp_path: Path) -> None:
    close = np.where(np.arange(40) < 20, 40.0, 10.0)
    bars = make_bars("ACME", Timeframe.DAILY, close=close, adjustment=Adjustment.SPLIT)
    assert bars.sessions is not None
    day = bars.sessions[20].item()
    actions = tmp_path / "actions.csv"
    actions.write_text(f"symbol,kind,effective,ratio,amount\nACME,split,{day},4:1,\n")
    folder = tmp_path / "store"
    with ParquetStore(folder) as store:
        store.commit(make_change(bars))
    assert run("repair", "propose", "--data", folder).code == 0
    assert run("actions", "import", actions, "--data", folder).code == 0
    done = run("repair", "apply", "ACME", "--data", folder, "--json")
    assert done.code == 0
    (commit,) = done.document["commits"]
    assert (commit["source"], len(commit["patches"])) == ("repair:split-missed", 20)
    assert {patch["new"]["close"] for patch in commit["patches"]} == {10.0}
    assert {patch["adjustment"] for patch in commit["patches"]} == {"split"}

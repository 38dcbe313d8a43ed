"""`simutrador-data store copy`, run as a user does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_data.services.storage.backends import open_store
from simutrador_data.services.storage.delta import DeltaStore

Run = Callable[..., Any]


def test_copy_there_and_back_holds_the_same(run: Run, imported: Path, tmp_path: Path) -> None:
    there = run("store", "copy", "--data", imported, "--to", f"delta:{tmp_path / 'lake'}", "--json")
    assert there.code == 0, there.err
    document = there.document
    assert document["verified"] is True
    assert document["copied"] == ["ACME daily raw"]
    assert document["rows"] == 3
    back = run("store", "copy", "--from", tmp_path / "lake", "--to", tmp_path / "b", "--json")
    assert (back.code, back.document["dataset_id"]) == (0, document["dataset_id"])
    again = run("store", "copy", "--from", tmp_path / "lake", "--to", tmp_path / "b")
    assert again.code == 0
    assert "0 series copied" in again.out
    assert "1 were there already" in again.out
    assert document["dataset_id"] in again.out


def test_copy_says_which_series_differ(run: Run, tmp_path: Path) -> None:
    with open_store(tmp_path / "a") as one, DeltaStore(tmp_path / "b") as two:
        one.commit(make_change(make_bars("AAPL", n=3), make_bars("IBM")))
        two.commit(make_change(make_bars("AAPL", n=9)))
    done = run("store", "copy", "--from", tmp_path / "a", "--to", tmp_path / "b")
    assert done.code == 3
    assert "AAPL 1min raw differs" in done.out
    only = ("--symbols", "AAPL")
    done = run("store", "copy", "--from", tmp_path / "a", "--to", tmp_path / "b", *only, "--json")
    assert done.code == 1
    assert done.document["differs"] == ["AAPL 1min raw"]


def test_copy_of_nothing_is_refused_and_makes_no_store(run: Run, tmp_path: Path) -> None:
    for origin in (tmp_path / "none", f"delta:{tmp_path / 'none'}"):
        done = run("store", "copy", "--from", origin, "--to", f"delta:{tmp_path / 'lake'}")
        assert done.code == 1
        assert str(tmp_path / "none") in done.err
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "lake").exists()


def test_unknown_symbol_is_named(run: Run, imported: Path, tmp_path: Path) -> None:
    terms = ("--to", tmp_path / "b", "--symbols", "ACME,NOPE")
    done = run("store", "copy", "--data", imported, *terms)
    assert done.code == 1
    assert "NOPE" in done.err


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("s3://me:hush-hush@bucket/bars", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/bars?token=hush-hush", "parameters"),
        ("ftp://host/bars", "ftp:// is no store"),
    ],
)
def test_wrong_address_is_a_usage_error_without_the_secret(
    run: Run, imported: Path, address: str, told: str
) -> None:
    done = run("store", "copy", "--data", imported, "--to", address)
    assert done.code == 2
    assert told in done.err
    assert "hush" not in done.err + done.out


def test_copy_to_an_object_store_takes_its_credentials_from_the_environment(
    run: Run, imported: Path, object_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_store.options.items():
        monkeypatch.setenv(name, value)
    done = run("store", "copy", "--data", imported, "--to", object_store.url("lake"), "--json")
    assert done.code == 0, done.err
    assert done.document["verified"] is True
    with open_store(object_store.url("lake"), create=False) as store:
        assert len(store.read(query_all("ACME", store.symbols()[0].series.timeframe))) == 3

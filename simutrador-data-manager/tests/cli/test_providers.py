"""`providers list` and `providers check`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simutrador_data.services.data_providers import finding
from simutrador_data.services.data_providers.finding import BrokenPlugin, Installed


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set none of our settings."""
    for name in os.environ:
        if "__" in name:
            monkeypatch.delenv(name)


def test_list_says_what_each_can_do_and_where_that_is_written(run) -> None:
    listed = {one["name"]: one for one in run("providers", "list", "--json").document["providers"]}
    assert {"binance", "polygon", "yahoo"} <= listed.keys()
    assert listed["yahoo"]["adjustments"] == ["split"]
    assert listed["yahoo"]["timeframes"] == ["1min", "5min", "15min", "30min", "1h", "daily"]
    assert listed["polygon"]["needs_key"] is True
    assert listed["binance"]["rows_per_request"] == 1_000
    assert all(one["source"] for one in listed.values())
    shown = run("providers", "list")
    assert shown.code == 0
    assert "https://massive.com/docs" in shown.out


def test_check_says_what_a_vendor_lacks_and_where_to_get_it(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = run("providers", "check")
    assert everything.code == 0
    assert "set POLYGON__API_KEY; a key is to be had at https://massive.com" in everything.out
    lacks = run("providers", "check", "polygon", "binance", "--json")
    assert lacks.code == 1
    polygon, binance = lacks.document["providers"]
    assert polygon == {
        "name": "polygon",
        "ready": False,
        "lacks": ["POLYGON__API_KEY"],
        "key_url": "https://massive.com/dashboard/keys",
        "reason": "polygon: set POLYGON__API_KEY; a key is to be had at "
        "https://massive.com/dashboard/keys",
        "base_url": "https://api.massive.com",
        "rate": "5/min",
    }
    assert binance["ready"] is True
    monkeypatch.setenv("POLYGON__API_KEY", "a-key-nobody-may-see")
    ready = run("providers", "check", "polygon")
    assert ready.code == 0
    assert "ready" in ready.out
    assert "a-key-nobody-may-see" not in ready.out


def test_check_says_what_else_a_vendor_needs(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lacks = run("providers", "check", "files")
    assert lacks.code == 1
    assert "files: set FILES__BASE_URL" in lacks.out
    monkeypatch.setenv("FILES__BASE_URL", str(tmp_path))
    assert run("providers", "check", "files").code == 0


def test_an_unknown_vendor_is_refused_with_the_nearest(run) -> None:
    wrong = run("providers", "check", "polgon")
    assert wrong.code == 2
    assert "did you mean 'polygon'?" in wrong.err


def test_a_broken_package_is_shown_and_the_rest_goes_on(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finding.installed_providers()
    broken = BrokenPlugin("acme", "acme.bars:PLUGIN", "ImportError: no [module]")
    monkeypatch.setattr(finding, "installed_providers", lambda: Installed(whole.plugins, (broken,)))
    listed = run("providers", "list")
    assert listed.code == 0
    assert "acme (acme.bars:PLUGIN) cannot be used: ImportError: no [module]" in listed.out
    checked = run("providers", "check", "--json")
    assert checked.code == 1
    assert checked.document["broken"] == [
        {"name": "acme", "source": "acme.bars:PLUGIN", "reason": "ImportError: no [module]"}
    ]
    assert len(checked.document["providers"]) == len(whole.plugins)

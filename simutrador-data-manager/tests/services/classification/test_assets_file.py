"""Changing the user's `assets.toml`: one command at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from simutrador_core.assets.registry import AssetRegistry, assume_asset
from simutrador_core.errors import StoreError
from simutrador_core.models.enums import AssetType
from simutrador_data.services.classification import assets_file
from simutrador_data.services.classification.assets_file import changing, write_asset


def test_commands_that_add_at_the_same_time_all_count(tmp_path: Path) -> None:
    file = tmp_path / "store" / "assets.toml"
    names = [f"ZQ{letter}" for letter in "ABCDEFGH"]
    together = Barrier(len(names))

    def add(symbol: str) -> None:
        together.wait()
        with changing(file):
            write_asset(file, assume_asset(symbol, AssetType.US_EQUITY))

    with ThreadPoolExecutor(len(names)) as commands:
        list(commands.map(add, names))
    registry = AssetRegistry.load(file)
    assert [name for name in names if name not in registry] == []


def test_a_file_that_stays_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_file, "LONGEST_WAIT_S", 0.01)
    file = tmp_path / "assets.toml"
    refused = pytest.raises(StoreError, match=r"assets\.toml cannot be locked")
    with changing(file), refused, changing(file):
        pytest.fail("two commands change it at once")
    with changing(file):
        assert not file.exists()

"""Recorded answers of vendors, from the folder of real market data; none is kept here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Return a reader of recorded answers: `recorded("polygon/rest/v3_reference_splits.json")`."""
    folder = os.environ.get("SIMUTRADOR_TEST_DATA")
    if not folder:
        pytest.skip("SIMUTRADOR_TEST_DATA does not name the folder of real market data")

    def read(name: str) -> bytes:
        return (Path(folder) / "providers" / name).read_bytes()

    return read

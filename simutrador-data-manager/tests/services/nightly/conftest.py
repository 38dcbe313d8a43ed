"""A vendor with two sessions of three symbols, and a service that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightly_service import TUESDAY, WEDNESDAY, Nightly, opened_nightly, session_bars
from simutrador_data.testing import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Return a vendor that has two sessions of three symbols."""
    bars = [session_bars(symbol, TUESDAY, WEDNESDAY) for symbol in ("AAPL", "MSFT", "IBM")]
    with FaultServer(bars, page_rows=500) as running:
        yield running


@pytest.fixture
def nightly(tmp_path: Path, server: FaultServer) -> Iterator[Nightly]:
    """Return a service over an empty store, on the morning after Wednesday's session."""
    with opened_nightly(tmp_path / "store", server.url("polygon")) as opened:
        yield opened

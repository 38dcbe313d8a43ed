"""`simutrador-data fill-gaps`, against vendors that fail on request."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from typer.testing import CliRunner

from data_vendors import made_up_minutes
from simutrador_core.models.bars import Bars
from simutrador_data.cli.commands import app
from simutrador_data.testing import Fault, FaultServer

KEY: Final = "k3y-0f-n0-vend0r"
DAYS: Final = ("--start", "2024-01-03", "--end", "2024-01-05")
FULL: Final = made_up_minutes("AAPL", date(2024, 1, 3), date(2024, 1, 4))
HOLES: Final = (slice(50, 53), slice(400, 430))


def without_holes(bars: Bars) -> Bars:
    return bars.take(~np.isin(np.arange(len(bars)), np.r_[HOLES]))


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultServer, FaultServer]]:
    """Serve AAPL with holes as Polygon, and without as Alpaca; the settings name both."""
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    keys = {"polygon": KEY, "alpaca": KEY}
    with (
        FaultServer([without_holes(FULL)], keys=keys) as one,
        FaultServer([FULL], keys=keys) as other,
    ):
        for name, value in {
            "POLYGON__BASE_URL": one.url("polygon"),
            "POLYGON__API_KEY": KEY,
            "POLYGON__RATE_LIMIT": "1000/s",
            "ALPACA__BASE_URL": other.url("alpaca"),
            "ALPACA__API_KEY_ID": "an-id",
            "ALPACA__API_SECRET_KEY": KEY,
            "ALPACA__RATE_LIMIT": "1000/s",
        }.items():
            monkeypatch.setenv(name, value)
        yield one, other


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command on the store in `folder`; return its exit code and what it wrote."""
    result = CliRunner().invoke(app, [*arguments, "--data", str(folder)])
    return result.exit_code, result.stdout


def run_json(folder: Path, *arguments: str) -> tuple[int, Any]:
    code, text = run(folder, *arguments, "--json")
    return code, json.loads(text)


def test_gaps_are_filled_from_a_second_vendor(
    tmp_path: Path, two: tuple[FaultServer, FaultServer]
) -> None:
    assert run(tmp_path, "update", "AAPL", *DAYS)[0] == 0
    code, found = run_json(tmp_path, "fill-gaps", "AAPL", "--provider", "alpaca", *DAYS)
    assert (code, found["status"], found["recovered"]) == (0, "completed", 33)
    assert found["symbols"][0]["sources"] == [{"provider": "alpaca", "added": 33}]
    assert KEY not in json.dumps(found)
    code, text = run(tmp_path, "fill-gaps", "aapl", "--provider", "alpaca", *DAYS)
    assert code == 0
    assert "0 requests" in text


def test_a_vendor_that_refuses_is_a_failure_with_its_reason(
    tmp_path: Path, two: tuple[FaultServer, FaultServer]
) -> None:
    assert run(tmp_path, "update", "AAPL", *DAYS)[0] == 0
    two[1].always(Fault.FORBIDDEN)
    code, text = run(tmp_path, "fill-gaps", "AAPL", "--provider", "alpaca", *DAYS)
    assert code == 1
    assert "vendor_hole: alpaca: answered 403" in text
    assert "failed: 0 bars recovered" in text


def test_periods_beyond_the_limit_are_left_and_said(
    tmp_path: Path, two: tuple[FaultServer, FaultServer]
) -> None:
    assert run(tmp_path, "update", "AAPL", *DAYS)[0] == 0
    code, found = run_json(
        tmp_path, "fill-gaps", "AAPL", "--provider", "alpaca", "--max-attempts", "1", *DAYS
    )
    assert code == 3
    [one] = found["symbols"]
    assert one["left"] == one["periods"] - 1 > 0
    assert "max_gap_fill_attempts" in one["message"]


def test_without_a_store_there_is_nothing_to_fill(tmp_path: Path) -> None:
    code, text = run(tmp_path / "none", "fill-gaps", "AAPL")
    assert code == 1, text

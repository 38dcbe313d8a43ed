"""`simutrador-data compare`: exit codes, tolerance and what is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.cli.commands import app
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import Fault, FaultServer

DAYS = ("--start", "2024-01-02", "--end", "2024-01-03")
KEY = "k3y-0f-n0-vend0r"


def minutes(price: float = 100.0) -> Bars:
    """Return the minutes of 2 January 2024."""
    return make_bars(n=390, price=price)


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["compare", "AAPL", *arguments, "--data", str(folder)])
    return result.exit_code, result.stdout


def fill(folder: Path, *bars: Bars) -> None:
    with ParquetStore(folder) as store:
        store.commit(make_change(*bars))


def compare_with_vendor(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str, fault: Fault | None = None
) -> tuple[int, Any]:
    with FaultServer([minutes()], keys={"polygon": KEY}) as server:
        monkeypatch.setenv("POLYGON__BASE_URL", server.url("polygon"))
        monkeypatch.setenv("POLYGON__API_KEY", KEY)
        monkeypatch.setenv("POLYGON__RATE_LIMIT", "1000/s")
        if fault is not None:
            server.always(fault)
        code, text = run(folder, "--providers", "stored,polygon", *DAYS, *arguments, "--json")
        return code, json.loads(text)


def test_equal_accounts_end_with_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, minutes())
    code, found = compare_with_vendor(monkeypatch, tmp_path)
    assert code == 0
    assert (found["same"], found["counts"]["both"]) == (True, 390)


def test_differences_beyond_the_tolerance_end_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, minutes(price=100.5))
    code, found = compare_with_vendor(monkeypatch, tmp_path)
    assert code == 1
    assert found["counts"] == {"both": 390, "differing": 390, "only_first": 0, "only_second": 0}
    assert found["differing"]["columns"][0] == ["open", "high", "low", "close"]
    assert found["differing"]["first"]["open"][0] == 100.5
    assert found["differing"]["second"]["open"][0] == 100.0
    code, found = compare_with_vendor(monkeypatch, tmp_path, "--price-tolerance", "0.01")
    assert code == 0
    assert found["same"]


def test_a_vendor_that_fails_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, minutes())
    code, found = compare_with_vendor(monkeypatch, tmp_path, fault=Fault.UNAUTHORIZED)
    assert code == 3
    assert not found["whole"]


def test_a_daily_bar_that_its_minutes_do_not_make_is_shown(tmp_path: Path) -> None:
    daily = make_bars(timeframe=Timeframe.DAILY, n=1, close=[99.0])
    fill(tmp_path, minutes(), daily)
    code, text = run(tmp_path, "--timeframes", "1min,daily", *DAYS)
    assert code == 1
    assert "1 bars in both, 1 differ" in text
    assert "99.0 -> 103.9" in text  # the close of the 390th minute: 100.00 + 3.89 + 0.01


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "say what to compare"),
        (("--providers", "stored"), "does not name two"),
        (("--providers", "stored,yahoo", "--timeframes", "1min,daily"), "say what to compare"),
        (("--timeframes", "1min,daily", "--timeframe", "1h"), "leave --timeframe out"),
        (("--providers", "stored,yahoo", "--price-tolerance", "2"), "price tolerance 2 is not"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    code, out = run(tmp_path, *arguments, "--json")
    assert code == 2
    assert text in json.loads(out)["error"]["message"]

"""`simutrador-data quality` and `validate` as gates: exit codes, JSON and JUnit reports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from simutrador_core.models.bars import Bars
from simutrador_core.testing.builders import make_bars, make_change
from simutrador_data.cli.commands import app
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import Fault, FaultServer

KEY = "k3y-0f-n0-vend0r"


def minutes() -> Bars:
    """Return the 390 minutes of AAPL on 2 January 2024."""
    return make_bars(n=390)


def spiked() -> Bars:
    """Return the same with the close of 16:10 UTC at a tenth of its price."""
    bars = minutes()
    low, close = bars.low.copy(), bars.close.copy()
    low[100], close[100] = close[100] / 10, close[100] / 10
    return replace(bars, low=low, close=close)


def fill(folder: Path, *bars: Bars) -> None:
    with ParquetStore(folder) as store:
        store.commit(make_change(*bars))


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout


def checked(folder: Path, *arguments: object) -> tuple[int, Any]:
    code, text = run("quality", *arguments, "--data", folder, "--json")
    return code, json.loads(text)


def test_sound_bars_end_with_0(tmp_path: Path) -> None:
    fill(tmp_path, minutes())
    code, found = checked(tmp_path, "AAPL")
    assert (code, found["passed"], found["whole"]) == (0, True, True)
    assert [one["bars"] for one in found["series"]] == [390]


def test_a_failed_check_ends_with_1_and_shows_the_bars(tmp_path: Path) -> None:
    fill(tmp_path, spiked())
    code, found = checked(tmp_path)
    assert code == 1
    findings = found["series"][0]["findings"]
    assert {one["check"] for one in findings} == {"outlier"}
    spike = next(one for one in findings if one["count"] == 3)
    assert spike["bars"]["close"] == spiked().close[99:102].tolist()
    code, text = run("quality", "--data", tmp_path)
    assert (code, "2024-01-02 16:09" in text, "outlier" in text) == (1, True, True)


def test_a_check_that_is_not_asked_for_fails_nothing(tmp_path: Path) -> None:
    fill(tmp_path, spiked())
    assert checked(tmp_path, "AAPL", "--check", "zero-volume")[0] == 0


def test_a_misspelt_check_ends_with_2(tmp_path: Path) -> None:
    fill(tmp_path, minutes())
    code, found = checked(tmp_path, "AAPL", "--check", "outliers")
    assert (code, found["error"]["field"]) == (2, "checks")


def test_warnings_fail_nothing(tmp_path: Path) -> None:
    bars = minutes()
    volume = bars.volume.copy()
    flat = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for values in flat.values():
        values[50] = bars.close[49]
    volume[50] = 0.0
    fill(tmp_path, replace(bars, volume=volume, **flat))
    code, found = checked(tmp_path)
    assert (code, found["series"][0]["warnings"], found["series"][0]["errors"]) == (0, 1, 0)


def test_a_junit_report_has_a_case_for_each_check(tmp_path: Path) -> None:
    fill(tmp_path / "store", spiked())
    report = tmp_path / "quality.xml"
    assert run("quality", "--data", tmp_path / "store", "--junit", report)[0] == 1
    root = ET.parse(report).getroot()
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert set(cases) == {"prices", "outlier", "stale_price", "split_suspect", "zero_volume"}
    assert {case.attrib["classname"] for case in cases.values()} == {"AAPL 1min raw"}
    failed = [name for name, case in cases.items() if case.find("failure") is not None]
    assert (failed, root.attrib["failures"]) == (["outlier"], "1")


def against_vendor(
    monkeypatch: pytest.MonkeyPatch, folder: Path, fault: Fault | None = None
) -> tuple[int, Any]:
    with FaultServer([minutes()], keys={"polygon": KEY}) as server:
        monkeypatch.setenv("POLYGON__BASE_URL", server.url("polygon"))
        monkeypatch.setenv("POLYGON__API_KEY", KEY)
        monkeypatch.setenv("POLYGON__RATE_LIMIT", "1000/s")
        if fault is not None:
            server.always(fault)
        days = ("--start", "2024-01-02", "--end", "2024-01-03", "--check", "prices")
        return checked(folder, "AAPL", *days, "--against", "polygon")


def test_a_vendor_that_says_the_same_ends_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, minutes())
    code, found = against_vendor(monkeypatch, tmp_path)
    assert (code, found["series"][0]["checks"]) == (0, ["prices", "cross_vendor"])


def test_bars_that_differ_from_a_vendor_are_found_with_both_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = minutes()
    high, close = bars.high.copy(), bars.close.copy()
    close[7], high[7] = 103.0, 103.0  # the vendor has 100.08 and 100.12
    fill(tmp_path, replace(bars, high=high, close=close))
    code, found = against_vendor(monkeypatch, tmp_path)
    (one,) = found["series"][0]["findings"]
    assert (code, one["check"], one["limit"]) == (1, "cross_vendor", 0.0001)
    assert one["figure"] == pytest.approx((103 - 100.08) / 103)
    assert (one["bars"]["close"], one["other"]["close"]) == ([103.0], [100.08])


def test_minutes_that_a_vendor_lacks_are_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = minutes()
    fill(tmp_path, bars.take(np.setdiff1d(np.arange(390), [3, 4, 5])))
    code, found = against_vendor(monkeypatch, tmp_path)
    (one,) = found["series"][0]["findings"]
    assert (code, one["figure"], one["limit"], one["count"]) == (1, 3, 0, 3)
    assert one["rule"] == "polygon has no bars that stored lacks"


def test_validate_writes_a_junit_report_whose_failures_are_unexplained_gaps(
    tmp_path: Path,
) -> None:
    bars = minutes()
    fill(tmp_path / "whole", bars)
    fill(tmp_path / "lacking", bars.take(np.setdiff1d(np.arange(390), [10, 11])))
    report = tmp_path / "gaps.xml"
    assert run("validate", "--data", tmp_path / "whole", "--junit", report)[0] == 0
    assert ET.parse(report).getroot().attrib["failures"] == "0"

    assert run("validate", "--data", tmp_path / "lacking", "--junit", report)[0] == 1
    (case,) = ET.parse(report).getroot().iter("testcase")
    assert case.attrib == {"classname": "AAPL 1min raw", "name": "gaps"}
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["message"].startswith(
        "2024-01-02 14:40 to 2024-01-02 14:42, 2 bars: unexplained"
    )

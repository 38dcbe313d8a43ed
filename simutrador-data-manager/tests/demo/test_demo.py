"""The main job on real bars: what the tour must find, and the command as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from simutrador_data.demo.files import DAILY_FILE, HOURLY_FILE, write_demo_files

parquet: Any = pq

COMMAND = [sys.executable, "-c", "from simutrador_data.cli.commands import main; main()"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    environment = {k: v for k, v in os.environ.items() if "__" not in k and k != "ENV"}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the demo has run once."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    """Return what the demo found."""
    done = run("demo", "--no-serve", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_shipped_bar_is_stored(found: dict[str, Any]) -> None:
    # Rows of the two origins: 3 x 3270 + 2148 + 196 daily, 6225 hourly.
    assert found["import"]["rows"] == 12_154 + 6_225
    assert found["import"]["rejected_rows"] == 0
    assert found["import"]["status"] == "completed"


def test_every_series_is_complete_where_it_was_listed(found: dict[str, Any]) -> None:
    present = {series["symbol"]: series["present"] for series in found["series"]}
    assert present == {
        "AAPL": 3270,
        "FB": 196,
        "GOOG": 2148,
        "IBM": 3270,
        "MSFT": 3270,
        "EUR/USD": 6216,
    }
    assert all(series["completeness"] == 1.0 for series in found["series"])
    assert all(series["is_explained"] for series in found["series"])


@pytest.mark.parametrize(
    ("symbol", "first", "last", "reason", "evidence"),
    [
        ("AAPL", "2001-09-11", "2001-09-14", "closed", "September 11"),
        ("IBM", "2012-10-29", "2012-10-30", "closed", "Sandy"),
        ("MSFT", "2004-06-11", "2004-06-11", "closed", "Reagan"),
        ("AAPL", "2012-12-25", "2012-12-25", "closed", "Christmas"),
        # First trading days: 19 August 2004 and 18 May 2012.
        ("GOOG", "2000-03-01", "2004-08-18", "not_listed", "2004-08-19"),
        ("FB", "2000-03-01", "2012-05-17", "not_listed", "2012-05-18"),
    ],
)
def test_known_absences_have_their_reason(
    found: dict[str, Any], symbol: str, first: str, last: str, reason: str, evidence: str
) -> None:
    (gap,) = [
        gap
        for gap in found["gaps"]
        if (gap["symbol"], gap["session"], gap["reason"]) == (symbol, first, reason)
    ]
    assert gap["last_session"] == last
    assert evidence in gap["evidence"]


def test_the_splits_of_apple_and_microsoft_are_found(found: dict[str, Any]) -> None:
    # Companies' own split histories; effective dates.
    assert [(s["symbol"], s["effective"], s["text"]) for s in found["splits"]] == [
        ("AAPL", "2000-06-21", "2-for-1 split"),
        ("AAPL", "2005-02-28", "2-for-1 split"),
        ("MSFT", "2003-02-18", "2-for-1 split"),
    ]


def test_longer_bars_are_made(found: dict[str, Any]) -> None:
    made = {
        (report["symbol"], one["to"]): one["bars"]
        for report in found["resampled"]
        for one in report["results"]
    }
    # 2017 had 259 FX days without Christmas; March 2000 to February 2013 are 156 months.
    assert made["EUR/USD", "daily"] == 259
    assert made["EUR/USD", "2h"] == 259 * 12
    assert made["EUR/USD", "4h"] == 259 * 6
    assert made["AAPL", "1mo"] == 156


def test_a_second_run_changes_nothing(found: dict[str, Any], folder: Path) -> None:
    again = json.loads(run("demo", "--no-serve", "--json", cwd=folder).stdout)
    assert again["import"]["added"] == 0
    written = [
        one[count]
        for report in again["resampled"]
        for one in report["results"]
        for count in ("added", "replaced", "removed")
    ]
    assert set(written) == {0}
    assert again["gaps"] == found["gaps"]


def test_people_read_a_page_that_names_what_matters(found: dict[str, Any], folder: Path) -> None:
    done = run("demo", "--no-serve", cwd=folder)
    assert done.returncode == 0
    for text in (
        "September 11 attacks",
        "Hurricane Sandy",
        "listed on 2004-08-19",
        "2-for-1 split",
        "100 %",
        "--data .simutrador/demo",
    ):
        assert text in done.stdout, text
    assert max(len(line) for line in done.stdout.splitlines()) <= 120


def test_a_taken_port_is_said_before_any_work(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("demo", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert done.returncode == 1
    assert "another port" in done.stderr
    assert not (tmp_path / ".simutrador").exists()


@pytest.fixture
def served(found: dict[str, Any], folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Return the address at which the demo serves, and its process."""
    process = subprocess.Popen(
        [*COMMAND, "demo", "--port", "0"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        url = ""
        for line in process.stderr:
            if "serving" in line:
                url = line.split()[1]
                break
        yield url, process
    finally:
        process.kill()
        process.wait(timeout=30)
        process.stderr.close()


@pytest.mark.integration
def test_the_demo_serves_what_it_imported_until_ctrl_c(
    served: tuple[str, subprocess.Popen[str]],
) -> None:
    url, process = served
    path = "/trading-data/data/AAPL?timeframe=daily&page_size=1"
    with urllib.request.urlopen(f"{url}{path}", timeout=30) as answer:
        candle = json.load(answer)["candles"][0]
    # The last row of the origin: AAPL,2013-03-01,438.0,438.1799,429.98,430.47,19730300
    assert candle == {
        "date": "2013-03-01T14:30:00Z",
        "open": "438.00",
        "high": "438.1799",
        "low": "429.98",
        "close": "430.47",
        "volume": "19730300.00000000",
    }
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) in {0, 130}


def test_the_shipped_files_are_always_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = write_demo_files(tmp_path / "a"), write_demo_files(tmp_path / "b")
    assert [path.name for path in first] == [DAILY_FILE, HOURLY_FILE]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_shipped_bars_are_small_and_say_where_they_come_from() -> None:
    import simutrador_data.demo

    here = Path(simutrador_data.demo.__path__[0])
    assert (here / "bars.parquet").stat().st_size < 1_000_000
    text = (here / "DATA-LICENSES" / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "public domain" in text
    assert "MIT" in (here / "DATA-LICENSES" / "gym-anytrading-MIT.txt").read_text(encoding="utf-8")


def test_the_shipped_bars_equal_their_origin() -> None:
    folder = os.environ.get("SIMUTRADOR_TEST_DATA")
    if folder is None:
        pytest.skip("SIMUTRADOR_TEST_DATA names no folder of real data")
    import csv
    import gzip

    import simutrador_data.demo

    table = parquet.read_table(Path(simutrador_data.demo.__path__[0]) / "bars.parquet")
    names = ("open", "high", "low", "close", "volume", "adj_close")
    shipped = {
        (row["symbol"], str(row["session"])): [row[name] for name in names]
        for row in table.to_pylist()
        if row["timeframe"] == "daily"
    }
    origin = Path(folder) / "bars/equity_us/daily_wiki/bokeh_stocks.csv.gz"
    columns = ("Open", "High", "Low", "Close", "Volume", "Adj Close")
    with gzip.open(origin, "rt", newline="") as lines:
        expected = {
            (row["Ticker"], row["Date"]): [float(row[name]) for name in columns]
            for row in csv.DictReader(lines)
        }
    assert shipped == expected

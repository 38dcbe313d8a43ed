"""`simutrador-data update`, against an invented market and a vendor that fails on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from simutrador_core.models.bars import Bars
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.builders import make_bars
from simutrador_data.cli.commands import app
from simutrador_data.cli.update_table import UpdateTable, duration
from simutrador_data.services.downloading import Stage, SymbolProgress
from simutrador_data.services.progress.waits import Wait
from simutrador_data.testing import Fault, FaultServer

KEY: Final = "k3y-0f-n0-vend0r"
DAYS: Final = ("--start", "2024-01-03", "--end", "2024-01-05")


def two_sessions(symbol: str) -> Bars:
    """Return the minutes of 3 and 4 January 2024."""
    calendar = get_calendar("XNYS")
    days = calendar.between(date.fromisoformat(DAYS[1]), date.fromisoformat(DAYS[3]))
    times = np.concatenate([calendar.minutes(day) for day in days.sessions.tolist()])
    flat = make_bars(symbol, n=len(times))
    return Bars(
        symbol, flat.timeframe, flat.adjustment, times,
        flat.open, flat.high, flat.low, flat.close, flat.volume,
    )  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Serve two symbols as Polygon, which the settings then name."""
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    with FaultServer([two_sessions("AAPL"), two_sessions("MSFT")], keys={"polygon": KEY}) as made:
        monkeypatch.setenv("POLYGON__BASE_URL", made.url("polygon"))
        monkeypatch.setenv("POLYGON__API_KEY", KEY)
        monkeypatch.setenv("POLYGON__RATE_LIMIT", "1000/s")
        yield made


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command on the store in `folder`; return its exit code and what it wrote."""
    result = CliRunner().invoke(app, [*arguments, "--data", str(folder)])
    return result.exit_code, result.stdout


def run_json(folder: Path, *arguments: str) -> tuple[int, Any]:
    code, text = run(folder, *arguments, "--json")
    return code, json.loads(text)


def test_an_invented_market_fills_a_store(tmp_path: Path) -> None:
    code, found = run_json(tmp_path, "update", "AAPL", "--provider", "synthetic", *DAYS)
    assert code == 0
    assert found["status"] == "completed"
    assert found["written"] == found["fetched"] > 700
    code, text = run(tmp_path, "update", "aapl", "--provider", "synthetic", *DAYS)
    assert code == 0
    assert "AAPL: nothing to ask for" in text


def test_bars_come_from_a_vendor_over_the_network(tmp_path: Path, server: FaultServer) -> None:
    code, found = run_json(tmp_path, "update", "AAPL", "MSFT", *DAYS)
    assert code == 0
    assert found["written"] == 2 * 780
    assert [one["sources"][0]["provider"] for one in found["symbols"]] == ["polygon", "polygon"]
    assert len(server.calls) == 2
    stored = json.loads(run(tmp_path, "bars", "AAPL", "--json", *DAYS)[1])
    assert KEY not in json.dumps(stored) + json.dumps(found)


def test_a_part_that_fails_is_said_with_its_reason_and_exit_code_3(
    tmp_path: Path, server: FaultServer
) -> None:
    server.inject(Fault.FORBIDDEN, symbol="MSFT")
    code, text = run(tmp_path, "update", "AAPL", "MSFT", *DAYS)
    assert code == 3
    assert "partial: 780 bars written" in text
    assert "MSFT: 2024-01-03 05:00 to 2024-01-05 05:00: polygon: answered 403" in text


def test_nothing_at_all_is_exit_code_1(tmp_path: Path, server: FaultServer) -> None:
    server.always(Fault.UNAUTHORIZED)
    code, found = run_json(tmp_path, "update", "AAPL", *DAYS)
    assert code == 1
    assert found["status"] == "failed"
    assert KEY not in json.dumps(found)


def test_a_fallback_gives_what_the_first_one_does_not(tmp_path: Path, server: FaultServer) -> None:
    server.always(Fault.UNAUTHORIZED)
    code, found = run_json(tmp_path, "update", "AAPL", "--fallback", "synthetic", *DAYS)
    assert code == 0
    [one] = found["symbols"]
    assert [source["provider"] for source in one["sources"]] == ["polygon", "synthetic"]
    assert one["failures"][0]["provider"] == "polygon"


def test_without_a_key_the_next_provider_is_asked(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLYGON__API_KEY")
    code, found = run_json(tmp_path, "update", "AAPL", "--fallback", "synthetic", *DAYS)
    assert code == 0
    assert "POLYGON__API_KEY" in found["symbols"][0]["failures"][0]["reason"]
    code, found = run_json(tmp_path, "update", "AAPL", *DAYS)
    assert code == 1
    assert "POLYGON__API_KEY" in found["error"]["message"]


def test_a_dead_redis_is_said_beside_the_document(tmp_path: Path, server: FaultServer) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("simutrador-data")), "update", "AAPL", *DAYS, "--json"],
        cwd=tmp_path,
        env={**os.environ, "REDIS__URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout)["status"] == "completed"
    assert "REDIS__URL" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["AA PL"], "not a symbol"),
        (["AAPL", "--provider", "nobody"], "no provider 'nobody'"),
        (["AAPL", "--provider", "synthetic", "--fallback", "yahoo,yahoo"], "each provider once"),
        (["AAPL", "--timeframe", "3min"], "no timeframe"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: list[str], text: str) -> None:
    code, found = run_json(tmp_path, "update", *arguments, *DAYS)
    assert code == 2
    assert text in found["error"]["message"]


def test_the_live_table_shows_rate_time_left_and_what_is_waited_for() -> None:
    now = [0.0]
    drawn = UpdateTable(Console(width=100), clock=lambda: now[0])
    drawn.tell(SymbolProgress("DONE", Stage.DONE, "acme", 10, 1.0, 1.0, note="completed"))
    wait = Wait("rate limit", 12.0)
    drawn.tell(SymbolProgress("AAPL", Stage.FETCHING, "acme", 4_000, 0.25, 20.0, wait))
    now[0] = 5.0
    console = Console(width=100)
    with console.capture() as captured:
        console.print(drawn.render())
    first, second = captured.get().splitlines()[1:3]
    assert first.split() == [
        "AAPL", "acme", "25%", "4,000", "200", "1", "min", "0", "s",
        "waiting:", "rate", "limit", "in", "7", "s",
    ]  # fmt: skip
    assert second.split() == ["DONE", "acme", "100%", "10", "10", "completed"]


def test_a_long_list_of_symbols_is_cut() -> None:
    drawn = UpdateTable(Console())
    for number in range(30):
        drawn.tell(SymbolProgress(f"S{number}", Stage.QUEUED))
    assert drawn.render().row_count == 20
    assert drawn.render().caption == "and 10 more symbols"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (-1, "0 s"), (61, "1 min 1 s"), (7_800, "2 h 10 min")],
)
def test_durations_are_said_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text

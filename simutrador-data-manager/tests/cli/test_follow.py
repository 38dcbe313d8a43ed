"""`simutrador-data follow`, against a stream and REST on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console
from typer.testing import CliRunner
from websockets.sync.server import ServerConnection, serve

from simutrador_core.models.bars import Bars, from_us
from simutrador_core.testing.builders import make_bars
from simutrador_data.cli.commands import app
from simutrador_data.cli.follow import StreamLines
from simutrador_data.testing import FaultServer

LAST_HOUR: Final = 60


class Quiet:
    """A stream that is open and says nothing."""

    def __init__(self) -> None:
        self.connected = threading.Event()
        self.paths: list[str] = []

    def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.connected.set()
        for _ in connection:
            pass


@contextmanager
def quiet_stream() -> Iterator[tuple[Quiet, str]]:
    quiet = Quiet()
    with serve(quiet.serve, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield quiet, f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Quiet, Bars]]:
    """Serve the last hour, which the settings then name."""
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    bars = make_bars("BTC-USDT", start=now - timedelta(minutes=LAST_HOUR), n=LAST_HOUR)
    with FaultServer([bars]) as server, quiet_stream() as (quiet, url):
        monkeypatch.setenv("BINANCE__BASE_URL", server.url("binance"))
        monkeypatch.setenv("BINANCE__STREAM_URL", url)
        yield quiet, bars


def opened(bars: Bars, at: int) -> str:
    return from_us(int(bars.opened_at[at])).isoformat()


def test_what_was_missed_is_stored_and_the_end_is_kept(
    tmp_path: Path, vendor: tuple[Quiet, Bars]
) -> None:
    quiet, bars = vendor
    command = ["follow", "BTC-USDT", "--start", opened(bars, 10), "--until", opened(bars, 40)]
    result = CliRunner().invoke(app, [*command, "--data", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    assert quiet.paths == ["/stream?streams=btcusdt@kline_1m"]
    assert json.loads(result.stdout) == {
        "status": "completed",
        "message": "",
        "connections": 1,
        "refused": 0,
        "stale": 0,
        "cut": 0,
        "symbols": [{"symbol": "BTC-USDT", "live": 0, "backfilled": 30, "owing": False}],
    }
    result = CliRunner().invoke(app, [*command, "--data", str(tmp_path)])
    assert "completed: 1 connections, 0 refused, 0 stale, 0 cut" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_report(
    tmp_path: Path, vendor: tuple[Quiet, Bars], number: signal.Signals
) -> None:
    quiet, _ = vendor
    code = "from simutrador_data.cli.commands import main; main()"
    command = [sys.executable, "-c", code, "follow", "BTC-USDT", "--json", "--data", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert quiet.connected.wait(60)
        process.send_signal(number)
        printed, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    found = json.loads(printed)
    assert (found["status"], found["connections"]) == ("cancelled", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["BTC-USDT", "--provider", "polygon"], "no stream of polygon is known; follow binance"),
        (["AAPL"], "has coins only, no AAPL"),
        (["BTC-USDT", "--start", "2024-01-03", "--until", "2024-01-02"], "start 2024-01-03"),
        (["BTC-USDT", "--until", "2024-01-02T10:00"], "until 2024-01-02T10:00 has no time zone"),
    ],
)
def test_what_cannot_be_followed_is_said_at_once(
    tmp_path: Path, vendor: tuple[Quiet, Bars], arguments: list[str], said: str
) -> None:
    result = CliRunner().invoke(app, ["follow", *arguments, "--data", str(tmp_path)])
    assert result.exit_code in {1, 2}
    assert said in result.output
    assert vendor[0].paths == []


@pytest.mark.parametrize("address", ["https://stream.example", "wss://", "stream.example"])
def test_an_address_that_is_no_stream_is_refused(
    tmp_path: Path, vendor: tuple[Quiet, Bars], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("BINANCE__STREAM_URL", address)
    result = CliRunner().invoke(app, ["follow", "BTC-USDT", "--data", str(tmp_path)])
    assert result.exit_code != 0
    assert "BINANCE__STREAM_URL" in result.output
    assert vendor[0].paths == []


def test_a_line_says_what_is_not_the_usual() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        lines = StreamLines(console)
        lines.connected()
        lines.stale(54.2)
        lines.refused(406)
        lines.backoff(3.21)
        lines.backfilled("BTC-USDT", 12)
        lines.backfilled("BTC-USDT", 0)
        lines.bar("BTC-USDT", datetime(2024, 3, 11, tzinfo=UTC))
    assert [line.split(" ", 1)[1] for line in captured.get().splitlines()] == [
        "connected",
        "nothing heard for 54 s, connecting again",
        "the vendor refused with 406",
        "connecting again in 3.2 s",
        "BTC-USDT: 12 missed bars asked for and stored",
    ]

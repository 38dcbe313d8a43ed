"""The command line, against a venue double on loopback."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from simutrador_client import __version__
from simutrador_client.cli.commands import app
from simutrador_client.settings import get_settings
from venue_double import KEY, TOKEN, venue_double

EXAMPLE = Path(__file__).parents[1] / "examples" / "sma_crossover.py"
# 20 flat closes, a rise (long at 111, the close after the first mean above), and a fall.
CLOSES = [100.0] * 20 + [110.0, 111.0, 112.0, 90.0, 80.0, 70.0, 60.0, 50.0, 50.0, 50.0]


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty project, and settings of the user's own in it."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("SIMUTRADOR_API_KEY", "AUTH__API_KEY"):
        monkeypatch.delenv(name, raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def file(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def read(name: str) -> str:
    return Path(name).read_text()


async def invoke(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def run_example(double: Any, *more: str) -> Result:
    servers = ("--server-url", double.server_url, "--ws-url", double.ws_url)
    return await invoke("run", str(EXAMPLE), "--symbols", "AAPL", *servers, *more)


async def test_run_trades_the_example_and_writes_a_report() -> None:
    key = file("key", f"{KEY}\n")
    dates = ("--start", "2023-01-02", "--end", "2023-02-01")
    async with venue_double(CLOSES) as double:
        done = await run_example(double, *dates, "--api-key-file", key, "--capital", "10,000")
    assert done.exit_code == 0, done.output
    # The fast mean rises above the slow one at 110, so ten are bought at the next bar: 111. At 80
    # it is 100.3 against 100.15, at 70 it is 97.3 against 98.65, so they are sold at 60.
    assert "9,490.00" in done.stdout
    assert "report: .simutrador/reports/SmaCrossover-AAPL.html" in done.stdout
    text = read(".simutrador/reports/SmaCrossover-AAPL.html")
    for part in (
        "SmaCrossover on AAPL",
        "2023-01-02 to 2023-01-31",
        "111.00",
        "60.00",
        "-510.00",
        "d" * 64,
        "e" * 64,
    ):
        assert part in text
    assert "http" not in text
    assert KEY not in done.output + text
    assert double.starts[0]["initial_capital"] == "10000.00"
    assert double.starts[0]["start_date"] == "2023-01-02T00:00:00Z"


async def test_run_as_json_writes_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMUTRADOR_API_KEY", KEY)
    more = ("--warmup", "5", "--commission", "0", "--slippage-bps", "2.5")
    async with venue_double(CLOSES) as double:
        done = await run_example(double, "--json", "--report", "out/r.html", *more)
    document = json.loads(done.stdout)
    assert document["final_equity"] == "99490.00"
    assert (document["fills"], document["report"]) == (2, "out/r.html")
    assert read("out/r.html").startswith("<!doctype html>")
    assert double.starts[0]["warmup_bars"] == 5
    assert double.starts[0]["start_date"] == "1900-01-01T00:00:00Z"
    assert double.starts[0]["end_date"] == "2100-01-01T00:00:00Z"
    assert double.starts[0]["commission_per_share"] == "0.00"
    assert double.starts[0]["slippage_bps"] == "2.50"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nowhere.py",), "there is no file nowhere.py"),
        (("--start", "soon"), "start 'soon' is no date"),
        (("--capital", "much"), "capital 'much' is not a number"),
        (("--capital", "0"), "capital 0 is not above zero"),
        (("--commission", "-1"), "commission_per_share -1 is not a number of zero or more"),
        (("--slippage-bps", "nan"), "slippage_bps nan is not a number of zero or more"),
        (("--api-key-file", "empty"), "empty holds no API key"),
    ],
)
async def test_a_wrong_argument_is_a_usage_error(arguments: tuple[str, ...], text: str) -> None:
    file("empty", "\n")
    target = () if arguments[0].endswith(".py") else (str(EXAMPLE),)
    done = await invoke("run", *target, *arguments, "--symbols", "AAPL")
    assert done.exit_code == 2
    assert text in done.stderr.replace("\n", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import nothing_of_that_name", "cannot be loaded: No module"),
        ("x = 1", "found none"),
        ("class A:\n def on_tick(self): ...\nclass B(A): ...", "found A, B"),
        ("class A:\n def __init__(self, n): ...\n def on_tick(self): ...", "needs arguments"),
    ],
)
async def test_a_file_that_is_no_strategy_is_a_usage_error(source: str, text: str) -> None:
    file("mine.py", source)
    done = await invoke("run", "mine.py", "--symbols", "AAPL")
    assert done.exit_code == 2
    assert text in done.stderr.replace("\n", "")


async def test_a_class_can_be_named() -> None:
    file("mine.py", "class A:\n def on_tick(self): ...\nclass B(A): ...")
    done = await invoke("run", "mine.py:C", "--symbols", "AAPL")
    assert "mine.py has no class 'C'" in done.stderr
    done = await invoke("run", "mine.py:B", "--symbols", "AAPL")
    assert done.exit_code == 1
    assert "there is no API key: set SIMUTRADOR_API_KEY" in done.stderr


async def test_a_strategy_of_the_engine_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMUTRADOR_API_KEY", KEY)
    lines = (
        "class Buys:",
        " def on_start(self, ctx): self.sent = False",
        " def on_fill(self, ctx, fill): ...",
        " def on_bar(self, ctx): self.sent = self.sent or ctx.buy('AAPL', 10)",
    )
    target = file("mine.py", "\n".join(lines))
    async with venue_double([100.0, 101.0]) as double:
        servers = ("--server-url", double.server_url, "--ws-url", double.ws_url)
        done = await invoke("run", target, "--symbols", "AAPL", *servers, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["fills"] == 1


async def test_a_refused_symbol_fails_with_the_servers_code() -> None:
    file("key", KEY)
    async with venue_double(CLOSES) as double:
        servers = ("--server-url", double.server_url, "--ws-url", double.ws_url)
        more = ("--symbols", "XXXX", "--api-key-file", "key", "--json")
        done = await invoke("run", str(EXAMPLE), *servers, *more)
    assert done.exit_code == 1
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["details"]) == ("INVALID_SYMBOL", {"a": 1})
    async with venue_double(CLOSES) as double:
        servers = ("--server-url", double.server_url, "--ws-url", double.ws_url)
        done = await invoke("run", str(EXAMPLE), *servers, *more[:-1])
    assert "error: INVALID_SYMBOL: no bars of XXXX\n  a: 1\n" in done.stderr


async def test_a_token_is_kept_over_processes_and_forgotten_at_logout(tmp_path: Path) -> None:
    file("key", KEY)
    async with venue_double(CLOSES) as double:
        url = ("--server-url", double.server_url)
        assert (await invoke("auth", "status", *url)).exit_code == 1
        done = await invoke("auth", "login", *url, "--api-key-file", "key")
        assert done.exit_code == 0
        assert "logged in as u1 (free)" in done.stdout
        kept = tmp_path / "config" / "simutrador" / "tokens.json"
        assert stat.S_IMODE(kept.lstat().st_mode) == 0o600
        shown = await invoke("auth", "status", *url, "--json")
        assert json.loads(shown.stdout)["token"] == f"{TOKEN[:20]}..."
        assert "until" in (await invoke("auth", "status", *url)).stdout
        done = await run_example(double)
        assert done.exit_code == 0, done.output
        assert "logged out" in (await invoke("auth", "logout", *url)).stdout
        assert "no token" in (await invoke("auth", "logout", *url)).stdout
        assert (await run_example(double)).exit_code == 1


@pytest.mark.parametrize(
    ("key", "text"), [("", "API key cannot be empty"), ("wrong", "Invalid API key")]
)
async def test_a_bad_key_fails(monkeypatch: pytest.MonkeyPatch, key: str, text: str) -> None:
    monkeypatch.setenv("SIMUTRADOR_API_KEY", key)
    async with venue_double(CLOSES) as double:
        done = await invoke("auth", "login", "--server-url", double.server_url)
    assert done.exit_code == 1
    assert text in done.stderr


async def test_health_says_ok_and_fails_when_nobody_answers() -> None:
    async with venue_double(CLOSES) as double:
        done = await invoke("health", "--url", double.ws_url)
        assert done.exit_code == 0
        assert "status=ok server_version=1.0.0" in done.stdout
        done = await invoke("health", "--url", double.ws_url, "--json")
        assert json.loads(done.stdout)["status"] == "ok"
    done = await invoke("health", "--url", "ws://127.0.0.1:1")
    assert done.exit_code == 1
    assert "is the server running?" in done.stderr


async def test_sessions_are_listed_shown_and_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH__API_KEY", KEY)
    async with venue_double(CLOSES) as double:
        servers = ("--server-url", double.server_url, "--ws-url", double.ws_url)
        done = await invoke("session", "list", *servers)
        assert "AAPL, IBM" in done.stdout
        done = await invoke("session", "status", "s1", *servers)
        assert "s1" in done.stdout
        done = await invoke("session", "delete", "s1", *servers, "--json")
        assert json.loads(done.stdout) == {"session_id": "s1", "status": "deleted"}
        assert "there is no simulation" in (await invoke("session", "list", *servers)).stdout
        done = await invoke("session", "delete", "s1", *servers)
        assert done.exit_code == 1
        assert "SESSION_NOT_FOUND" in done.stderr


async def test_the_version_is_shown() -> None:
    assert (await invoke("--version")).stdout.strip() == __version__


async def test_debug_lets_the_traceback_through() -> None:
    done = await invoke("run", "nowhere.py", "--symbols", "AAPL", "--debug")
    assert isinstance(done.exception, ValueError)

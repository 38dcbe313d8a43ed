"""Client, wire, venue and engine together: real processes on free ports, the demo's real bars."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simutrador_client.settings import get_settings
from simutrador_client.venue import Venue
from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.websocket import CreateAndStartRequest
from simutrador_core.testing.acceptance import Figure
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_engine.drivers import on_bar
from simutrador_engine.engine import Engine
from simutrador_engine.performance.metrics import performance
from simutrador_server.services.bars import BarLoader
from simutrador_server.simulation.setup import Defaults, make_engine
from simutrador_tools.workspace import ROOT

pytestmark = pytest.mark.integration

BIN = Path(sys.executable).parent
STRATEGIES = Path(__file__).parent / "strategies"
README = (ROOT / "simutrador-client-sdk" / "README.md").read_text(encoding="utf-8")


class Demo:
    """A running `simutrador-server demo`."""

    def __init__(self, announced: Mapping[str, Any], store: Path) -> None:
        self.environment: dict[str, str] = announced["environment"]
        self.store = store

    def run(self, *arguments: str, cwd: Path) -> dict[str, Any]:
        """Return what `simutrador-client run` writes as JSON."""
        command = [BIN / "simutrador-client", "run", *arguments, "--json", "--report", "r.html"]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def engine(self, **asked: Any) -> Engine:
        """Return an engine over the demo's bars, as the venue would make it."""
        request = CreateAndStartRequest.model_validate(
            {"start_date": "1900-01-01", "end_date": "2100-01-01", "timeframe": "daily", **asked}
        )
        with LocalBars(self.store) as bars:
            loader = BarLoader(bars, AssetRegistry.default(), Defaults())
            return make_engine(request, loader.material(request), Defaults())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    command = [BIN / "simutrador-server", "demo", "--json", "--data", folder / "store"]
    with subprocess.Popen(
        [*command, "--auth-port", "0", "--ws-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Demo(_announced(process), folder / "store")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def _announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the one JSON document the demo writes when it listens."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            return json.loads("".join(lines))
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())


@pytest.fixture
def _signed_up(demo: Demo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The environment the demo prints, in a folder without a project."""
    monkeypatch.chdir(tmp_path)
    for name, value in demo.environment.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "asked",
    [
        {"start_date": "2010-01-04", "warmup_bars": 0},
        {"start_date": "2012-01-03", "warmup_bars": 30},
    ],
)
def test_a_strategy_gives_the_same_log_over_the_wire_and_in_process(
    demo: Demo, tmp_path: Path, asked: dict[str, Any]
) -> None:
    """Market, limit, stop and bracket orders, cancelled and replaced, over years of real bars."""
    options = ("--start", asked["start_date"], "--warmup", str(asked["warmup_bars"]))
    over_wire = demo.run(
        str(STRATEGIES / "everything.py"),
        "-s",
        "AAPL,IBM",
        "--capital",
        "10000",
        *options,
        cwd=tmp_path,
    )
    engine = demo.engine(symbols=["AAPL", "IBM"], initial_capital=10_000, **asked)
    strategy = runpy.run_path(str(STRATEGIES / "everything.py"))["Everything"]()
    on_bar.run(strategy, engine)
    kinds = {json.loads(line).get("type") for line in engine.log.to_bytes().splitlines()}
    assert kinds >= {"accepted", "rejected", "triggered", "filled", "cancelled", "replaced"}
    assert over_wire["log_sha256"] == engine.log.sha256()
    assert over_wire["dataset_id"] == engine.config.dataset_id


def test_the_example_reaches_the_engines_figures(demo: Demo, tmp_path: Path) -> None:
    example = ROOT / "examples" / "sma_crossover.py"
    over_wire = demo.run(str(example), "--symbols", "GOOG", "--capital", "10000", cwd=tmp_path)
    engine = demo.engine(symbols=["GOOG"], initial_capital=10_000, warmup_bars=0)
    on_bar.run(runpy.run_path(str(STRATEGIES / "crossover.py"))["Crossover"](), engine)
    expected = performance(engine)
    assert Decimal(over_wire["final_equity"]) == expected.final_equity
    assert over_wire["total_trades"] == expected.total_trades > 10
    assert over_wire["sharpe_ratio"] == pytest.approx(expected.sharpe_ratio)
    assert over_wire["max_drawdown_pct"] == pytest.approx(expected.max_drawdown * 100)
    report = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert over_wire["log_sha256"] in report
    assert over_wire["dataset_id"] in report


@contextmanager
def losing_every_order() -> Iterator[None]:
    """Acknowledge orders in the client instead of sending them."""

    async def swallow(self: Venue, session_id: str, orders: list[Any], **_: Any) -> dict[str, Any]:
        return {"batch_id": "b", "accepted_orders": [], "rejected_orders": {}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Venue, "submit", swallow)
        yield


@pytest.mark.acceptance("U2", package="client-sdk", breaks=losing_every_order)
@pytest.mark.usefixtures("_signed_up")
def test_the_tutorials_program_fills_its_first_order(
    capsys: pytest.CaptureFixture[str], figure: Figure
) -> None:
    program = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[-1]
    began = time.monotonic()
    exec(compile(program, "README.md", "exec"), {})
    took = time.monotonic() - began
    lines = len([line for line in program.splitlines() if line.strip()])
    figure(f"{lines} lines, first fill within {took:.1f} s")
    [printed] = capsys.readouterr().out.splitlines()
    assert printed.startswith("AAPL 10 ")
    assert lines <= 20
    assert took < 300


def test_a_wrong_key_and_an_unknown_symbol_fail_clearly(demo: Demo, tmp_path: Path) -> None:
    example = str(ROOT / "examples" / "sma_crossover.py")
    for change, symbol, text in (
        ({"SIMUTRADOR_API_KEY": "wrong.key"}, "AAPL", "Invalid API key"),
        ({}, "ZZZZ", "INVALID_SYMBOL: no bars are stored for ZZZZ"),
        ({"SERVER__WEBSOCKET__URL": "ws://127.0.0.1:1"}, "AAPL", "is the server running?"),
    ):
        done = subprocess.run(
            [BIN / "simutrador-client", "run", example, "--symbols", symbol],
            cwd=tmp_path,
            env={**os.environ, **demo.environment, **change},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert text in done.stderr


async def test_health_needs_no_login(demo: Demo) -> None:
    from simutrador_client.one_shot import health

    async with asyncio.timeout(10):
        answer = await health(demo.environment["SERVER__WEBSOCKET__URL"])
    assert answer["status"] == "healthy"

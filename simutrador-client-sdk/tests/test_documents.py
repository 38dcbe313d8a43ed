"""The documents say what the code does: examples are run, settings and options are listed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simutrador_client.cli.run import run
from simutrador_client.settings import Settings, get_settings
from simutrador_client.store import Store
from venue_double import KEY, Double, venue_double

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DIP, PROGRAM = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


async def test_the_readmes_program_trades(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with venue_double([100.0, 101.0, 102.0]) as double:
        _point_at(double, monkeypatch)
        await asyncio.to_thread(exec, compile(PROGRAM, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["AAPL 10 101.00"]


def _point_at(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMUTRADOR_API_KEY", KEY)
    monkeypatch.setenv("AUTH__SERVER_URL", double.server_url)
    monkeypatch.setenv("SERVER__WEBSOCKET__URL", double.ws_url)


@pytest.mark.parametrize(("closes", "orders"), [([50.0, 47.0], 1), ([50.0, 48.0], 0), ([50.0], 0)])
async def test_the_readmes_strategy_buys_the_dip(closes: list[float], orders: int) -> None:
    names: dict[str, Any] = {}
    exec(compile(DIP, "README.md", "exec"), names)
    store = Store()
    for day, close in enumerate(np.array(closes), start=1):
        bar = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
        store.append({"AAPL": {"date": f"2023-01-{day:02}", **bar}})
    assert len(await names["BuyTheDip"]().on_tick("s", None, store)) == orders


def test_the_programs_are_short() -> None:
    assert len(PROGRAM.strip().splitlines()) <= 25


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "session.md").read_text(encoding="utf-8")
    for name, value in Settings().session.model_dump().items():
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        assert f"| `SESSION__{name.upper()}` | `{shown}`" in text


def test_every_option_of_run_is_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    options = re.findall(r"--[a-z-]+", " ".join(map(str, run.__annotations__.values())))
    assert len(options) > 5
    for option in options:
        assert option in text

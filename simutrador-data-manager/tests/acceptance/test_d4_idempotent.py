"""D4: filling gaps twice asks and writes nothing the second time, over the network."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from typer.testing import CliRunner

from data_vendors import made_up_minutes
from simutrador_core.models.bars import Bars
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_data.cli.commands import app
from simutrador_data.services.downloading import asking
from simutrador_data.services.downloading.committing import write_page
from simutrador_data.services.gap_filling import confirmation
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.validation.spans import Spans
from simutrador_data.testing import FaultServer

DAYS: Final = ("--start", "2024-05-01", "--end", "2024-05-08")
TRUTH: Final = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 7))
HOLES: Final = at_scale(40, 400)


@contextmanager
def what_was_asked_is_forgotten() -> Iterator[None]:
    """Fault: bars are stored, but not which ranges were asked for, nor what was learnt of them."""

    def write_bars(store: Any, bars: Bars, covered: Spans, **how: Any) -> Any:
        return write_page(store, bars, Spans.range(0, 0), **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asking, "write_page", write_bars)
        patched.setattr(confirmation, "note", lambda *_args, **_how: [])
        yield


def with_holes(bars: Bars, seed: int) -> Bars:
    """Return bars without some of one to nine minutes."""
    chance = np.random.default_rng(seed)
    kept = np.ones(len(bars), dtype=np.bool_)
    for start in chance.choice(len(bars) - 10, HOLES, replace=False).tolist():
        kept[start : start + int(chance.integers(1, 10))] = False
    return bars.take(kept)


def run(folder: Path, *arguments: str) -> Any:
    ended = CliRunner().invoke(app, [*arguments, *DAYS, "--data", str(folder), "--json"])
    return json.loads(ended.stdout)


def newest(folder: Path) -> int:
    with ParquetStore(folder) as store:
        return store.latest_commit()


@pytest.mark.acceptance("D4", package="data-manager", breaks=what_was_asked_is_forgotten)
def test_the_second_run_asks_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    first, second = with_holes(TRUTH, 1), with_holes(TRUTH, 2)
    with FaultServer([first]) as one, FaultServer([second]) as other:
        for name, value in {
            "POLYGON__BASE_URL": one.url("polygon"),
            "POLYGON__API_KEY": "a-key",
            "POLYGON__RATE_LIMIT": "1000/s",
            "ALPACA__BASE_URL": other.url("alpaca"),
            "ALPACA__API_KEY_ID": "an-id",
            "ALPACA__API_SECRET_KEY": "a-secret",
            "ALPACA__RATE_LIMIT": "1000/s",
        }.items():
            monkeypatch.setenv(name, value)
        run(tmp_path, "update", "AAPL")
        fill = ("fill-gaps", "AAPL", "--fallback", "alpaca", "--max-attempts", "10000")
        filled = run(tmp_path, *fill)
        asked, commits = len(one.calls) + len(other.calls), newest(tmp_path)
        again = run(tmp_path, *fill)
        requests = len(one.calls) + len(other.calls) - asked
        writes = newest(tmp_path) - commits
    both = np.union1d(first.opened_at, second.opened_at)
    assert filled["recovered"] == len(both) - len(first)
    assert filled["symbols"][0]["status"] == "completed"
    figure(
        f"1st run: {filled['symbols'][0]['periods']} periods, {filled['recovered']} bars, "
        f"{filled['requests']} requests; 2nd run: {requests} requests, {writes} writes"
    )
    assert (requests, again["requests"], writes, again["commits"]) == (0, 0, 0, 0)

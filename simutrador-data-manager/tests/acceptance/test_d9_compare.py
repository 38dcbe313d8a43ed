"""D9: differences between two vendors, and between two timeframes, are listed; exit code 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from typer.testing import CliRunner

from data_vendors import made_up_minutes
from simutrador_core.models.bars import Bars
from simutrador_core.models.enums import Timeframe
from simutrador_core.testing.acceptance import Figure
from simutrador_core.testing.builders import make_change
from simutrador_data.cli.commands import app
from simutrador_data.services.comparing import Tolerance
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import FaultServer

TRUTH: Final = made_up_minutes("AAPL", date(2024, 5, 1), date(2024, 5, 2))
DAYS: Final = ("--start", "2024-05-01", "--end", "2024-05-03")
FIVE_US: Final = 300_000_000
WRONG: Final = [20, 21, 200, 500]
NEARLY: Final = [40, 300, 600]
ABSENT: Final = [77, 401]


def altered(bars: Bars, column: str, rows: list[int], factor: float) -> Bars:
    """Return the same bars with some values a little larger; the high goes along."""
    values, high = getattr(bars, column).copy(), bars.high.copy()
    values[rows] *= factor
    high[rows] = np.maximum(high[rows], values[rows])
    return replace(bars, **{"high": high, column: values})


@contextmanager
def any_difference_is_tolerated() -> Iterator[None]:
    """Fault: the tolerance is a thousand times what was said."""
    whole: Any = Tolerance.__init__

    def generous(self: Tolerance, price: float, volume: float) -> None:
        whole(self, min(1.0, price * 1_000), min(1.0, volume * 1_000))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Tolerance, "__init__", generous)
        yield


def compared(folder: Path, *how: str) -> tuple[int, Any]:
    command = ["compare", "AAPL", *how, *DAYS, "--data", str(folder), "--json"]
    ended = CliRunner().invoke(app, command)
    return ended.exit_code, json.loads(ended.stdout)


@pytest.mark.acceptance("D9", package="data-manager", breaks=any_difference_is_tolerated)
def test_two_vendors_are_compared_bar_by_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    other = altered(altered(TRUTH, "close", WRONG, 1.01), "close", NEARLY, 1.00004)
    kept = np.setdiff1d(np.arange(len(other)), ABSENT)
    names = ("opened_at", "open", "high", "low", "close", "volume")
    other = replace(other, **{name: getattr(other, name)[kept] for name in names})
    with FaultServer([TRUTH]) as one, FaultServer([other]) as two:
        for name, value in {
            "POLYGON__BASE_URL": one.url("polygon"),
            "POLYGON__API_KEY": "a-key",
            "POLYGON__RATE_LIMIT": "1000/s",
            "ALPACA__BASE_URL": two.url("alpaca"),
            "ALPACA__API_KEY_ID": "an-id",
            "ALPACA__API_SECRET_KEY": "a-secret",
            "ALPACA__RATE_LIMIT": "1000/s",
        }.items():
            monkeypatch.setenv(name, value)
        code, found = compared(tmp_path, "--providers", "polygon,alpaca")
        same = compared(tmp_path, "--providers", "polygon,alpaca", "--price-tolerance", "0.02")
    assert found["whole"], found["downloads"]
    assert found["differing"]["first"]["opened_at"] == TRUTH.opened_at[WRONG].tolist()
    assert found["differing"]["first"]["close"] == TRUTH.close[WRONG].tolist()
    assert found["differing"]["second"]["close"] == (TRUTH.close[WRONG] * 1.01).tolist()
    assert found["only_first"]["opened_at"] == TRUTH.opened_at[ABSENT].tolist()
    assert found["only_second"]["opened_at"] == []
    assert found["counts"]["both"] == len(TRUTH) - len(ABSENT)
    assert code == 1
    assert (same[0], same[1]["counts"]["differing"]) == (1, 0), "what is absent still counts"
    figure(
        f"2 vendors: {len(WRONG)} of {len(TRUTH)} bars differ, {len(ABSENT)} absent; exit code 1"
    )


def five_minutes(bars: Bars) -> Bars:
    """Return the five-minute bars that minutes make, by the obvious loop."""
    made: dict[int, list[float]] = {}
    columns = (getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "volume"))
    for us, *values in zip(bars.opened_at.tolist(), *columns, strict=True):
        bar = made.setdefault(us // FIVE_US * FIVE_US, [*values[:4], 0.0])
        highest, lowest = max(bar[1], values[1]), min(bar[2], values[2])
        bar[1:] = [highest, lowest, values[3], bar[4] + values[4]]
    o, h, low, c, v = np.array(list(made.values())).T
    at = np.array(list(made), dtype=np.int64)
    return Bars("AAPL", Timeframe.MINUTE_5, bars.adjustment, at, o, h, low, c, v)


@pytest.mark.acceptance("D9", package="data-manager", breaks=any_difference_is_tolerated)
def test_two_timeframes_are_compared_bar_by_bar(tmp_path: Path, figure: Figure) -> None:
    fives = five_minutes(TRUTH)
    wrong = altered(altered(fives, "close", [3, 90], 1.01), "close", [50], 1.00004)
    codes: list[int] = []
    for folder, stored in ((tmp_path / "same", fives), (tmp_path / "wrong", wrong)):
        with ParquetStore(folder) as store:
            store.commit(make_change(TRUTH, stored))
        code, found = compared(folder, "--timeframes", "1min,5min")
        codes.append(code)
    assert codes == [0, 1]
    assert found["differing"]["first"]["opened_at"] == fives.opened_at[[3, 90]].tolist()
    assert [found["counts"][name] for name in ("both", "differing")] == [len(fives), 2]
    figure(f"1min against 5min: 2 of {len(fives)} bars differ; exit code 1, 0 where none does")

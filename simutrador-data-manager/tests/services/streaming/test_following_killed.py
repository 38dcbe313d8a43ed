"""A follower that is killed again and again goes on where its store ends, and leaves no hole."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from live_market import OPENS, Market, every_minute, holes, market, strays
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.acceptance import at_scale
from simutrador_data.services.storage.parquet_store import ParquetStore

SCRIPT: Final = Path(__file__).with_name("follow_process.py")
KILLS: Final = at_scale(2, 20)
MINUTE_S: Final = 0.05
ENOUGH_S: Final = 120.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes share a monotonic clock")


class Follower:
    """Follows a market into one store, in processes."""

    def __init__(self, there: Market, store: Path, until: datetime) -> None:
        self._order = {
            "live": there.live.url,
            "rest": there.rest.url("binance"),
            "store": str(store),
            "symbols": there.symbols,
            "minute_s": MINUTE_S,
            "begun": there.live.clock.begun,
            "until": until.isoformat(),
        }

    def killed_after(self, bars: int, *, start: datetime | None) -> None:
        """Follow and send SIGKILL once so many bars of the stream are stored."""
        with self._process(start) as process:
            assert process.stdout is not None
            for _ in range(bars):
                assert process.stdout.readline(), "it ended before it was killed"
            process.kill()

    def ended(self) -> int:
        """Follow to the end; return the exit code."""
        with self._process(None) as process:
            process.communicate(timeout=ENOUGH_S)
            return process.returncode

    def _process(self, start: datetime | None) -> subprocess.Popen[str]:
        order = self._order | {"start": None if start is None else start.isoformat()}
        command = [sys.executable, str(SCRIPT), json.dumps(order)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_follower_that_is_killed_again_and_again_leaves_no_hole(fast_path: Path) -> None:
    truth = [every_minute(symbol, 20_000) for symbol in ("BTC-USDT", "ETH-USDT")]
    chance = random.Random(5)
    with market(truth, minute_s=MINUTE_S) as there:
        follower = Follower(there, fast_path, there.end())
        for nth in range(KILLS):
            start = OPENS if nth == 0 else None
            follower.killed_after(chance.randrange(2, 12), start=start)
        until = there.live.clock.now()
        code = Follower(there, fast_path, until).ended()
    assert code == 0
    with ParquetStore(fast_path) as store:
        assert [holes(store, bars, until) for bars in truth] == [[], []]
        assert [strays(store, bars) for bars in truth] == [0, 0]
        assert store.maintain(Maintenance.VERIFY).problems == ()

"""P2: every third request fails and the process is killed 20 times; the store ends as the truth."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pytest

from data_vendors import KEYS, made_up_minutes, stored
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.acceptance import Figure, at_scale
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.testing import P1_FAULTS, FaultServer, Pace, Schedule

SCRIPT: Final = Path(__file__).with_name("download_processes.py")
SYMBOLS: Final = [f"{chr(65 + n // 26)}{chr(65 + n % 26)}Q" for n in range(at_scale(8, 50))]
FIRST: Final = date(2024, 3, 4)
LAST: Final = at_scale(date(2024, 3, 8), date(2025, 3, 3))
PAGE_ROWS: Final = at_scale(150, 5_000)
KILLS: Final = at_scale(6, 20)
AT_ONCE: Final = 4
SEED: Final = 2
PACE: Final = Pace(
    drip_s=0.1, hang_s=5.0, gone_s=0.02, retry_after="0", bomb_bytes=at_scale(66, 1_024) << 20
)
MISTAKE: Final = [""]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked and watched")


@contextmanager
def silence_is_believed() -> Iterator[None]:
    """Fault: an empty answer counts as settled, and a page that was left out too."""
    MISTAKE.insert(0, "believe silence")
    yield
    MISTAKE.pop(0)


@contextmanager
def started() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


class Downloads:
    """Runs downloads of all symbols into one store, and kills them."""

    def __init__(self, process: subprocess.Popen[str], server: FaultServer, store: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._server = server
        self._order = json.dumps(
            {
                "address": server.url("polygon"),
                "key": KEYS["polygon"],
                "store": str(store),
                "symbols": SYMBOLS,
                "at_once": AT_ONCE,
                "mistake": MISTAKE[0],
                "start": FIRST.isoformat(),
                "end": (LAST + timedelta(days=1)).isoformat(),
            }
        )

    def killed_after(self, requests: int) -> bool:
        """Begin a download and kill it once it has made so many requests; False if it ended."""
        wanted = len(self._server.calls) + requests
        self._tell(self._order)
        assert self._server.wait_for_calls(wanted, 60.0), "the download makes no requests"
        self._tell("kill")
        return int(self._out.readline()) < 0

    def ended(self) -> int:
        """Run a download to its end; return its exit code."""
        self._tell(self._order)
        return int(self._out.readline())

    def _tell(self, line: str) -> None:
        self._in.write(line + "\n")
        self._in.flush()


@pytest.mark.acceptance("P2", package="data-manager", breaks=silence_is_believed)
def test_a_download_that_is_killed_again_and_again_ends_as_the_truth(
    fast_path: Path, figure: Figure
) -> None:
    truth = [made_up_minutes(symbol, FIRST, LAST) for symbol in SYMBOLS]
    ideal = sum(-(-len(bars) // PAGE_ROWS) for bars in truth)
    chance = random.Random(SEED)
    with FaultServer(
        truth,
        page_rows=PAGE_ROWS,
        schedule=Schedule(0.3, SEED, in_a_row=2),
        pace=PACE,
        keys={"polygon": KEYS["polygon"]},
    ) as server:
        with started() as process:
            downloads = Downloads(process, server, fast_path)
            for _ in range(0 if MISTAKE[0] else KILLS):
                after = chance.randrange(1, 2 * ideal // KILLS)
                assert downloads.killed_after(after), "it ended before it was killed"
            assert downloads.ended() == 0
            made = len(server.calls)
            assert downloads.ended() == 0
        calls = [call for call in server.calls if call.symbol]
        assert len(server.calls) == made, "a download that is complete asks again"
    with ParquetStore(fast_path) as store:
        for bars in truth:
            assert stored(store, bars).equals(bars), bars.symbol
        assert store.maintain(Maintenance.VERIFY).problems == ()
    clean = Counter(call.question for call in calls if call.fault is None)
    again = clean.total() - len(clean)
    faults = Counter(call.fault for call in calls if call.fault)
    # One page for each of the symbols that were on their way.
    assert again <= KILLS * AT_ONCE
    assert len(calls) - again <= 1.5 * ideal
    assert len(faults) >= at_scale(15, len(P1_FAULTS))
    figure(
        f"{len(SYMBOLS)} symbols, {KILLS} kills, {faults.total() / len(calls):.0%} faults of "
        f"{len(faults)} kinds: truth; {len(calls)} requests for {ideal} pages, {again} again"
    )

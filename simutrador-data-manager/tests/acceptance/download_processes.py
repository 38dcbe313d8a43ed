"""Downloads in processes of their own, killed when asked, for the tests of P2.

It imports once and forks a download for each order it reads, a line of JSON; it answers with the
exit code, or with -9 when another line came meanwhile: then it kills the download.

An order may name a mistake to plant: `believe silence` takes an empty answer for the truth.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import traceback
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401 - imported once, before the forks
from pydantic import SecretStr

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.sessions.exchange import get_calendar
from simutrador_core.testing.acceptance import at_scale
from simutrador_data.services.data_providers.access import ProviderAccess
from simutrador_data.services.data_providers.finding import find_provider
from simutrador_data.services.data_providers.http import Retries, Timeouts
from simutrador_data.services.downloading import DownloadRequest, Patience, download
from simutrador_data.services.downloading.hours import TradingHours
from simutrador_data.services.serving.ranges import Range
from simutrador_data.services.storage.parquet_store import ParquetStore

# Longer pages take a busy machine longer; one given up for that would be asked for again.
LIMITS = at_scale(Timeouts(1.0, 1.0, 1.5), Timeouts(3.0, 3.0, 4.0))
RETRIES = Retries(8, 0.01, 0.05, 60.0)
PATIENCE = Patience(faults=8, outages=4, first_wait_s=0.01)


async def one_download(order: dict[str, Any]) -> int:
    """Download what the store lacks; return the exit code."""
    plugin = find_provider("polygon")
    access = ProviderAccess(
        base_url=order["address"],
        keys={name: SecretStr(order["key"]) for name in plugin.key_names},
        timeouts=LIMITS,
        retries=RETRIES,
    )
    days = Range(date.fromisoformat(order["start"]), date.fromisoformat(order["end"]))
    request = DownloadRequest(tuple(order["symbols"]), range=days, at_once=order["at_once"])
    with ParquetStore(Path(order["store"])) as store:
        async with plugin.open(access) as provider:
            report = await download(
                request,
                providers=[provider],
                store=store,
                registry=AssetRegistry.default(),
                patience=PATIENCE,
            )
    lost = [(one.series.symbol, lost.reason) for one in report.symbols for lost in one.failures]
    sys.stderr.write("".join(f"{symbol}: {reason}\n" for symbol, reason in lost))
    return report.exit_code


def plant(mistake: str) -> None:
    """Plant a mistake in this process."""
    if mistake == "believe silence":
        TradingHours.expects_bars = lambda self, start, end: False


def forked(order: dict[str, Any]) -> int:
    """Begin a download in a process; return its id."""
    child = os.fork()
    if child:
        return child
    try:
        plant(order["mistake"])
        code = asyncio.run(one_download(order))
    except BaseException:  # noqa: BLE001 - the child ends here, whatever happened
        traceback.print_exc()
        code = 70
    os._exit(code)


def watched(child: int) -> int:
    """Wait for a download, or kill it when a line comes; return how it ended."""
    watch = os.pidfd_open(child)
    ready, _, _ = select.select([watch, sys.stdin], [], [])
    os.close(watch)
    if sys.stdin in ready:
        sys.stdin.readline()
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Take orders until the standard input ends."""
    get_calendar("XNYS")
    while line := sys.stdin.readline():
        code = watched(forked(json.loads(line)))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


main()

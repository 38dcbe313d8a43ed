"""Make a store of many symbols or look through one, in a process of its own; print what it took.

Usage: `look_up.py make|look FOLDER SYMBOLS VERSIONS FAULT`. The last line is JSON: seconds, counts,
and the most memory the process held at once, in bytes. FAULT is `none`, `all series` (the latest
bar is looked for by reading the list of all series) or `whole files` (with each latest bar that is
remembered goes the file it stands in).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from simutrador_core.models.bars import Bars, SeriesKey
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_core.testing.builders import START, make_bars, make_change, query_all
from simutrador_data.services.storage.latest import LatestBars
from simutrador_data.services.storage.local_bars import LocalBars
from simutrador_data.services.storage.parquet_store import ParquetStore

KIBIBYTE: Final = 1024
RESTATED: Final = "S00000"
FILES: Final = 1_000_000_000
"""Bytes of all files together that the fault `whole files` keeps."""


def make(folder: Path, symbols: int, versions: int) -> dict[str, Any]:
    """Write three bars of every symbol, and restate the last one of the first symbol."""
    with ParquetStore(folder) as store:
        store.commit(make_change(*(make_bars(f"S{n:05}", n=3) for n in range(symbols))))
        for version in range(versions):
            bar = make_bars(RESTATED, start=START + timedelta(minutes=2), n=1, price=version + 1)
            store.commit(make_change(bar, on_conflict=OnConflict.REPLACE))
    return {}


def look(folder: Path, symbols: int, versions: int) -> dict[str, Any]:
    """List every series, look every latest bar up, and read the history of the first symbol."""
    with LocalBars(folder) as store:
        begun = time.perf_counter()
        listed = store.symbols()
        listed_s = time.perf_counter() - begun
        taken: list[float] = []
        found = 0
        for number in range(0, symbols, 50):
            key = SeriesKey(f"S{number:05}", Timeframe.MINUTE_1)
            begun = time.perf_counter()
            found += len(store.latest([key])[key])
            taken.append(time.perf_counter() - begun)
        together = store.latest([info.series for info in listed])
        return {
            "listed": len(listed),
            "listed_s": listed_s,
            "found": found,
            "together": len(together),
            "p99_s": sorted(taken)[int(len(taken) * 0.99)],
            "versions": len(store.history(RESTATED, Timeframe.MINUTE_1)),
            "second": store.read(query_all(RESTATED, as_of=2)).close[-1],
            "newest": store.read(query_all(RESTATED, as_of=versions + 1)).close[-1],
        }


def planted(fault: str, symbols: int) -> AbstractContextManager[object]:
    """Plant a fault, or none."""
    whole, remember = LocalBars.latest, LatestBars._remember
    files: list[Any] = []

    def slow(self: LocalBars, keys: Iterable[SeriesKey]) -> dict[SeriesKey, Bars]:
        wanted = set(keys)
        return whole(self, [info.series for info in self.symbols() if info.series in wanted])

    def hoard(self: LatestBars, key: SeriesKey, known: tuple[int, Bars | None]) -> None:
        files.append(np.ones(FILES // symbols, dtype=np.uint8))
        remember(self, key, known)

    if fault == "all series":
        return patch.object(LocalBars, "latest", slow)
    return patch.object(LatestBars, "_remember", hoard) if fault != "none" else nullcontext()


def peak() -> int:
    """Return the most memory this process held at once so far, bytes."""
    # Not `ru_maxrss`: a process inherits that of whoever started it.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * KIBIBYTE


def main(what: str, folder: str, symbols: str, versions: str, fault: str) -> None:
    """Do it and print what it took."""
    with planted(fault, int(symbols)):
        does = {"make": make, "look": look}[what]
        found = does(Path(folder), int(symbols), int(versions))
    sys.stdout.write(json.dumps({**found, "peak": peak()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

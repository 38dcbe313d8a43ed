"""A writer that counts one bar up, and stops itself in the middle of its first commit.

    python stopped_writer.py BACKEND PLACE FAULT URL

BACKEND is `parquet` or `delta`. PLACE is `before` (it knows its base version and, in a Delta table,
has written its rows, but has changed nothing yet) or `inside` (it holds the catalogue's write
transaction and has written a file). FAULT is `none`, or `ignore base`: commits do not look at the
version their writer knows. It begins when a line comes, and tells how each attempt ended.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from store_steps import BASE_US, MINUTE_US, NOW, change, flat

from simutrador_core.errors import ConflictError
from simutrador_core.interfaces.storage import BarStore
from simutrador_core.models.bars import BarQuery, Bars, from_us
from simutrador_core.models.enums import OnConflict, Timeframe
from simutrador_data.services.storage import blocks, planning
from simutrador_data.services.storage.delta import DeltaStore, writing
from simutrador_data.services.storage.file_ops import FileOps
from simutrador_data.services.storage.parquet_store import ParquetStore

ROWS: Final = 20
"""Bars of its own that each writer adds with the shared one: more than fit into a block here."""
_stops: list[str] = []


def stop(place: str) -> None:
    """Stop this process, as a suspended laptop or a paused container does, the first time only."""
    if place in _stops:
        _stops.remove(place)
        os.kill(os.getpid(), signal.SIGSTOP)


class StoppingOps(FileOps):
    """The real disk; the process stops just before its transaction commits."""

    def before(self, operation: str, path: Path) -> None:
        if operation == "commit":
            stop("inside")


def clock() -> datetime:
    """Return a fixed instant; both stores look at the clock before they change anything."""
    stop("before")
    return NOW


def shared() -> BarQuery:
    """Return the query for the bar that everybody counts up."""
    return BarQuery("AAPL", Timeframe.MINUTE_1, from_us(BASE_US), from_us(BASE_US + MINUTE_US))


def known(store: BarStore) -> tuple[int, float]:
    """Return the version a writer knows, and the count in it."""
    return store.segments(shared())[0].commit, float(store.read(shared()).volume[0])


def page(count: float, writer: int) -> Bars:
    """Return the shared bar with a count, and the bars of one writer."""
    minutes = np.array([0, *range(1 + writer * ROWS, 1 + (writer + 1) * ROWS)], dtype=np.int64)
    bars = flat("AAPL", Timeframe.MINUTE_1, BASE_US + minutes * MINUTE_US, 1.0)
    return replace(bars, volume=np.array([count, *[1.0] * ROWS]))


def count_up(store: BarStore, writer: int) -> None:
    """Count the shared bar up, starting from what is known just now; may be refused."""
    base, count = known(store)
    store.commit(change(page(count + 1, writer), on_conflict=OnConflict.REPLACE), base=base)


def main(backend: str, place: str, fault: str, url: str) -> None:
    """Wait for a line, then commit until nobody else was first."""
    patch.object(blocks, "MAX_ROWS", 8).start()  # so that this small commit writes a file
    agree: Any = lambda *_: None  # noqa: E731
    mistakes = [(planning, "check_base"), (writing, "_check_base")] if fault != "none" else []
    for module, name in mistakes:
        patch.object(module, name, agree).start()
    store: Any = (
        ParquetStore(Path(url), ops=StoppingOps(), clock=clock)
        if backend == "parquet"
        else DeltaStore(url, clock=clock)
    )
    with store:
        known(store)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        _stops.append(place)
        while True:
            try:
                count_up(store, 1)
            except ConflictError:
                sys.stdout.write("refused\n")
            else:
                sys.stdout.write("committed\n")
                return


if __name__ == "__main__":
    main(*sys.argv[1:])

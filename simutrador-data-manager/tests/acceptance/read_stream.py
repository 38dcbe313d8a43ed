"""Stream every minute of BTC-USD in a process of its own; print rows, and peak memory in bytes.

Usage: `read_stream.py local:FOLDER|remote:URL`. The second peak is that of the whole, the first
that of a process that has read one part.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from simutrador_core.models.bars import BarQuery, Bars
from simutrador_core.models.enums import Timeframe

START = datetime(1990, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)
KIBIBYTE = 1024


def stream(source: str, query: BarQuery) -> Iterator[Bars]:
    """Yield the parts of a query from a store on this machine or from a service."""
    kind, _, place = source.partition(":")
    if kind == "local":
        from simutrador_data.services.storage.local_bars import LocalBars

        with LocalBars(Path(place)) as store:
            yield from store.stream(query)
    else:
        from simutrador_core.remote.remote_bars import RemoteBars

        with RemoteBars(place) as remote:
            yield from remote.stream(query)


def peak() -> int:
    """Return the most memory this process held at once so far, bytes."""
    # Not `ru_maxrss`: a process inherits that of whoever started it.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * KIBIBYTE


def main() -> None:
    """Read one part, then everything."""
    query = BarQuery("BTC-USD", Timeframe.MINUTE_1, START, END)
    first = stream(sys.argv[1], query)
    next(first)
    first.close()  # type: ignore[attr-defined]
    begun = peak()
    rows, last = 0, 0
    for part in stream(sys.argv[1], query):
        assert last < part.opened_at[0], "parts overlap, or are out of order"
        rows, last = rows + len(part), int(part.opened_at[-1])
    sys.stdout.write(f"{rows} {begun} {peak()}\n")


if __name__ == "__main__":
    main()

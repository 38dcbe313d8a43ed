"""Validate a whole store in a process of its own; print bars, seconds of the processor, peak bytes.

Usage: `validate_minutes.py FOLDER`. The seconds are those behind the first series, which loads the
calendar.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

from read_stream import peak

from simutrador_core.assets.registry import AssetRegistry
from simutrador_data.services.storage.parquet_store import ParquetStore
from simutrador_data.services.workflows.validate_store import validate_store


def main() -> None:
    """Judge every series, and keep all ledgers as the command does."""
    with ParquetStore(Path(sys.argv[1])) as store:
        ledgers = validate_store(store, AssetRegistry.default())
        found = [next(ledgers)]
        begun = process_time()
        found.extend(ledgers)
        spent = process_time() - begun
        bars = sum(ledger.rows for ledger in found)
        absent = sum(ledger.expected - ledger.present for ledger in found)
    sys.stdout.write(f"{bars} {absent} {spent} {peak()}\n")


if __name__ == "__main__":
    main()

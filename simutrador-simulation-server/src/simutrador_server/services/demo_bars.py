"""The demo's bars: those that ship with the data manager, in a store of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from simutrador_core.errors import MissingExtraError
from simutrador_server.services.opening import ClosableSource, open_local


def open_demo_store(folder: Path, *, say: Callable[[str], None]) -> ClosableSource:
    """Return the demo's store, for reading; made when absent, finished when cut off.

    Raises:
        MissingExtraError: the extra `local` is not installed.
        StoreError: the folder cannot be used.
    """
    try:
        from simutrador_data.demo.files import write_demo_files
        from simutrador_data.services.storage.parquet_store import ParquetStore
        from simutrador_data.services.workflows.import_files import import_files
    except ModuleNotFoundError as e:
        raise MissingExtraError(
            "simutrador-data-manager", extra="local", package="simutrador-simulation-server"
        ) from e
    say(f"preparing the demo's bars in {folder}")
    with ParquetStore(folder) as store, tempfile.TemporaryDirectory() as scratch:
        # Files whose contents are in the store already are skipped.
        import_files(write_demo_files(Path(scratch)), store=store, now=datetime.now(UTC))
    return open_local(folder)

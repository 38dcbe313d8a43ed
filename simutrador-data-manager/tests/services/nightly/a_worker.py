"""A worker in a process of its own, to be killed: does nightly updates until then."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

from nightly_service import opened_nightly
from simutrador_service.jobs import Worker

LEASE = timedelta(seconds=0.4)


def main(folder: str, address: str) -> None:
    """Work, and say when it begins."""
    with opened_nightly(Path(folder), address) as nightly:
        Worker(nightly.jobs, lease=LEASE).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])

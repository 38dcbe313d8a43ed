"""Runs the conformance suite of stores on one backend, in a process of its own.

    python conformance.py BACKEND FAULT

The last line says how many tests passed, failed and were skipped, as JSON. FAULT is `none`, or
`ignore base`: commits do not look at the version their writer knows.
"""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

STORAGE: Final = Path(__file__).parents[1] / "services" / "storage"
SUITES: Final = {
    "plain Parquet": (STORAGE / "test_parquet_store.py", "TestParquetStore"),
    "Delta local": (STORAGE / "delta" / "test_delta_store.py", "TestDeltaStoreOnALocalPath"),
    "Delta on S3": (STORAGE / "delta" / "test_delta_store.py", "TestDeltaStoreInAnObjectStore"),
}


class Counter:
    """A plugin that counts how tests end, those of commits first: faults show there."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.ended = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Run the tests in reverse: in the suite, reading stands before writing."""
        items.reverse()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: by its call, or by what kept it from running."""
        if report.when == "call" or report.outcome != "passed":
            self.ended[report.outcome] += 1


def deaf(fault: str) -> AbstractContextManager[object]:
    """Plant a fault into both stores, or none."""
    if fault == "none":
        return nullcontext()
    from simutrador_data.services.storage import planning
    from simutrador_data.services.storage.delta import writing

    def agree(*_: Any) -> None:
        """Find every base good."""

    both = patch.object(planning, "check_base", agree)
    both.__enter__()
    return patch.object(writing, "_check_base", agree)


def main(backend: str, fault: str) -> None:
    """Run the suite and print how it ended."""
    file, suite = SUITES[backend]
    counter = Counter()
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "", "--tb=line"]
    # What fails is looked into by running the suite itself; here it only has to be seen, soon.
    options += ["--assert=plain", "--maxfail=1"]
    with deaf(fault):
        code = pytest.main([f"{file}::{suite}", *options], plugins=[counter])
    sys.stdout.write(json.dumps({"code": int(code), **counter.ended}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

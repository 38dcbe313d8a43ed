"""S10: one conformance suite, the same code, green on every backend."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

SCRIPT: Final = Path(__file__).with_name("conformance.py")
PACKAGE: Final = SCRIPT.parents[2]
PLANTED: Final = ["none"]
LEAST: Final = 110
"""Fewest tests of the suite: one that shrinks unseen proves nothing."""


@contextmanager
def ignores_base() -> Iterator[None]:
    """Fault: a writer's base version is not compared with the store's."""
    PLANTED.insert(0, "ignore base")
    try:
        yield
    finally:
        PLANTED.pop(0)


@pytest.mark.integration
@pytest.mark.acceptance("S10", package="data-manager", breaks=ignores_base)
@pytest.mark.parametrize("backend", ["plain Parquet", "Delta local", "Delta on S3"])
def test_backend_passes_the_conformance_suite(backend: str, figure: Callable[[str], None]) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), backend, PLANTED[0]],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert ended["code"] == ended["failed"] == ended["skipped"] == 0, done.stdout
    assert ended["passed"] >= LEAST
    figure(f"{backend}: {ended['passed']} tests of one suite passed")

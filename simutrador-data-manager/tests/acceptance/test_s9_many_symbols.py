"""S9: ten thousand symbols and a thousand versions are listed and looked up in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from simutrador_core.testing.acceptance import at_scale

SCRIPT: Final = Path(__file__).with_name("look_up.py")
SYMBOLS: Final = 10_000
VERSIONS: Final = at_scale(100, 1_000)
MOST: Final = 500_000_000
"""Bytes each process may hold, its libraries included."""
PLANTED: Final = ["none"]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


@contextmanager
def plants(fault: str) -> Iterator[None]:
    """Plant a fault of the script."""
    PLANTED.insert(0, fault)
    try:
        yield
    finally:
        PLANTED.pop(0)


def breaks(fault: str) -> Callable[[], AbstractContextManager[object]]:
    """Return what plants a fault."""
    return partial(plants, fault)


def run(what: str, folder: Path, fault: str = "none") -> dict[str, Any]:
    """Return what the script prints at its end."""
    command = [sys.executable, str(SCRIPT), what, str(folder), str(SYMBOLS), str(VERSIONS), fault]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return a store of many symbols and versions, and the most memory making it took."""
    folder = tmp_path_factory.mktemp("many") / "store"
    return folder, int(run("make", folder)["peak"])


@pytest.mark.acceptance("S9", package="data-manager", breaks=breaks("all series"))
def test_many_symbols_and_versions_are_listed_and_looked_up_at_once(
    made: tuple[Path, int], figure: Callable[[str], None]
) -> None:
    found = run("look", made[0], PLANTED[0])
    assert found["listed"] == found["together"] == SYMBOLS
    assert found["found"] == SYMBOLS // 50
    assert found["versions"] == VERSIONS + 1
    # Restated to price 1 by commit 2, which closes a cent above, and so on.
    assert (found["second"], found["newest"]) == (1.01, VERSIONS + 0.01)
    assert found["listed_s"] < 1.0
    assert found["p99_s"] < 0.05
    figure(
        f"{SYMBOLS} symbols in {found['listed_s'] * 1e3:.0f} ms, "
        f"last bar p99 {found['p99_s'] * 1e3:.2f} ms"
    )


@pytest.mark.acceptance("S9", package="data-manager", breaks=breaks("whole files"))
def test_many_symbols_and_versions_take_little_memory(
    made: tuple[Path, int], figure: Callable[[str], None]
) -> None:
    folder, writing = made
    reading = run("look", folder, PLANTED[0])["peak"]
    assert writing < MOST
    assert reading < MOST
    figure(
        f"{SYMBOLS} symbols and {VERSIONS} versions written in {writing / 1e6:.0f} MB, "
        f"looked up in {reading / 1e6:.0f} MB"
    )

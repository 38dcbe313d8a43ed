"""V1: the same configuration, bars and commands give the same bytes, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from simutrador_core.testing.acceptance import at_scale
from simutrador_engine.book import WorkingOrder
from simutrador_engine.desk import Desk
from worlds import hashes

SCRIPTS = at_scale(500, 5_000)
TESTS = Path(__file__).parents[1]


def orders_in_hash_order() -> Any:
    """Fault: orders take their turn as a set of names happens to give them."""

    def careless(self: Desk, symbol: str, opened_at: int) -> list[WorkingOrder]:
        own = {
            order.id: order
            for order in self.open_orders
            if order.symbol == symbol and order.is_resting and order.since <= opened_at
        }
        return [own[name] for name in set(own)]

    return patch.object(Desk, "in_turn", careless)


@pytest.mark.acceptance("V1", package="engine", breaks=orders_in_hash_order)
def test_random_scripts_give_the_same_log_in_other_processes(figure: Callable[[str], None]) -> None:
    here = hashes(0, SCRIPTS)

    assert hashes(0, SCRIPTS // 10) == here[: SCRIPTS // 10]
    assert _elsewhere(SCRIPTS, hash_seed="4711") == here
    assert _elsewhere(SCRIPTS // 10, hash_seed="0") == here[: SCRIPTS // 10]
    assert len(set(here)) > SCRIPTS * 0.99
    figure(f"{SCRIPTS} scripts in 3 processes, byte-identical")


def _elsewhere(scripts: int, *, hash_seed: str) -> list[str]:
    """Return the hashes another process finds, with its own order of sets."""
    found = subprocess.run(
        [sys.executable, str(TESTS / "worlds.py"), "0", str(scripts)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.split()

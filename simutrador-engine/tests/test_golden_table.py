"""Every row of docs/fill-contract.md, under each policy it speaks of."""

from __future__ import annotations

import pytest

from golden import Row, described, play, rows


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_engine_fills_as_the_golden_table_says(row: Row) -> None:
    policies = ["pessimistic", "optimistic"] if row.policy == "any" else [row.policy]
    for policy in policies:
        assert described(play(row, policy), bracket="stop_loss" in row.order) == row.expected

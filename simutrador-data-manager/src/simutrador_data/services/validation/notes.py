"""What was found out about absent bars besides their bars: notes kept in a store's coverage.

A note is a range that was asked for without bars being wanted: of trades, of a second vendor, of
the daily volume. Its source begins with what it says, `no-trade:trades of polygon`. So it has a
time, a version and a commit like every answer, in every kind of store, and is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from simutrador_core.interfaces.storage import Coverage
from simutrador_core.models.enums import GapReason
from simutrador_data.services.validation.reasons import Explanation

NO_TRADE: Final = "no-trade:"
"""Nothing traded in the absent bars of the range."""

TRADED: Final = "traded:"
"""Trades were found there: the vendor could have made a bar."""


def is_note(source: str) -> bool:
    """Return whether a source stands for a note, not for somebody who was asked for bars."""
    return source.startswith((NO_TRADE, TRADED))


def without_notes(coverage: Iterable[Coverage]) -> list[Coverage]:
    """Return who was asked for bars."""
    return [one for one in coverage if not is_note(one.provider)]


def noted(coverage: Sequence[Coverage]) -> list[Explanation]:
    """Return what notes explain: that nothing traded, who says so and since when."""
    return [
        Explanation(
            one.start,
            one.end,
            GapReason.NO_TRADE,
            f"no trades: {one.provider.removeprefix(NO_TRADE)} (asked {one.asked_at:%Y-%m-%d})",
        )
        for one in coverage
        if one.provider.startswith(NO_TRADE)
    ]

"""The ways in which a vendor's live stream fails."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LiveFault(StrEnum):
    """One way in which a stream fails. The docs have a line on each (docs/testing-providers.md)."""

    REFUSED_406 = "406 on the handshake"
    REFUSED_429 = "429 on the handshake"
    ERROR_406 = "406 in band"

    MUTE = "mute socket"
    HALF_OPEN = "half-open connection"
    CUT = "cut"
    RESET = "reset"

    SKIPPED = "bars left out"
    OUT_OF_ORDER = "bars out of order"
    REPEATED = "repeated bars"
    WRONG_SERIES = "another series' bars"
    SHIFTED = "bars of another time"
    BROKEN_BAR = "bars that cannot be"
    GARBAGE = "garbage"
    HUGE = "huge message"


DOOR_FAULTS: Final = frozenset({LiveFault.REFUSED_406, LiveFault.REFUSED_429, LiveFault.ERROR_406})
"""Faults that wait for the next connection."""

LINE_FAULTS: Final = frozenset(
    {LiveFault.MUTE, LiveFault.HALF_OPEN, LiveFault.CUT, LiveFault.RESET}
)
"""Faults that strike the open connections."""

BAR_FAULTS: Final = frozenset(LiveFault) - DOOR_FAULTS - LINE_FAULTS
"""Faults of one minute's messages; the connection stays as it is."""

"""What a fault server remembers of each request; never a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simutrador_core.models.enums import Timeframe
from simutrador_data.testing.faults import Fault


@dataclass(frozen=True, slots=True)
class Call:
    """One request and what became of it.

    Attributes:
        at: When its head was read, seconds of `time.monotonic()`.
        host: The host the client named, with the port.
        path: The path, without the query.
        vendor: Whose words it spoke; empty where nobody's.
        symbol: The vendor's spelling of what was asked; empty when it asked no bars.
        timeframe: Likewise; None.
        start: First label asked for, microseconds UTC; 0 when it asked no bars.
        end: First label no longer asked for.
        rows: How many bars were sent.
        status: The status of the answer; 0 where there was none.
        fault: What went wrong, None when nothing did.
        key_shown: Whether the request carried a key.
        key_in_url: Whether a key stood in its URL.
    """

    at: float
    host: str
    path: str
    vendor: str = ""
    symbol: str = ""
    timeframe: Timeframe | None = None
    start: int = 0
    end: int = 0
    rows: int = 0
    status: int = 0
    fault: Fault | None = None
    key_shown: bool = False
    key_in_url: bool = False

    @property
    def question(self) -> tuple[str, str, str, int]:
        """What was asked; two calls with the same one could have been one."""
        return self.vendor, self.symbol, str(self.timeframe), self.start


def ideal_requests(calls: Sequence[Call]) -> int:
    """Return how many requests for bars would have done: each question asked once."""
    return len({call.question for call in calls if call.symbol})


def most_in_window(calls: Sequence[Call], window_s: float) -> int:
    """Return the most requests that any window of that length saw."""
    at = np.sort(np.array([call.at for call in calls]))
    inside = np.searchsorted(at, at + window_s, side="left") - np.arange(len(at))
    return int(inside.max(initial=0))

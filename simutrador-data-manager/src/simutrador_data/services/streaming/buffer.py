"""`LiveBuffer`: live bars that wait to be written, bounded. It never awaits."""

from __future__ import annotations

from typing import Final

from simutrador_core.models.bars import Bars, concat

MOST_BARS: Final = 20_000


class LiveBuffer:
    """Bars as they come, each once; the last account of a bar counts.

    When it is full the oldest bar goes: what follows it then shows a gap, which is asked for over
    REST like any other.
    """

    def __init__(self, most: int = MOST_BARS) -> None:
        """Hold at most so many bars."""
        self._most = most
        self._held: dict[tuple[str, int], Bars] = {}

    def __len__(self) -> int:
        """Return how many bars wait."""
        return len(self._held)

    def add(self, bars: Bars) -> None:
        """Keep bars until they are taken."""
        for at, opened_at in enumerate(bars.opened_at.tolist()):
            self._held[bars.symbol, opened_at] = bars.take(slice(at, at + 1))
        while len(self._held) > self._most:
            del self._held[next(iter(self._held))]

    def take(self) -> list[Bars]:
        """Return all that waits, one `Bars` a symbol in order of time, and forget it."""
        parts: dict[str, list[Bars]] = {}
        for (symbol, _), bar in sorted(self._held.items(), key=lambda one: one[0]):
            parts.setdefault(symbol, []).append(bar)
        self._held.clear()
        return [concat(part) for part in parts.values()]

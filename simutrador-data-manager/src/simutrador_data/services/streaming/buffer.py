"""`LiveBuffer`: live bars that wait to be written, bounded. It never awaits."""

from __future__ import annotations

from typing import Final

from simutrador_core.models.bars import Bars, concat

MOST_BARS: Final = 20_000


class LiveBuffer:
    """Bars as they come, each once. Of a bar that came in two accounts neither is believed.

    It shows as a gap, which is asked for over REST like any other. When the buffer is full the
    oldest bar goes likewise.
    """

    def __init__(self, most: int = MOST_BARS) -> None:
        """Hold at most so many bars."""
        self._most = most
        self._held: dict[tuple[str, int], Bars | None] = {}

    def __len__(self) -> int:
        """Return how many bars wait."""
        return len(self._held)

    def add(self, bars: Bars) -> None:
        """Keep bars until they are taken."""
        for at, opened_at in enumerate(bars.opened_at.tolist()):
            key, one = (bars.symbol, opened_at), bars.take(slice(at, at + 1))
            before = self._held.get(key, one)
            self._held[key] = one if before is not None and before.equals(one) else None
        while len(self._held) > self._most:
            del self._held[next(iter(self._held))]

    def take(self) -> list[Bars]:
        """Return all that waits, one `Bars` a symbol in order of time, and forget it."""
        parts: dict[str, list[Bars]] = {}
        for (symbol, _), bar in sorted(self._held.items(), key=lambda one: one[0]):
            if bar is not None:
                parts.setdefault(symbol, []).append(bar)
        self._held.clear()
        return [concat(part) for part in parts.values()]

"""The live table of `update`: one line a symbol, drawn on standard error while a terminal looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from simutrador_data.services.downloading import Stage, SymbolProgress
from simutrador_service.cli import table

LINES: Final = 20
_ORDER: Final = {Stage.FETCHING: 0, Stage.PLANNING: 1, Stage.DONE: 2, Stage.QUEUED: 3}


class UpdateTable:
    """Satisfies `Watch`; draws what it is told, four times a second."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Draw on `console`; on anything but a terminal nothing is drawn."""
        self._clock = clock
        self._told: dict[str, tuple[SymbolProgress, float]] = {}
        self._live = Live(
            console=console, get_renderable=self.render, transient=True, refresh_per_second=4
        )

    def tell(self, progress: SymbolProgress) -> None:
        """Take the latest of one symbol."""
        self._told[progress.symbol] = (progress, self._clock())

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the table away."""
        self._live.stop()

    def render(self) -> Table:
        """Return the table: symbols being worked on first, at most `LINES` of all."""
        right = ["done", "bars", "bars/s", "left"]
        shown = table("", ["symbol", "from", *right, "state"], right=right)
        ordered = sorted(self._told.values(), key=lambda one: _ORDER[one[0].stage])
        for progress, told_at in ordered[:LINES]:
            left = progress.left_s
            shown.add_row(
                escape(progress.symbol),
                escape(progress.provider),
                f"{progress.share:.0%}",
                f"{progress.rows:,}",
                f"{progress.rows_per_s:,.0f}",
                "" if left is None or progress.stage is Stage.DONE else duration(left),
                escape(_state(progress, self._clock() - told_at)),
            )
        if len(ordered) > LINES:
            shown.caption = f"and {len(ordered) - LINES} more symbols"
        return shown


def duration(seconds: float) -> str:
    """Return a time as people say it: `12 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _state(progress: SymbolProgress, since_s: float) -> str:
    wait = progress.wait
    if wait is None:
        return progress.note or str(progress.stage)
    if wait.seconds is None:
        return f"waiting: {wait.reason}"
    return f"waiting: {wait.reason} in {duration(wait.seconds - since_s)}"

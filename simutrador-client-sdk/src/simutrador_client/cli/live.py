"""What a person sees while a simulation runs: its date, the equity, the fills."""

from __future__ import annotations

from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from simutrador_client.recording import Record

_STEPS: Final = 1000


class LiveProgress:
    """A line that moves with the simulation's clock; nothing where nobody looks."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.fields[date]}"),
            BarColumn(bar_width=32),
            TextColumn("equity {task.fields[equity]}  fills {task.fields[fills]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, date="starting", equity="-", fills=0)
        self._shown = 0

    def __enter__(self) -> Self:
        """Show the line."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line as it is."""
        self._bar.stop()

    def step(self, record: Record) -> None:
        """Move on; called at every tick, so it only draws when a pixel would change."""
        done, total = len(record.at), record.info.estimated_ticks
        if done != total and done - self._shown < (total or 0) / _STEPS:
            return
        self._shown = done
        self._bar.update(
            self._task,
            completed=done,
            total=total,
            date=f"{record.at[-1]:%Y-%m-%d}",
            equity=f"{record.equity[-1]:,.2f}",
            fills=len(record.fills),
        )

"""What a person sees while a simulation runs: its date, the equity, the fills."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from simutrador_client.recording import Record

_STEPS: Final = 1000


class LiveProgress:
    """A line that moves with the simulation's clock; nothing where nobody looks."""

    def __init__(self, console: Console, *, start: datetime, end: datetime) -> None:
        self._start = start
        self._span = (end - start).total_seconds()
        self._bar = Progress(
            TextColumn("{task.fields[date]}"),
            BarColumn(bar_width=32),
            TextColumn("equity {task.fields[equity]}  fills {task.fields[fills]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", total=_STEPS, date=f"{start:%Y-%m-%d}", equity="-", fills=0
        )
        self._shown = -1

    def __enter__(self) -> Self:
        """Show the line."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        """Leave the line as it is, full when all went well."""
        if kind is None:
            self._bar.update(self._task, completed=_STEPS)
        self._bar.stop()

    def step(self, record: Record) -> None:
        """Move on; called at every tick, so it only draws when a pixel would change."""
        done = int((record.at[-1] - self._start).total_seconds() / self._span * _STEPS)
        if done != self._shown:
            self._shown = done
            self._bar.update(
                self._task,
                completed=done,
                date=f"{record.at[-1]:%Y-%m-%d}",
                equity=f"{record.equity[-1]:,.2f}",
                fills=len(record.fills),
            )

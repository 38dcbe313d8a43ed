"""`Progress`: what a long task tells whoever waits for it, and how it learns to stop.

A task calls `start` once, `advance` with the whole amount done so far, asks `cancelled` between
steps, and ends with `finish`.
"""

from __future__ import annotations

import threading
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichBars,
)


class Progress(Protocol):
    """Someone who waits for a task."""

    def start(self, total: int | None, unit: str, label: str) -> None:
        """Begin; `total` is None when nobody knows how much there is to do."""
        ...

    def advance(self, done: int, step: str = "") -> None:
        """Say how many units are done in all, and what is being done."""
        ...

    def finish(self) -> None:
        """End, whether all was done or not."""
        ...

    def cancelled(self) -> bool:
        """Return whether the task should stop at the next safe point."""
        ...


class QuietProgress:
    """Shows nothing; satisfies `Progress`. `cancel` may be called from another thread."""

    def __init__(self) -> None:
        """Begin uncancelled."""
        self._stop = threading.Event()

    def start(self, total: int | None, unit: str, label: str) -> None:
        """Show nothing."""

    def advance(self, done: int, step: str = "") -> None:
        """Show nothing."""

    def finish(self) -> None:
        """Show nothing."""

    def cancel(self) -> None:
        """Ask the task to stop at the next safe point."""
        self._stop.set()

    def cancelled(self) -> bool:
        """Return whether `cancel` was called."""
        return self._stop.is_set()


class RichProgress(QuietProgress):
    """A bar with the time left on a console; on anything but a terminal it stays away."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on `console`; None is standard error, so that output can be piped."""
        super().__init__()
        self._bars = RichBars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[step]}"),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def start(self, total: int | None, unit: str, label: str) -> None:
        """Draw the bar; without a total it shows that work goes on."""
        self._task = self._bars.add_task(label, total=total, step="")
        self._bars.start()

    def advance(self, done: int, step: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, step=step)

    def finish(self) -> None:
        """Take the bar away."""
        self._bars.stop()
        self._task = None

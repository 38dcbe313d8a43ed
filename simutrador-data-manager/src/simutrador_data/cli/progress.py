"""How far a command has got, on standard error, where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simutrador_service.cli import stderr

if TYPE_CHECKING:
    from simutrador_data.services.progress.progress import QuietProgress


def progress(*, as_json: bool = False) -> QuietProgress:
    """Return a bar with the time left on standard error, or nothing where nobody looks."""
    from simutrador_data.services.progress.progress import QuietProgress, RichProgress

    return RichProgress(stderr()) if sys.stderr.isatty() and not as_json else QuietProgress()


@contextmanager
def watching(
    unit: str, label: str, *, as_json: bool = False
) -> Generator[Callable[[int, int], None]]:
    """Lend a function that is told how much of how much is done and shows the time left.

    Args:
        unit: What is counted.
        label: What is being done.
        as_json: Whether nobody looks.
    """
    bar = progress(as_json=as_json)
    started: list[int] = []

    def watch(done: int, total: int) -> None:
        if not started:
            started.append(total)
            bar.start(total, unit, label)
        bar.advance(done)

    try:
        yield watch
    finally:
        bar.finish()

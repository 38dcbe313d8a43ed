from __future__ import annotations

import io

import pytest
from rich.console import Console

from simutrador_data.services.progress.progress import Progress, QuietProgress, RichProgress


def run(progress: Progress) -> bool:
    progress.start(10, "bytes", "Importing 1 file")
    progress.advance(5, "spy.csv: 1,000 rows")
    stopped = progress.cancelled()
    progress.finish()
    return stopped


@pytest.mark.parametrize("make", [QuietProgress, RichProgress])
def test_a_task_goes_on_until_someone_cancels(make: type[QuietProgress]) -> None:
    progress = make()
    assert run(progress) is False
    progress.cancel()
    assert run(progress) is True


def test_a_terminal_shows_label_share_and_step() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    assert run(RichProgress(console)) is False
    assert "Importing 1 file" in out.getvalue()
    assert "50%" in out.getvalue()
    assert "spy.csv: 1,000 rows" in out.getvalue()


def test_what_is_no_terminal_gets_no_bars() -> None:
    out = io.StringIO()
    assert run(RichProgress(Console(file=out, force_terminal=False))) is False
    assert "\x1b" not in out.getvalue()


def test_an_unknown_total_is_fine() -> None:
    progress = RichProgress(Console(file=io.StringIO(), force_terminal=True))
    progress.start(None, "bytes", "Importing")
    progress.advance(3)
    progress.finish()
    assert progress.cancelled() is False

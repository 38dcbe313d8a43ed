"""What every error message has to name, judged by rule: its cause, its place and the next step.

Each message is provoked, never quoted, and kept in a file beside its test, so that a change of
wording is seen. Write that file anew with the variable `SIMUTRADOR_WRITE_MESSAGES=1`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

from simutrador_core.errors import SimutradorError

WRITE_VARIABLE: Final = "SIMUTRADOR_WRITE_MESSAGES"
STEP: Final = re.compile(
    r"\b(add|ask|check|choose|connect|correct|create|download|drop|export|fetch|get it|give|import"
    r"|install|leave|list|log in|make|name (an|another|at|each|its)|open|raise|read (a|again)"
    r"|rename|restore|run|see|send|set|start|stop|take|try|upgrade|use|wait|write"
    r"|above \d|at least|at most|did you|expected|fields, not|has (at most|\d+ to)"
    r"|its commits are|known|limit of \d+|needs (at least|one|a key)|should be|there are)\b",
    re.IGNORECASE,
)
FEWEST_WORDS: Final = 5
Case = tuple[str, Callable[[], object]]
"""The place a message has to name, and what provokes it."""


@contextmanager
def say_only_that_it_failed() -> Generator[None]:
    """Fault: answer what so many programs answer."""

    def nothing(_: object) -> str:
        return "invalid input"

    with patch.object(SimutradorError, "__str__", nothing):
        yield


def lacks(place: str, text: str) -> list[str]:
    """Return what a message does not name, empty when it is good.

    Args:
        place: What is wrong: a setting, field, file, address or value, in any case of letters.
        text: The whole message.
    """
    checks = {
        "cause": len(text.split()) >= FEWEST_WORDS,
        "place": place.casefold() in text.casefold(),
        "next step": STEP.search(text) is not None,
        "no trace": "Traceback" not in text and "object at 0x" not in text,
    }
    return [name for name, holds in checks.items() if not holds]


def check_messages(
    cases: Iterable[Case], kept: Path, *, steady: Callable[[str], str] = str
) -> list[str]:
    """Provoke every message, judge it, compare it with those kept, and return all.

    Args:
        cases: What to provoke, in the order of the file.
        kept: The file of messages, one a line.
        steady: Takes out of a message what differs from run to run.

    Raises:
        AssertionError: a case raised no error of ours, or its message names too little or is
            another than the one kept.
    """
    said = [(place, _provoked(place, provoke)) for place, provoke in cases]
    poor = {text: missing for place, text in said if (missing := lacks(place, text))}
    assert not poor, f"messages that name too little: {poor}"
    texts = [steady(text).replace("\n", " ") for _, text in said]
    if WRITE_VARIABLE in os.environ:
        kept.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    before = kept.read_text(encoding="utf-8").splitlines()
    assert texts == before, f"not as kept in {kept.name}: {sorted({*texts} ^ {*before})}"
    return texts


def _provoked(place: str, provoke: Callable[[], object]) -> str:
    try:
        provoke()
    except SimutradorError as e:
        return str(e)
    raise AssertionError(f"{place}: nothing was refused")

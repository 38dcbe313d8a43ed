"""The rules that messages are judged by do refuse poor ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simutrador_core.errors import InputError, InvalidSymbolError
from simutrador_core.testing.messages import check_messages, lacks, say_only_that_it_failed

GOOD = "page_size 20000 is above the limit; use at most 10000"


def refuse(text: str) -> Callable[[], object]:
    def provoke() -> object:
        raise InputError(text, field="page_size")

    return provoke


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (GOOD, []),
        ("page_size 20000 is far too many to be read", ["next step"]),
        ("the value 20000 is too large; use at most 10000", ["place"]),
        ("page_size: use another", ["cause"]),
        ("invalid input", ["cause", "place", "next step"]),
        (f"{GOOD} <Page object at 0x7f00>", ["no trace"]),
    ],
)
def test_message_lacks_what_it_does_not_name(text: str, missing: list[str]) -> None:
    assert lacks("page_size", text) == missing


def test_good_messages_that_are_kept_pass(tmp_path: Path) -> None:
    kept = tmp_path / "messages.txt"
    kept.write_text("page_size N is above the limit; use at most 10000\n", encoding="utf-8")
    said = check_messages(
        [("page_size", refuse(GOOD))], kept, steady=lambda text: text.replace("20000", "N")
    )
    assert said == ["page_size N is above the limit; use at most 10000"]


def test_changed_wording_is_seen_and_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "messages.txt"
    kept.write_text("another\n", encoding="utf-8")
    cases = [("page_size", refuse(GOOD))]
    monkeypatch.delenv("SIMUTRADOR_WRITE_MESSAGES", raising=False)
    with pytest.raises(AssertionError):
        check_messages(cases, kept)
    monkeypatch.setenv("SIMUTRADOR_WRITE_MESSAGES", "1")
    check_messages(cases, kept)
    assert kept.read_text(encoding="utf-8") == f"{GOOD}\n"


def test_silence_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing was refused"):
        check_messages([("page_size", lambda: None)], tmp_path / "messages.txt")


def test_planted_fault_takes_every_word_away() -> None:
    with say_only_that_it_failed():
        assert str(InvalidSymbolError("a symbol")) == "invalid input"
    assert str(InputError(GOOD, field="page_size")) == GOOD

"""The example of docs/testing-providers.md, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simutrador_data.testing import Fault

PAGE = (Path(__file__).parents[2] / "docs" / "testing-providers.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    example, printed = re.findall(r"```(?:python|text)\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(example, "testing-providers.md", "exec"), {})
    assert capsys.readouterr().out == printed


def test_every_fault_has_a_line() -> None:
    table = PAGE.split("## Faults")[1]
    assert {name for name in Fault.__members__ if f"`{name}`" in table} == set(Fault.__members__)

"""The examples of docs/testing-providers.md, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simutrador_data.testing import Fault, LiveFault

PAGE = (Path(__file__).parents[2] / "docs" / "testing-providers.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"```(?:python|text)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("example", "printed"), [*zip(BLOCKS[::2], BLOCKS[1::2], strict=True)])
def test_the_example_prints_what_the_page_says(
    capsys: pytest.CaptureFixture[str], example: str, printed: str
) -> None:
    exec(compile(example, "testing-providers.md", "exec"), {})
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("faults", "where"), [(Fault, "| `Fault` |"), (LiveFault, "| `LiveFault` |")]
)
def test_every_fault_has_a_line(faults: type[Fault | LiveFault], where: str) -> None:
    table = PAGE.split(where)[1].split("\n\n")[0]
    assert [name for name in faults.__members__ if f"`{name}`" not in table] == []

"""The documents say what the code does: examples are run, the reference is up to date."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import simutrador_core

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = re.findall(
    r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL
)
REFERENCE = ROOT / "scripts" / "api_reference.py"


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_readme_example_prints_what_it_says(
    title: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(code, f"README.md: {title}", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*\)  # (.*)", code)
    assert len(code.splitlines()) < 25


def test_readme_has_its_examples() -> None:
    assert len(EXAMPLES) == README.count("```python") == 7


def test_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(REFERENCE), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_stale_reference_is_told_and_written_anew(tmp_path: Path) -> None:
    target = tmp_path / "docs" / "api-reference.md"
    command = [sys.executable, str(REFERENCE), "--target", str(target)]
    stale = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert stale.returncode == 1
    assert stale.stdout == "api-reference.md is out of date; run: python scripts/api_reference.py\n"
    assert subprocess.run(command, check=False).returncode == 0
    assert subprocess.run([*command, "--check"], check=False).returncode == 0


def test_reference_turns_docstrings_into_lists() -> None:
    names: dict[str, Any] = runpy.run_path(str(REFERENCE))
    docstring = "Return it.\n\nArgs:\n    text: What to\n        read.\n\nRaises:\n    E: bad."
    assert list(names["prose"](docstring)) == [
        "Return it.\n\n**Args**\n\n- `text`: What to\n  read.\n\n**Raises**\n\n- `E`: bad.\n"
    ]


def test_every_root_export_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "api-reference.md").read_text("utf-8")
    absent = [
        name
        for name in simutrador_core.__all__
        if not re.search(rf"^#+ `(?:class )?{name}\b", text, re.MULTILINE)
    ]
    assert absent == ["__version__"]


def test_changelog_begins_with_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE)[1] == "1.0.0"  # type: ignore[index]
    assert "CHANGELOG.md" in (ROOT / "docs" / "changelog.md").read_text("utf-8")

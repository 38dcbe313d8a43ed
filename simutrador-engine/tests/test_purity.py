"""The engine alone is light: no pydantic, no pandas, no clock."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import simutrador_engine

EVERYTHING = """
import pkgutil, importlib, sys
import simutrador_engine
from simutrador_core.testing.builders import make_bars  # what the README's example needs
for found in pkgutil.walk_packages(simutrador_engine.__path__, "simutrador_engine."):
    importlib.import_module(found.name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
IMPURE = {"time", "random", "socket", "logging", "os", "asyncio", "threading", "requests"}


def test_engine_imports_neither_pydantic_nor_pandas() -> None:
    found = subprocess.run(
        [sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=True
    )

    heavy = {"pydantic", "pandas", "pyarrow", "pandas_market_calendars", "pytest", "structlog"}
    assert heavy.isdisjoint(found.stdout.split())
    assert "numpy" in found.stdout.split()


def test_engine_asks_no_clock_and_opens_no_socket() -> None:
    for path in Path(simutrador_engine.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert IMPURE.isdisjoint(alias.name.split(".")[0] for alias in node.names), path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in IMPURE, path
            elif isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "utcnow", "today"} or _of_ours(node), path


def _of_ours(node: ast.Attribute) -> bool:
    """Return whether `.now` is an engine's or desk's, not a clock's."""
    owner = node.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name in {"self", "desk", "_desk", "engine", "_engine"}

"""`scripts/check`: everything that can be judged without running the tests, one line a step."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simutrador_tools.workspace import ROOT, ToolError, find_package, indent, packages, run, tool

LOCK_CURE: Final = "scripts/lock writes it anew; uv sync --all-groups installs it"
ARROWS_CURE: Final = "docs/architecture.md says which package and layer may import which"


@dataclass(frozen=True, slots=True)
class Step:
    """One check: its name, the command that makes it, and what to do when it fails."""

    name: str
    command: Callable[[], Sequence[str]]
    cure: str


def steps(folders: Sequence[str]) -> Iterator[Step]:
    """Yield the checks of these folders (`.` is what belongs to no package), cheapest first."""
    yield Step("policy in step", lambda: [sys.executable, "scripts/policy", "--check"], "")
    yield Step("lock in step", lambda: [sys.executable, "scripts/lock", "--check"], LOCK_CURE)
    # Ruff also holds docstring coverage (D1) and complexity (C901), as tests/tooling prove.
    yield Step(
        "lint, docstrings, complexity",
        lambda: [tool("ruff"), "check", "--quiet", *folders],
        "scripts/check --fix repairs most of it",
    )
    yield Step(
        "format",
        lambda: [tool("ruff"), "format", "--check", "--quiet", *folders],
        "scripts/check --fix",
    )
    yield Step("import arrows", lambda: [tool("lint-imports"), "--no-cache"], ARROWS_CURE)
    for folder in folders:
        name = "scripts and tests" if folder == "." else folder
        yield Step(f"types of {name}", lambda folder=folder: pyright(ROOT / folder), "")


def pyright(folder: Path) -> list[str]:
    """Return the command that checks the types of a folder against this environment."""
    return [tool("pyright"), "-p", str(folder), "--pythonpath", sys.executable]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; return 0 when all pass, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument("package", nargs="*", help="only these packages (default: everything)")
    parser.add_argument("--fix", action="store_true", help="let ruff repair what it can, first")
    options = parser.parse_args(arguments)
    try:
        folders = [find_package(name).folder for name in options.package]
        folders = folders or [*(package.folder for package in packages()), "."]
        if options.fix:
            fix(folders)
        results = [_passes(step) for step in steps(folders)]
        return 0 if all(results) else 1
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2


def fix(folders: Sequence[str]) -> None:
    """Repair what ruff can repair by itself."""
    run([tool("ruff"), "check", "--fix-only", "--quiet", *folders])
    run([tool("ruff"), "format", "--quiet", *folders])


def _passes(step: Step) -> bool:
    started = time.monotonic()
    done = run(step.command())
    took = f"{time.monotonic() - started:.1f} s"
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'}  {step.name}  ({took})", flush=True)
    if done.returncode:
        print(indent(done.stdout))
        if step.cure:
            print(f"    next: {step.cure}")
    return done.returncode == 0

"""`scripts/pre-push`: check the packages that a push touches; called by `.githooks/pre-push`.

Git gives one line for each ref on standard input: `local-ref commit remote-ref commit`.
"""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from simutrador_tools.alone import IMPORT_ALL
from simutrador_tools.check import fix, pyright
from simutrador_tools.wheels import build_wheel
from simutrador_tools.workspace import (
    ROOT,
    Package,
    ToolError,
    must_run,
    packages,
    run,
    tool,
)

NO_COMMIT: Final = "0" * 40


def pushed_files(lines: Iterable[str]) -> set[str]:
    """Return the files that the pushed commits change, as paths from the root."""
    files: set[str] = set()
    for line in lines:
        _, local, _, remote = line.split()
        if local == NO_COMMIT:  # a deleted branch
            continue
        # A new branch, or a remote that moved on: everything that no remote has yet.
        known = [f"^{remote}"] if _is_here(remote) else ["--not", "--remotes"]
        command = ["git", "log", "--format=", "--name-only", "-m", local, *known]
        files |= set(must_run(command).split("\n")) - {""}
    return files


def touched(files: Iterable[str], known: Sequence[Package]) -> list[Package]:
    """Return the packages that hold one of `files`."""
    named = list(files)
    return [each for each in known if any(file.startswith(f"{each.folder}/") for file in named)]


def check(package: Package) -> None:
    """Repair style, then check types, build, and import the built package.

    Raises:
        ToolError: something needs a person, or ruff changed files that are not committed yet.
    """
    before = _changes(package)
    fix([package.folder])
    if _changes(package) != before:
        raise ToolError(f"ruff repaired files in {package.folder}; commit them and push again")
    must_run([tool("ruff"), "check", "--quiet", package.folder])
    must_run(pyright(package.path))
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(package.path, Path(scratch))
        # The wheel comes first on the path; what it needs is already in this environment.
        target = Path(scratch) / "installed"
        must_run(["uv", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel])
        script = f"import sys; sys.path.insert(0, {str(target)!r})\n{IMPORT_ALL}"
        must_run([sys.executable, "-c", script, package.module], cwd=Path(scratch))


def main(lines: Iterable[str] | None = None) -> int:
    """Check every touched package; return 0 to let the push go on, 1 to stop it."""
    try:
        for package in touched(pushed_files(lines or sys.stdin), packages()):
            check(package)
            print(f"ok    {package.folder}")
    except ToolError as error:
        print(f"{error}\n\nthe push stops here; put this right, or skip once with --no-verify")
        return 1
    return 0


def _is_here(commit: str) -> bool:
    return run(["git", "cat-file", "-e", commit]).returncode == 0


def _changes(package: Package) -> str:
    return must_run(["git", "diff", "--", package.folder], cwd=ROOT)
